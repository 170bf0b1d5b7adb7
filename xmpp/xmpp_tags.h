/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The tags around the stanzas (RFC 6120, 4): how a component's stream is
 * opened, its errors, its end. Texts alone, no I/O.
 */
#pragma once

#include <stddef.h>

#include "gateway/base/err.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

enum { XMPP_TAG_CAP = JID_PART_MAX + 256 };

/* The opening tag without its to, as if the server had written it. */
#define XMPP_TAGS_OPENED XMPP_TAGS_HEAD ">"
#define XMPP_TAGS_HEAD                                          \
	"<?xml version='1.0'?><stream:stream xmlns='" STANZA_NS \
	"' xmlns:stream='" STANZA_NS_STREAM "'"
#define XMPP_TAGS_END "</stream:stream>"

/* The opening tag to @domain, which has been checked to be one. 0, -EMSGSIZE.
 */
CHECKED int xmpp_tags_open(char out[static XMPP_TAG_CAP], const char *domain);
/* What the server did wrong (RFC 6120, 4.9), and the end. 0, -EMSGSIZE. */
CHECKED int xmpp_tags_error(char out[static XMPP_TAG_CAP],
			    const char *condition);
/* The condition of <stream:error/>; borrowed from it. */
const char *xmpp_tags_condition(const struct stanza *error);
