/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The next callee of a call whose callee does not answer. The caller notices no
 * more than that it rings on.
 */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/call/call_state.h"
#include "gateway/call/fare.h"
#include "gateway/call/hunt.h"

bool call_hunt_goes_on(const struct call *call, enum cause cause)
{
	return call_states[call->state].hunts &&
	       clock_ms() < call->ring_deadline_ms &&
	       hunt_goes_on(call->hunt, cause);
}

void call_hunt_limit(struct call *call)
{
	const struct hunt_target *now = hunt_now(call->hunt);
	uint64_t own_ms =
		now && now->ring_ms ? clock_ms() + now->ring_ms : UINT64_MAX;

	call->callee_deadline_ms = own_ms < call->ring_deadline_ms
					   ? own_ms
					   : call->ring_deadline_ms;
}

int call_hunt_begin(struct call *call)
{
	if (!call_asks(call)) {
		call->fares[MEDIA_SIDE_B].said = CALL_FARE_ALLOWED;
		return call_media_offer(call);
	}
	call_raise(call, &(struct call_event){ .type = CALL_EV_ASK });
	return 0;
}

/* A call from a trunk stays that trunk's, whoever is called next, and one that
 * is sent on costs who sends it on. */
static int take_policy(struct call *call)
{
	const struct hunt_target *now = hunt_now(call->hunt);

	call->early_answer = now->early_answer;
	if (call_fare_take(call, now->fare))
		return -ENOMEM;
	if (call->inbound || (now->fare && now->fare->diverted))
		return 0;
	return call_count_trunk(call, now->trunk);
}

static int take_callee(struct call *call, struct leg *leg)
{
	leg->call = call;
	leg->side = MEDIA_SIDE_B;
	hunt_bury(call->hunt, call->legs[MEDIA_SIDE_B]);
	call->legs[MEDIA_SIDE_B] = leg;
	call->hung_up[MEDIA_SIDE_B] = false;
	log_info("call=%s event=next callee=%s target=%s", call->name,
		 leg->ops->name,
		 log_text(slice_of(hunt_now(call->hunt)->name)).s);
	int r = take_policy(call);
	if (r)
		return r;
	call_hunt_limit(call);
	call_arm(call);
	return call_hunt_begin(call);
}

/* What the last one opened is closed: the next begins as the first did. */
void call_hunt_next(struct call *call, enum cause cause, bool late)
{
	struct leg *old = call->legs[MEDIA_SIDE_B], *leg;

	hunt_note(call->hunt, cause);
	call_ask_forget(call); /* what was asked was about the last one */
	if (late)
		old->ops->hangup(old, cause, cause_text(cause));
	call->hung_up[MEDIA_SIDE_B] = true;
	call->ready[MEDIA_SIDE_B] = false;
	int r = bridge_close(call->bridge, MEDIA_SIDE_B);
	if (!r)
		r = hunt_next(call->hunt, &leg);
	if (r == HUNT_E_OVER) {
		call_fail(call, hunt_cause(call->hunt, cause));
		return;
	}
	if (!r)
		r = take_callee(call, leg);
	if (r)
		call_fail(call, r > 0 ? CAUSE_INCOMPATIBLE : CAUSE_FAILED);
}
