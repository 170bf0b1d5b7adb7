/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The one place where stanzas become octets. What cannot be written as legal
 * XML is refused here: one bad octet makes Prosody close the whole component
 * stream, and with it every call's signalling.
 */
#pragma once

#include <stddef.h>

#include "gateway/base/err.h"
#include "xmpp/stanza.h"

enum {
	STANZA_TEXT_MAX = 64 * 1024, /* octets; Prosody's own limit is 512 KiB
				      */
	STANZA_DEPTH_MAX = 64,
	STANZA_NAME_MAX = 256, /* octets of a name of element or attribute */
};

enum stanza_text_outcome {
	STANZA_TEXT_E_CHARS = 1, /* not UTF-8, or not XML's Char */
	STANZA_TEXT_E_NAME = 2,  /* a name that is none; xmlns as attribute; a
				  * reserved namespace */
	STANZA_TEXT_E_SIZE = 3,  /* above @max, or nested too deep */
};

/*
 * Write @st as it stands in a component stream (default namespace
 * jabber:component:accept), at most @max octets (0: STANZA_TEXT_MAX).
 * *@out is NUL-terminated and owned by the caller: free(). *@n is its length.
 * 0, STANZA_TEXT_E_*, or -ENOMEM (also for a tree that is not stanza_ok()).
 */
CHECKED int stanza_format(const struct stanza *st, size_t max, char **out,
			  size_t *n);
