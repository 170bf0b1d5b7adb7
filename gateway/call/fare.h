/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg to a trunk costs somebody something: the account that calls, that
 * forwards, or in whose call the telephone has itself transferred. Nothing goes
 * to a trunk without one. The route says which trunks (fare_new()); before the
 * leg is called the limits are asked, and then the billing system
 * (fare_ask()).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"
#include "gateway/bill/bill.h"

struct gateway;
struct question;
struct route;

struct fare {            /* owns its text */
	char *account;   /* bare JID in lower case, at whose expense */
	char *from, *to; /* numbers; E.164, or a code as it is dialled */
	char *trunk;     /* by name */
	bool emergency;  /* never refused for what it costs */
	bool diverted;   /* the account sends another's call on */
};

enum fare_outcome {
	FARE_E_FREE = 1,  /* nobody is asked */
	FARE_E_LIMIT = 2, /* one of the account's limits, or the trunk's */
};

/* Of the @i-th trunk of @route. *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int fare_new(struct fare **out, const struct route *route, size_t i);
CHECKED int fare_copy(struct fare **out, const struct fare *fare);
/* NULL is fine; returns NULL. */
struct fare *fare_free(struct fare *fare);
DEFINE_AUTO(struct fare *, fare_free)

/* Whether what was said of one holds for the other. */
bool fare_is_same(const struct fare *a, const struct fare *b);

/* Who asks, and by which name. */
struct fare_asker {
	const char *id;   /* the call's */
	const char *from; /* who calls; NULL: the fare's */
	bool transfers;   /* the call was another's before */
	bill_answer_fn fn;
	void *arg;
};
/*
 * The leg is to be called now. 0: @asker->fn is called, from the loop, and
 * *@out is the caller's: question_free(). FARE_E_FREE, FARE_E_LIMIT (logged),
 * -ENOMEM.
 */
CHECKED int fare_ask(struct question **out, struct gateway *gateway,
		     const struct fare *fare, const struct fare_asker *asker);
