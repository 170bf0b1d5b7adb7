/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What keeps a stolen account cheap: how many calls at a time, a minute, where
 * to, and for how many minutes a day, for each account and each trunk. From the
 * configuration, or what an administrator has set for one of them (db/quota.h).
 *
 * Calls at a time count both ways, all else calls out. Attempts count for the
 * minute, refused ones as well. A day is UTC's; minutes are those of answered
 * legs to trunks, with those that last: an account's own, and of calls that it
 * sends on (gateway/call/fare.h).
 */
#pragma once

#include <stdbool.h>

#include "db/quota.h"
#include "gateway/base/err.h"

struct config;
struct config_quota;
struct gateway;

enum limit {
	LIMIT_NONE, /* it may */
	LIMIT_CALLS,
	LIMIT_RATE,
	LIMIT_DESTINATION,
	LIMIT_MINUTES,
};

/* Reads what was set and used. 0 or -errno. */
CHECKED int limits_new(struct gateway *gateway);
void limits_free(struct gateway *gateway);

/* Whether @name has a call left at all: for calls in. */
enum limit limits_at_once(struct gateway *gateway, enum quota_kind kind,
			  const char *name);
/*
 * Whether it may call @to (E.164) now, which counts as an attempt; @to NULL:
 * nothing that costs.
 */
enum limit limits_attempt(struct gateway *gateway, enum quota_kind kind,
			  const char *name, const char *to);
/* The same without an attempt, for a trunk that may be tried later; and when it
 * is. */
enum limit limits_check(struct gateway *gateway, enum quota_kind kind,
			const char *name, const char *to);
void limits_tried(struct gateway *gateway, enum quota_kind kind,
		  const char *name);
/* The same for a call that was counted as an attempt before, and rings. */
enum limit limits_now(struct gateway *gateway, enum quota_kind kind,
		      const char *name, const char *to);
/* How much longer a call of @account to @to over @trunk may last, in ms; to an
 * emergency number, for ever. */
int64_t limits_left_ms(struct gateway *gateway, const char *account,
		       const char *to, const char *trunk);
/* Whether @account may call the echo number, which anybody may, or be called by
 * it, but not all at once: one each, limits.echo_calls together. */
enum limit limits_echo(struct gateway *gateway, const char *account);

/*
 * Calls in that may wait for an answer at a time. All of them wait when people
 * call in masses, or a trunk has gone mad: half of limits.calls stays for those
 * that talk and for calls out; but a small gateway may ring with all it has.
 */
unsigned limits_half_open(const struct config *config);

/* A call out over @trunk has lasted that long. */
void limits_used(struct gateway *gateway, const char *account,
		 const char *trunk, uint64_t seconds);
/* Whether @account never shows its number. */
bool limits_withhold(struct gateway *gateway, const char *account);

/* What an administrator has set for one of them, borrowed until the next
 * change; NULL: nothing. */
const struct config_quota *limits_given(const struct gateway *gateway,
					enum quota_kind kind, const char *name,
					bool *withhold);
/* Set, or take back, what holds for one of them; kept. 0, -EINVAL (prefixes),
 * -ENOBUFS, -ENOMEM: nothing has changed. */
CHECKED int limits_set(struct gateway *gateway, const struct quota_row *row);
/* In memory alone: the disk is seen to (account_drop()). */
void limits_forget(struct gateway *gateway, enum quota_kind kind,
		   const char *name);
/* The account @from is called @to from now on: what was set for it, and what it
 * has used. In memory alone, as account_move() does it on the disk. Prepared
 * first, it cannot fail: 0 or -ENOMEM. */
CHECKED int limits_prepare(struct gateway *gateway, const char *to);
void limits_move(struct gateway *gateway, const char *from, const char *to);
CHECKED int limits_unset(struct gateway *gateway, enum quota_kind kind,
			 const char *name);

/* "calls", "rate", …: for the log. */
const char *limit_name(enum limit limit);
