/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The billing system is asked before anybody is called, and gives the call's
 * most time.
 */
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"

bool call_bill_wanted(const struct call *call)
{
	return call->state == CALL_NEW && *call->trunk && !call->emergency &&
	       bill_asks(call->gateway);
}

bool call_is_asked_about(const struct call *call)
{
	return call->state == CALL_ASKING;
}

static void on_answer(const struct bill_answer *answer, void *arg)
{
	enum { MS_PER_S = 1000 };
	struct call *call = arg;
	struct call_event event = { .type = answer->allowed ? CALL_EV_ALLOWED
							    : CALL_EV_FAILED,
				    .cause = CAUSE_CREDIT };

	call->question = question_free(call->question);
	call->credit_ms = (int64_t)answer->seconds * MS_PER_S;
	if (!answer->allowed && *answer->reason)
		event.text = text_dup(slice_of(answer->reason));
	call_raise(call, &event);
}

void call_bill_ask(struct call *call)
{
	const struct bill_request request = { .kind = BILL_CALL,
					      .id = call->name,
					      .inbound = call->inbound,
					      .account = call->account,
					      .from = call->from,
					      .to = call->to,
					      .trunk = call->trunk };

	if (bill_ask(&call->question, call->gateway, &request, on_answer, call))
		call_fail(call, CAUSE_FAILED);
}

void call_bill_forget(struct call *call)
{
	call->question = question_free(call->question);
}

bool call_bill_is_used_up(const struct call *call)
{
	enum { EARLY_MS = 500 }; /* the wall clock may differ a little */

	return call->state == CALL_UP && call->credit_ms &&
	       call_now_ms(call) - call->answered_ms >=
		       call->credit_ms - EARLY_MS;
}
