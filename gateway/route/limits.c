/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/limits.h"

#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/quotas.h"
#include "gateway/route/rewrite.h"

enum {
	MS_PER_MINUTE = 60 * 1000,
	HALF_OPEN_MIN = 200,
	HALF_OPEN_SHARE = 5, /* above that many, one call in so many */
	REQUESTS_MIN = 500,
};

/* ---- whether a call may be ---- */

/* An account's are its legs over XMPP, and what it sends on. */
static unsigned calls_of(struct gateway *gateway, enum quota_kind kind,
			 const char *name)
{
	unsigned legs =
		kind == QUOTA_ACCOUNT ? leg_xmpp_calls_of(gateway, name) : 0;

	return legs + toll_calls(gateway, (enum toll_kind)kind, name);
}

enum limit limits_at_once(struct gateway *gateway, enum quota_kind kind,
			  const char *name)
{
	struct config_quota quota;

	quotas_of(&quota, gateway, kind, name);
	return quota.calls && calls_of(gateway, kind, name) >= quota.calls
		       ? LIMIT_CALLS
		       : LIMIT_NONE;
}

/* In this minute, with the one that is asked for. */
static unsigned tries_of(struct gateway *gateway, enum toll_kind kind,
			 const char *name, unsigned flags)
{
	if (flags & LIMITS_TRIES)
		return toll_try(gateway, kind, name);
	return toll_tries(gateway, kind, name) + !(flags & LIMITS_TRIED);
}

/* Of the day; INT64_MAX: all of it. */
static int64_t allowed_ms(const struct config_quota *quota)
{
	return quota->minutes_per_day
		       ? (int64_t)quota->minutes_per_day * MS_PER_MINUTE
		       : INT64_MAX;
}

enum limit limits_check(struct gateway *gateway, enum quota_kind kind,
			const char *name, const char *to, unsigned flags)
{
	enum toll_kind counted = (enum toll_kind)kind;
	unsigned tries = tries_of(gateway, counted, name, flags);
	struct config_quota quota;

	quotas_of(&quota, gateway, kind, name);
	if (to && !rewrite_allows(&quota.destinations, to))
		return LIMIT_DESTINATION;
	if (quota.calls && !(flags & LIMITS_COUNTED) &&
	    calls_of(gateway, kind, name) >= quota.calls)
		return LIMIT_CALLS;
	if (quota.calls_per_minute && tries > quota.calls_per_minute)
		return LIMIT_RATE;
	if (to && toll_used_ms(gateway, counted, name) >= allowed_ms(&quota))
		return LIMIT_MINUTES;
	return LIMIT_NONE;
}

enum limit limits_echo(struct gateway *gateway, const char *account)
{
	if (toll_calls(gateway, TOLL_ECHO, account))
		return LIMIT_CALLS;
	return toll_calls(gateway, TOLL_ECHO, TOLL_ECHO_ALL) >=
			       gateway->config->limits.echo_calls
		       ? LIMIT_CALLS
		       : LIMIT_NONE;
}

unsigned limits_half_open(const struct config *config)
{
	unsigned calls = config->limits.calls, most = calls / HALF_OPEN_SHARE;

	if (most < HALF_OPEN_MIN)
		most = HALF_OPEN_MIN;
	return most < calls ? most : calls;
}

unsigned limits_half_open_each(const struct config *config)
{
	unsigned all = limits_half_open(config);

	return all - all / 4;
}

unsigned limits_requests_each(const struct config *config)
{
	unsigned half = config->limits.calls / 2;

	return half < REQUESTS_MIN ? REQUESTS_MIN : half;
}

/* ---- how long it may last ---- */

static void allow(struct gateway *gateway, enum toll_kind kind,
		  const char *name)
{
	struct config_quota quota;

	quotas_of(&quota, gateway, (enum quota_kind)kind, name);
	toll_allow(gateway, kind, name, allowed_ms(&quota));
}

int limits_start(struct gateway *gateway, struct toll_meter *meter,
		 enum quota_kind kind, const char *name, int64_t since_ms)
{
	enum toll_kind counted = (enum toll_kind)kind;
	int r = toll_start(gateway, meter, counted, name, since_ms);

	if (!r)
		allow(gateway, counted, name);
	return r;
}

/* ---- changes ---- */

int limits_set(struct gateway *gateway, const struct quota_row *row)
{
	int r = quotas_set(gateway, row);

	if (!r)
		allow(gateway, (enum toll_kind)row->kind, row->name);
	return r;
}

int limits_unset(struct gateway *gateway, enum quota_kind kind,
		 const char *name)
{
	int r = quotas_unset(gateway, kind, name);

	if (!r)
		allow(gateway, (enum toll_kind)kind, name);
	return r;
}

void limits_forget(struct gateway *gateway, enum quota_kind kind,
		   const char *name)
{
	quotas_forget(gateway, kind, name);
	allow(gateway, (enum toll_kind)kind, name);
}

int limits_prepare(struct gateway *gateway, const char *to)
{
	int r = quotas_prepare(gateway, to);

	return r ? r : toll_prepare(gateway, to);
}

void limits_move(struct gateway *gateway, const char *from, const char *to)
{
	quotas_move(gateway, from, to);
	toll_move(gateway, from, to);
	allow(gateway, TOLL_ACCOUNT, to);
}

void limits_reloaded(struct gateway *gateway)
{
	toll_each_running(gateway, allow);
}

const char *limit_name(enum limit limit)
{
	static const char *const names[] = { [LIMIT_NONE] = "none",
					     [LIMIT_CALLS] = "calls",
					     [LIMIT_RATE] = "rate",
					     [LIMIT_DESTINATION] =
						     "destination",
					     [LIMIT_MINUTES] = "minutes" };

	return names[limit];
}
