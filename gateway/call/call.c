/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/call.h"

#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/call/hunt.h"
#include "gateway/call/notice.h"
#include "gateway/gateway.h"
#include "gateway/route/origin.h"
#include "gateway/trace/trace.h"
#include "gateway/watch/quality.h"
#include "gateway/watch/watch.h"
#include "xmpp/jid.h"

enum { NOTICE_CAP = 256 };

/* ---- the machine ---- */

int64_t call_now_ms(const struct call *call)
{
	return call->started_ms + (int64_t)clock_ms() - call->begun_ms;
}

bool call_tries_again(const char *name, int r)
{
	if (r != -ENOMEM)
		return false;
	log_warn("call=%s event=memory-refused: it is tried once more, and "
		 "the call goes on",
		 name);
	return true;
}

/* What is left of what was given for it, and of what calls last. */
static int64_t talk_ms(const struct call *call)
{
	int64_t most = (int64_t)call->gateway->config->limits.call_duration_s *
		       MS_PER_S;
	int64_t credit_ms = call_credit_ms(call);
	/* One with early media is up in the moment of its answer. */
	int64_t talked_ms =
		call->answered_ms ? call_now_ms(call) - call->answered_ms : 0;

	if (credit_ms && credit_ms < most)
		most = credit_ms;
	return most > talked_ms ? most - talked_ms : 1;
}

static int64_t timeout_of(const struct call *call)
{
	int ms = call_states[call->state].timeout_ms;
	uint64_t now = clock_ms();

	if (ms == CALL_TALK_MS)
		return talk_ms(call);
	if (ms != CALL_RING_MS)
		return ms;
	return now < call->callee_deadline_ms
		       ? (int64_t)(call->callee_deadline_ms - now)
		       : 1;
}

void call_arm(struct call *call)
{
	int64_t ms = timeout_of(call);
	const struct timeval tv = clock_timeval(ms);

	evtimer_del(call->timer);
	if (ms)
		evtimer_add(call->timer, &tv);
}

static void handle(struct call *call, const struct call_event *event)
{
	const struct call_transition *t =
		&call_transitions[call->state][event->type];

	if (!t->action) {
		log_debug("call=%s state=%s event=%s ignored", call->name,
			  call_states[call->state].name,
			  call_event_names[event->type]);
		return;
	}
	if (t->next != call->state) {
		log_info("call=%s %s + %s -> %s%s%s", call->name,
			 call_states[call->state].name,
			 call_event_names[event->type],
			 call_states[t->next].name,
			 t->next == CALL_CLOSED ? " cause=" : "",
			 t->next == CALL_CLOSED ? cause_name(event->cause)
						: "");
		const char *was = call_states[call->state].name;

		call->state = t->next;
		call_arm(call);
		trace_call_changed(call, was, call_event_names[event->type],
				   call_states[t->next].name);
	}
	t->action(call, event);
}

void call_raise(struct call *call, const struct call_event *event)
{
	if (call->queued == CALL_MAX_QUEUED) {
		log_error("call=%s event=%s lost: queue full", call->name,
			  call_event_names[event->type]);
		free(event->text);
		return;
	}
	call->queue[call->queued++] = *event;
	if (call->handling)
		return;

	call->handling = true;
	while (call->queued) {
		struct call_event next = call->queue[0];
		call->queued--;
		memmove(call->queue, call->queue + 1,
			call->queued * sizeof(call->queue[0]));
		handle(call, &next);
		free(next.text);
	}
	call->handling = false;
}

void call_fail(struct call *call, enum cause cause)
{
	call_raise(call, &(struct call_event){ .type = CALL_EV_FAILED,
					       .cause = cause });
}

struct call *call_free(struct call *call)
{
	LIST_REMOVE(call, link);
	call->gateway->ncalls--;
	call->bridge = bridge_free(call->bridge);
	call->hunt = hunt_free(call->hunt);
	call_missed_forget(call);
	call_digits_free(call);
	for (int side = 0; side < 2; side++) {
		struct leg *leg = call->legs[side];
		call->legs[side] = leg ? leg->ops->free(leg) : NULL;
	}
	if (call->timer)
		event_free(call->timer);
	origin_free(call->origin);
	quality_forget(call);
	call_ask_forget(call);
	call_count_end(call);
	call_fare_drop(call, MEDIA_SIDE_A);
	call_fare_drop(call, MEDIA_SIDE_B);
	while (call->queued)
		free(call->queue[--call->queued].text);
	free(call->account);
	free(call->from);
	free(call->to);
	free(call->trunk);
	free(call);
	return NULL;
}

/* The state's time is over. */
static void end_state(struct call *call)
{
	static const char long_enough[] =
		"This call has lasted as long as calls may.";
	struct call_event event = {
		.type = CALL_EV_TIMEOUT,
		.cause = call_states[call->state].timeout_cause,
	};

	if (call_credit_is_used_up(call))
		event.cause = CAUSE_CREDIT;
	else if (call->state == CALL_UP)
		event.text = text_dup(slice_of(long_enough));
	else if (call_hunt_goes_on(call, event.cause))
		event.type = CALL_EV_NEXT_LATE;
	call_raise(call, &event);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;

	(void)fd;
	(void)what;
	if (call->state == CALL_CLOSED)
		call_free(call);
	else
		end_state(call);
}

