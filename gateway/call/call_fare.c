/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a call's legs to trunks cost, each from when it is to be called to when
 * it ends (fare.h): whom it counts for, since when, and its record. Who is
 * asked before is call_ask.c's.
 */
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/call/fare.h"
#include "gateway/call/fare_record.h"
#include "gateway/gateway.h"
#include "gateway/route/limits.h"
#include "gateway/route/refusal.h"
#include "gateway/route/route.h"

/* ---- calls ---- */

/* What an account sends on is a call of its own, and a line of the trunk beside
 * that of the call; all other legs are counted without (call_count.c). */
int call_fare_count(struct call *call, enum media_side side)
{
	struct call_fare *of = &call->fares[side];
	const struct fare *fare = of->fare;
	int r = 0;

	if (fare->diverted && !of->lines[0].of)
		r = toll_take(call->gateway, &of->lines[0], TOLL_ACCOUNT,
			      fare->account);
	if (!r && fare->diverted && !of->lines[1].of)
		r = toll_take(call->gateway, &of->lines[1], TOLL_TRUNK,
			      fare->trunk);
	return r;
}

void call_fare_stop(struct call_fare *of)
{
	for (size_t i = 0; i < 2; i++) {
		toll_drop(&of->lines[i]);
		toll_stop(&of->meters[i]);
	}
}

void call_fare_drop(struct call *call, enum media_side side)
{
	struct call_fare *of = &call->fares[side];

	call_fare_stop(of);
	of->fare = fare_free(of->fare);
}

int call_fare_take(struct call *call, const struct fare *fare)
{
	struct call_fare *of = &call->fares[MEDIA_SIDE_B];
	struct fare *copy = NULL;

	if (fare && fare_copy(&copy, fare))
		return -ENOMEM;
	if (!fare_is_same(of->fare, copy)) {
		call_fare_stop(of);
		of->said = CALL_FARE_UNSAID;
		of->credit_ms = 0;
	}
	fare_free(of->fare);
	of->fare = copy;
	return 0;
}

/* ---- time ---- */

static int64_t since_ms(const struct call *call, const struct call_fare *of)
{
	if (!of->fare || !call->answered_ms)
		return 0;
	return of->since_ms ? of->since_ms : call->answered_ms;
}

static void on_used_up(void *arg)
{
	struct call *call = arg;
	const char *text = refusal_of(ROUTE_E_MINUTES)->text;

	log_warn("call=%s limit=minutes: it is ended", call->name);
	call_raise(call,
		   &(struct call_event){ .type = CALL_EV_FAILED,
					 .cause = CAUSE_CREDIT,
					 .text = text_dup(slice_of(text)) });
}

int call_fare_start(struct call *call, enum media_side side)
{
	struct call_fare *of = &call->fares[side];
	int64_t cost_ms = call_now_ms(call) - since_ms(call, of);
	int64_t since = (int64_t)clock_ms() - cost_ms;

	if (!of->fare || !call->answered_ms)
		return 0;
	const struct {
		enum quota_kind kind;
		const char *name;
	} who[] = { { QUOTA_ACCOUNT, of->fare->account },
		    { QUOTA_TRUNK, of->fare->trunk } };
	int r = 0;
	for (size_t i = 0; !r && i < 2; i++) {
		struct toll_meter *meter = &of->meters[i];

		if (meter->of)
			continue;
		/* Help is not cut off. */
		meter->over = of->fare->emergency ? NULL : on_used_up;
		meter->arg = call;
		r = limits_start(call->gateway, meter, who[i].kind, who[i].name,
				 since);
	}
	return r;
}

int64_t call_credit_ms(const struct call *call)
{
	int64_t a = call->fares[MEDIA_SIDE_A].credit_ms;
	int64_t b = call->fares[MEDIA_SIDE_B].credit_ms;

	return a && (!b || a < b) ? a : b;
}

bool call_credit_is_used_up(const struct call *call)
{
	enum { EARLY_MS = 500 }; /* timers are rounded */
	int64_t credit_ms = call_credit_ms(call);

	return call->state == CALL_UP && credit_ms &&
	       call_now_ms(call) - call->answered_ms >= credit_ms - EARLY_MS;
}

/* ---- its end ---- */

static void settle(struct call *call, struct call_fare *of)
{
	bool told_of = !of->fare || (!of->fare->diverted && !of->since_ms);

	if (of->said == CALL_FARE_ALLOWED && !told_of)
		fare_record_put(
			call->gateway,
			&(struct fare_record){
				.call = call->name,
				.part = of->part,
				.fare = of->fare,
				.started_ms = of->since_ms ? of->since_ms
							   : call->started_ms,
				.answered_ms = since_ms(call, of),
				.ended_ms = call_now_ms(call),
				.cause = call->cause });
	call_fare_stop(of);
}

void call_fares_settle(struct call *call)
{
	for (int side = 0; side < 2; side++)
		settle(call, &call->fares[side]);
}

int call_transferred(struct call *call, enum media_side side, struct fare *fare,
		     uint32_t seconds)
{
	struct call_fare *of = &call->fares[side];
	int64_t now_ms = call_now_ms(call);

	settle(call, of);
	/* It is still a call that the account has sent on. */
	fare->diverted |= of->fare && of->fare->diverted;
	fare_free(of->fare);
	*of = (struct call_fare){
		.fare = fare,
		.said = CALL_FARE_ALLOWED,
		.since_ms = now_ms,
		.credit_ms = seconds ? now_ms - call->answered_ms +
					       (int64_t)seconds * MS_PER_S
				     : 0,
		.part = ++call->transfers,
	};
	int r = call_fare_count(call, side);
	if (!r)
		r = call_fare_start(call, side);
	if (call->state == CALL_UP)
		call_arm(call);
	return r;
}
