/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What keeps a stolen account cheap: how many calls at a time, a minute, where
 * to, and for how many minutes a day, for each account and each trunk. How much
 * one may is quotas.h's, how much it does is toll.h's.
 *
 * Calls at a time count both ways, all else calls out. Attempts count for the
 * minute, refused ones as well. Calls that last end when the minutes of their
 * account or trunk are used up, which all of them share.
 */
#pragma once

#include <stdbool.h>

#include "db/quota.h"
#include "gateway/base/err.h"
#include "gateway/route/toll.h"

struct config;
struct gateway;

enum limit {
	LIMIT_NONE, /* it may */
	LIMIT_CALLS,
	LIMIT_RATE,
	LIMIT_DESTINATION,
	LIMIT_MINUTES,
};

/* ---- whether a call may be ---- */

/* Whether @name has a call left at all: for calls in. */
enum limit limits_at_once(struct gateway *gateway, enum quota_kind kind,
			  const char *name);

/* What is known of a call that is asked about; none of it: a call that may come
 * to be. */
enum limits_flags {
	LIMITS_TRIES = 1,   /* it counts as an attempt from now on */
	LIMITS_TRIED = 2,   /* it was counted as one before */
	LIMITS_COUNTED = 4, /* it is one of the calls of now, and goes on */
};
/* Whether @name may call @to (E.164) now; @to NULL: nothing that costs.
 * @flags: enum limits_flags. */
enum limit limits_check(struct gateway *gateway, enum quota_kind kind,
			const char *name, const char *to, unsigned flags);

/* Whether @account may call the echo number, which anybody may, or be called by
 * it, but not all at once: one each, limits.echo_calls together. */
enum limit limits_echo(struct gateway *gateway, const char *account);

/*
 * Calls in that may wait for an answer at a time. All of them wait when people
 * call in masses, or a trunk has gone mad: most of limits.calls stays for those
 * that talk and for calls out; but a small gateway may ring with all it has.
 */
unsigned limits_half_open(const struct config *config);
/* And of one address: three quarters, so that a trunk that has gone mad leaves
 * some to others. */
unsigned limits_half_open_each(const struct config *config);
/* Requests a second that SIP takes from one address of a trunk's, calls that
 * are up aside: it remembers each for half a minute. */
unsigned limits_requests_each(const struct config *config);

/* ---- how long it may last ---- */

/* As toll_start(): its minutes are those of @name, and @meter is told when
 * they are used up. */
CHECKED int limits_start(struct gateway *gateway, struct toll_meter *meter,
			 enum quota_kind kind, const char *name,
			 int64_t since_ms);

/* ---- changes: calls that last end by what holds from now on ---- */

/* What an administrator sets, or takes back; kept. As quotas_set(). */
CHECKED int limits_set(struct gateway *gateway, const struct quota_row *row);
CHECKED int limits_unset(struct gateway *gateway, enum quota_kind kind,
			 const char *name);
/* In memory alone: the disk is seen to (account_drop()). */
void limits_forget(struct gateway *gateway, enum quota_kind kind,
		   const char *name);
/* The account @from is called @to from now on: what was set for it, and what it
 * has used. In memory alone, as account_move() does it on the disk. Prepared
 * first, it cannot fail: 0 or -ENOMEM. */
CHECKED int limits_prepare(struct gateway *gateway, const char *to);
void limits_move(struct gateway *gateway, const char *from, const char *to);
/* The configuration is another. */
void limits_reloaded(struct gateway *gateway);

/* "calls", "rate", …: for the log. */
const char *limit_name(enum limit limit);
