/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Why a call is not placed, in each language: for the log, for an XMPP client
 * and for a trunk.
 */
#pragma once

#include "gateway/call/cause.h"
#include "gateway/route/route.h"

struct refusal {
	const char *what; /* for the log: "destination" */
	enum cause cause;
	const char *condition; /* RFC 6120, 8.3.3 */
	const char *text;      /* NULL: none */
	unsigned status;       /* of SIP, when not the cause's; 0 */
	const char *phrase;
};

/* @outcome: of route_from_account() or route_from_trunk(), not 0. */
const struct refusal *refusal_of(int outcome);
/* No line is free, or will be: limits.calls, our end, no XMPP server. */
const struct refusal *refusal_no_line(void);

/* Of those who are called nobody can be: busy, or not there. */
const struct refusal *refusal_nobody(enum cause why);

/* What a person is told of @refusal; NULL: nothing. */
const char *refusal_text(const struct refusal *refusal,
			 const struct config *config);
