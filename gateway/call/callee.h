/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who is called for a number of ours, as targets of a hunt: its owners at once
 * or one after the other, by the policy of each, and where they forward to; and
 * the echo. Trunks are trunk_hunt.h's.
 */
#pragma once

#include "gateway/base/err.h"
#include "gateway/call/hunt.h"

struct gateway;
struct number;
struct sip_onward;

/* Who calls, as the callees see it; all borrowed for the call alone. */
struct callee_caller {
	const char *jid;    /* our full JID that stands for the caller */
	const char *name;   /* as the trunk gives it; NULL or "" none */
	const char *number; /* for accounts of which it may be shown; NULL */
	const struct sip_onward *onward; /* what the call came with; NULL */
};

/* A call that comes diverted so often is not sent on once more: it goes round.
 */
enum { CALLEE_DIVERSIONS_MAX = 5 };

enum callee_outcome {
	CALLEE_E_NOBODY = 1, /* nobody can be called; the cause is told */
};

/*
 * The owners of @number that take a call now, and what follows them. 0,
 * CALLEE_E_NOBODY with @why, or -errno. Who is busy then is told of the call
 * that was missed.
 */
CHECKED int callee_add_number(struct hunt *hunt, struct gateway *gateway,
			      const struct number *number,
			      const struct callee_caller *caller,
			      enum cause *why);

/* The built-in echo. 0 or -errno. */
CHECKED int callee_add_echo(struct hunt *hunt);
