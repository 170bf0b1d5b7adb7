/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Numbers written in another form than ours (without their country code, with
 * signs between): nobody lives there, but somebody lives at the address that is
 * meant, and the error names it (RFC 6120, 8.3.3.5).
 */
#pragma once

#include "gateway/base/err.h"
#include "xmpp/jid.h"

struct gateway;
struct stanza;

enum { MOVED_TEXT_CAP = JID_CAP + 64 };

enum moved_outcome {
	MOVED_E_NOT = 1, /* a number in our form, or none */
};

/* For people: the address that the account of @from means by @to, and why.
 * 0, MOVED_E_NOT, -ENOMEM. */
CHECKED int moved_text(char out[static MOVED_TEXT_CAP],
		       const struct gateway *gateway, const char *from,
		       const char *to);

/* The error that @request gets for it, owned by the caller.
 * 0, MOVED_E_NOT, -ENOMEM. */
CHECKED int moved_error(struct stanza **out, const struct gateway *gateway,
			const struct stanza *request);
