/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Jabber identifiers (RFC 7622) and XEP-0106 escaping of their localparts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

enum { JID_PART_MAX = 1023, JID_CAP = 3 * JID_PART_MAX + 3 };

/* Views into the text that was parsed; a missing part is empty. */
struct jid {
	struct slice local, domain, resource;
};

/* 0, or -EINVAL: empty domain, a part over 1023 octets, forbidden characters.
 */
CHECKED int jid_parse(struct jid *out, const char *text);

/* "local@domain" of @text into @out of JID_CAP; local and domain in lower case
 * (ASCII alone: servers have prepared what reaches a component). */
CHECKED int jid_bare(char *out, size_t cap, const char *text);
/* Whether two full or bare JIDs name the same account. */
bool jid_same_bare(const char *a, const char *b);

/* XEP-0106, 4: text to localpart and back. 0, -EINVAL (space first or last),
 * -EMSGSIZE. */
CHECKED int jid_escape(char *out, size_t cap, struct slice text);
CHECKED int jid_unescape(char *out, size_t cap, struct slice local);