int call_make_timer(struct call *call)
{
	call->timer = evtimer_new(call->gateway->base, on_timer, call);
	return call->timer ? 0 : -ENOMEM;
}

int call_alloc(struct call **out, struct gateway *gateway)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	call->gateway = gateway;
	STAILQ_INIT(&call->missed);
	LIST_INSERT_HEAD(&gateway->calls, call, link);
	gateway->ncalls++;
	watch_call_began(call);
	*out = call;
	return 0;
}

static int set_parties(struct call *call, const struct call_parties *parties)
{
	call->inbound = parties->inbound;
	call->early_answer = parties->early_answer;
	call->account = text_dup(slice_of(parties->account));
	call->from = text_dup(slice_of(parties->from));
	call->to = text_dup(slice_of(parties->to));
	call->trunk = text_dup(slice_of(parties->trunk));
	call->ring_deadline_ms = clock_ms() + parties->ring_timeout_ms;
	call_hunt_limit(call);
	call->started_ms = clock_wall_ms();
	call->begun_ms = (int64_t)clock_ms();
	if (!call->account || !call->from || !call->to || !call->trunk ||
	    call_fare_take(call, parties->fare) || call_count_begin(call))
		return -ENOMEM;
	return parties->origin ? origin_copy(&call->origin, parties->origin)
			       : 0;
}

static int prepare(struct call *call, const struct call_parties *parties)
{
	int r = set_parties(call, parties);

	if (r)
		return r;
	r = call_make_timer(call);
	if (r)
		return r;
	r = bridge_new(&call->bridge, call->gateway->media, call->name,
		       &call_bridge_handlers, call);
	if (r)
		return r;
	call_arm(call);
	return 0;
}

int call_new(struct call **out, struct gateway *gateway,
	     const struct call_parties *parties, struct leg *caller_leg,
	     struct leg *callee_leg)
{
	struct call *call = NULL;
	int r = -EAGAIN;

	if (gateway->ncalls < gateway->config->limits.calls)
		r = call_alloc(&call, gateway);
	if (r) {
		caller_leg->ops->free(caller_leg);
		callee_leg->ops->free(callee_leg);
		hunt_free(parties->hunt);
		return r;
	}
	call->hunt = parties->hunt;
	rand_uuid(call->name);
	call->legs[MEDIA_SIDE_A] = caller_leg;
	call->legs[MEDIA_SIDE_B] = callee_leg;
	for (int side = 0; side < 2; side++) {
		call->legs[side]->call = call;
		call->legs[side]->side = (enum media_side)side;
	}
	r = prepare(call, parties);
	if (r) {
		call_free(call);
		return r;
	}
	log_info("call=%s state=new caller=%s callee=%s from=%s to=%s trunk=%s",
		 call->name, caller_leg->ops->name, callee_leg->ops->name,
		 log_text(slice_of(call->from)).s,
		 log_text(slice_of(call->to)).s, call->trunk);
	*out = call;
	return 0;
}

const char *call_name(const struct call *call)
{
	return call->name;
}

const char *call_account(const struct call *call)
{
	return call->account;
}

struct bridge *call_bridge(const struct call *call)
{
	return call->bridge;
}

struct leg *call_leg(const struct call *call, enum media_side side)
{
	return call->legs[side];
}

const struct origin *call_origin(const struct call *call)
{
	return call->origin;
}

const char *call_state_name(const struct call *call)
{
	return call_states[call->state].name;
}

bool call_talks(const struct call *call)
{
	return call->state == CALL_UP || call->state == CALL_EARLY;
}

bool call_takes_digits(const struct call *call)
{
	return call->state >= CALL_PICKED_UP && call->state < CALL_CLOSED;
}

int call_transfer(struct call *call, const char *number)
{
	int r = LEG_E_TRANSFER;

	for (size_t i = 0; r == LEG_E_TRANSFER && call_talks(call) && i < 2;
	     i++) {
		struct leg *leg = call->legs[i];

		if (leg->ops->transfer)
			r = leg->ops->transfer(leg, number);
	}
	return r;
}

void call_transfer_failed(struct call *call, const char *number,
			  enum cause cause)
{
	const char *party = call->inbound ? call->from : call->to;
	char from[JID_CAP], body[NOTICE_CAP];

	if (!text_format(from, sizeof(from), "%s@%s/sip", party,
			 call->gateway->config->xmpp.domain) &&
	    !text_format(body, sizeof(body),
			 "Your call was not handed over to %s: %s", number,
			 cause_text(cause)))
		notice_send(call->gateway, from, call->account, body);
}

void call_hangup(struct call *call, enum cause cause)
{
	call_fail(call, cause);
}

void call_end_all(struct gateway *gateway, enum cause cause)
{
	struct call *call, *next;

	LIST_FOREACH_SAFE(call, &gateway->calls, link, next) {
		call_fail(call, cause);
		call_free(call);
	}
}

unsigned call_count_in_setup(const struct gateway *gateway)
{
	const struct call *call;
	unsigned n = 0;

	LIST_FOREACH(call, &gateway->calls, link) {
		n += call->state != CALL_UP && call->state != CALL_CLOSED;
	}
	return n;
}
