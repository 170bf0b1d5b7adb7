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

/*
 * RFC 7622, 3: 0, or -EINVAL: no UTF-8, an empty part, a part over 1023 octets,
 * control characters, or characters that its part forbids. The PRECIS profiles
 * (case, width, bidi) have been applied by the server that hands us the JID.
 */
CHECKED int jid_parse(struct jid *out, const char *text);

/*
 * "local@domain" of @text into @out of JID_CAP; local and domain in lower case
 * (ASCII alone: servers have prepared what reaches a component). 0, -EINVAL,
 * -EMSGSIZE.
 */
CHECKED int jid_bare(char *out, size_t cap, const char *text);
/* The same of who is counted, "" where @text is no JID. */
void jid_account(char out[static JID_CAP], const char *text);
/* The same with the resource, if there is one, as it stands: for keys. */
CHECKED int jid_full(char *out, size_t cap, const char *text);
/* Whether two full or bare JIDs name the same account; or are the same JID. */
bool jid_same_bare(const char *a, const char *b);
bool jid_same(const char *a, const char *b);

/*
 * XEP-0106, 4: text to localpart and back; neither begins or ends with a space.
 * Hexadecimal digits are written, and read, in lower case. 0, -EINVAL (such a
 * space, no UTF-8, control characters; a localpart with characters that RFC
 * 7622, 3.3.1 forbids), -EMSGSIZE (over JID_PART_MAX or @cap). @out is empty
 * then.
 */
CHECKED int jid_escape(char *out, size_t cap, struct slice text);
CHECKED int jid_unescape(char *out, size_t cap, struct slice local);
