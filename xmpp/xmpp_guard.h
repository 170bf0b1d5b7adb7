/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What may pass between the component stream and the rest of us: RFC 6120, 8.1
 * to 8.3, and XEP-0114, 3.
 */
#pragma once

#include "gateway/base/err.h"

struct stanza;

/*
 * NULL: @stanza is an iq, message or presence with valid JIDs, to @domain, and
 * as an iq well-formed. Else a word for the log, and in *@reply, owned by the
 * caller, the error that it gets, or NULL: none.
 */
const char *xmpp_guard_incoming(struct stanza **reply,
				const struct stanza *stanza,
				const char *domain);

/* The error for a stanza that was too large, of which only @head is left; NULL:
 * none. Owned by the caller. */
struct stanza *xmpp_guard_refused(const struct stanza *head,
				  const char *domain);

/*
 * NULL: @stanza may be sent. Else a word for the log: a server closes the
 * stream over a foreign from, a missing address, or no stanza at all.
 */
const char *xmpp_guard_outgoing(const struct stanza *stanza,
				const char *domain);
