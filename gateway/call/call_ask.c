/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who is asked before somebody is called: the billing system about a call from
 * a trunk, the limits and the billing system about each leg to one (fare.h).
 */
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"
#include "gateway/call/call_state.h"
#include "gateway/call/fare.h"
#include "gateway/call/hunt.h"

static struct call_fare *callees(struct call *call)
{
	return &call->fares[MEDIA_SIDE_B];
}

static bool asks_of_call(const struct call *call)
{
	return call->inbound && *call->trunk && !call->was_asked &&
	       bill_asks(call->gateway);
}

bool call_asks(const struct call *call)
{
	const struct call_fare *of = &call->fares[MEDIA_SIDE_B];

	if (asks_of_call(call))
		return true;
	return of->fare && of->said != CALL_FARE_ALLOWED &&
	       (of->fare->diverted ||
		(!of->fare->emergency && bill_asks(call->gateway)));
}

bool call_is_asked_about(const struct call *call)
{
	return call->state == CALL_ASKING;
}

/* It is not the caller's fault when nobody pays for sending the call on. */
static void refuse_fare(struct call *call, const char *reason)
{
	bool diverted = callees(call)->fare->diverted;
	struct call_event event = { .type = CALL_EV_FAILED,
				    .cause = diverted ? CAUSE_BUSY
						      : CAUSE_CREDIT };

	callees(call)->said = CALL_FARE_REFUSED;
	call_fare_stop(callees(call));
	if (call_hunt_goes_on(call, CAUSE_CREDIT))
		event.type = CALL_EV_NEXT;
	else if (!diverted && *reason)
		event.text = text_dup(slice_of(reason));
	call_raise(call, &event);
}

/* The leg of @side may last that long; 0: as long as they like. */
static void allow(struct call *call, enum media_side side, uint32_t seconds)
{
	call->fares[side].credit_ms = (int64_t)seconds * MS_PER_S;
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
		allow(call, MEDIA_SIDE_A, answer->seconds);
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
	callees(call)->said = CALL_FARE_ALLOWED;
	allow(call, MEDIA_SIDE_B, answer->seconds);
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

/* It counts from now on, or any number could be asked about at once. */
static void ask_of_fare(struct call *call)
{
	struct call_fare *of = callees(call);
	const struct fare_asker asker = {
		.id = call->name,
		.from = of->fare->diverted ? NULL : call->from,
		.fn = on_fare_answer,
		.arg = call,
	};
	int r = of->said == CALL_FARE_REFUSED
			? FARE_E_LIMIT
			: fare_ask(&call->question, call->gateway, of->fare,
				   &asker);

	if (r == FARE_E_LIMIT) {
		refuse_fare(call, "");
	} else if (r < 0 || call_fare_count(call, MEDIA_SIDE_B)) {
		call_fail(call, CAUSE_FAILED);
	} else if (r == FARE_E_FREE) {
		of->said = CALL_FARE_ALLOWED;
		allow(call, MEDIA_SIDE_B, 0);
	}
}

void call_ask(struct call *call)
{
	if (!asks_of_call(call))
		ask_of_fare(call);
	else if (ask_of_call(call))
		call_fail(call, CAUSE_FAILED);
}

void call_ask_forget(struct call *call)
{
	call->question = question_free(call->question);
}
