/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a call costs, and who is asked before: the billing system about a call
 * from a trunk, and about each leg to one (fare.h) before it is called. It
 * gives the call's most time.
 */
#include <stdlib.h>

#include "db/cdr.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"
#include "gateway/call/call_state.h"
#include "gateway/call/fare.h"
#include "gateway/call/hunt.h"
#include "gateway/gateway.h"
#include "gateway/route/limits.h"

enum { MS_PER_S = 1000 };

/* ---- what is asked ---- */

static bool asks_of_call(const struct call *call)
{
	return call->inbound && *call->trunk && !call->was_asked &&
	       bill_asks(call->gateway);
}

bool call_fare_asks(const struct call *call)
{
	const struct fare *fare = call->fare;

	if (asks_of_call(call))
		return true;
	return fare && call->fare_said != CALL_FARE_ALLOWED &&
	       (fare->diverted ||
		(!fare->emergency && bill_asks(call->gateway)));
}

bool call_is_asked_about(const struct call *call)
{
	return call->state == CALL_ASKING;
}

/* It is not the caller's fault when nobody pays for sending the call on. */
static void refuse_fare(struct call *call, const char *reason)
{
	bool diverted = call->fare->diverted;
	struct call_event event = { .type = CALL_EV_FAILED,
				    .cause = diverted ? CAUSE_BUSY
						      : CAUSE_CREDIT };

	call->fare_said = CALL_FARE_REFUSED;
	if (call_hunt_goes_on(call, CAUSE_CREDIT))
		event.type = CALL_EV_NEXT;
	else if (!diverted && *reason)
		event.text = text_dup(slice_of(reason));
	call_raise(call, &event);
}

static void allow(struct call *call, uint32_t seconds)
{
	int64_t ms = (int64_t)seconds * MS_PER_S;

	if (ms && (!call->credit_ms || ms < call->credit_ms))
		call->credit_ms = ms;
	call_raise(call, &(struct call_event){ .type = CALL_EV_ALLOWED });
}

static void on_call_answer(const struct bill_answer *answer, void *arg)
{
	struct call *call = arg;
	struct call_event event = { .type = CALL_EV_FAILED,
				    .cause = CAUSE_CREDIT };

	call->question = question_free(call->question);
	call->was_asked = true;
	if (answer->allowed) {
		allow(call, answer->seconds);
		return;
	}
	if (*answer->reason)
		event.text = text_dup(slice_of(answer->reason));
	call_raise(call, &event);
}

static void on_fare_answer(const struct bill_answer *answer, void *arg)
{
	struct call *call = arg;

	call->question = question_free(call->question);
	if (!answer->allowed) {
		refuse_fare(call, answer->reason);
		return;
	}
	call->fare_said = CALL_FARE_ALLOWED;
	allow(call, answer->seconds);
}

static int ask_of_call(struct call *call)
{
	return bill_ask(&call->question, call->gateway,
			&(struct bill_request){ .kind = BILL_CALL,
						.id = call->name,
						.inbound = true,
						.account = call->account,
						.from = call->from,
						.to = call->to,
						.trunk = call->trunk },
			on_call_answer, call);
}

static void ask_of_fare(struct call *call)
{
	const struct fare_asker asker = {
		.id = call->name,
		.from = call->fare->diverted ? NULL : call->from,
		.fn = on_fare_answer,
		.arg = call,
	};
	int r = call->fare_said == CALL_FARE_REFUSED
			? FARE_E_LIMIT
			: fare_ask(&call->question, call->gateway, call->fare,
				   &asker);

	if (r == FARE_E_LIMIT) {
		refuse_fare(call, "");
	} else if (r == FARE_E_FREE) {
		call->fare_said = CALL_FARE_ALLOWED;
		allow(call, 0);
	} else if (r) {
		call_fail(call, CAUSE_FAILED);
	}
}

void call_fare_ask(struct call *call)
{
	if (!asks_of_call(call))
		ask_of_fare(call);
	else if (ask_of_call(call))
		call_fail(call, CAUSE_FAILED);
}

void call_fare_forget(struct call *call)
{
	call->question = question_free(call->question);
}

bool call_fare_is_used_up(const struct call *call)
{
	enum { EARLY_MS = 500 }; /* the wall clock may differ a little */

	return call->state == CALL_UP && call->credit_ms &&
	       call_now_ms(call) - call->answered_ms >=
		       call->credit_ms - EARLY_MS;
}

/* ---- who pays ---- */

int call_fare_take(struct call *call, const struct fare *fare)
{
	struct fare *copy = NULL;

	if (fare && fare_copy(&copy, fare))
		return -ENOMEM;
	if (!fare_is_same(call->fare, copy))
		call->fare_said = CALL_FARE_UNSAID;
	fare_free(call->fare);
	call->fare = copy;
	return 0;
}

/* A leg that the call's own record does not tell of: somebody else's. */
static void record_leg(const struct call *call, int64_t now_ms)
{
	enum { LEG_NAME_CAP = CALL_NAME_CAP + 8 };
	const struct fare *fare = call->fare;
	char name[LEG_NAME_CAP];
	struct cdr cdr = {
		.call = name,
		.direction = CDR_OUTBOUND,
		.caller = fare->from,
		.callee = fare->to,
		.account = fare->account,
		.trunk = fare->trunk,
		.started_ms = call->fare_since_ms ? call->fare_since_ms
						  : call->started_ms,
		.answered_ms = call_fare_since_ms(call),
		.ended_ms = now_ms,
		.cause = cause_name(call->cause),
		.push = bill_pushes(call->gateway),
		.sip_status = (uint16_t)cause_sip_status(call->cause),
		.q850 = (uint16_t)cause_q850(call->cause),
	};

	if (text_format(name, sizeof(name), "%s-%u", call->name,
			call->transfers + 2) ||
	    cdr_put(call->gateway->db, &cdr, NULL, NULL))
		log_error("call=%s cdr=lost what=\"a leg to a trunk\"",
			  call->name);
}

void call_fare_settle(struct call *call)
{
	int64_t now_ms = call_now_ms(call);
	int64_t since_ms = call_fare_since_ms(call);

	if (!call->fare)
		return;
	if (since_ms && now_ms > since_ms)
		limits_used(call->gateway, call->fare->account,
			    call->fare->trunk,
			    (uint64_t)(now_ms - since_ms + MS_PER_S - 1) /
				    MS_PER_S);
	if (call->fare_said == CALL_FARE_ALLOWED &&
	    (call->fare->diverted || call->fare_since_ms))
		record_leg(call, now_ms);
}

void call_transferred(struct call *call, struct fare *fare, uint32_t seconds)
{
	int64_t now_ms = call_now_ms(call);

	call_fare_settle(call);
	call->transfers++;
	fare_free(call->fare);
	call->fare = fare;
	call->fare_said = CALL_FARE_ALLOWED;
	call->fare_since_ms = now_ms;
	call->credit_ms = seconds ? now_ms - call->answered_ms +
					    (int64_t)seconds * MS_PER_S
				  : 0;
	if (call->state == CALL_UP)
		call_arm(call);
}
