/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/call_state.h"
#include "gateway/gateway.h"

enum {
	NEW_MS = 5000,
	/* ICE and DTLS have deadlines of their own below these. */
	MEDIA_MS = 35000,
	/* Conversations and Monal send session-initiate within 2 s. */
	PROCEED_MS = 15000,
	/* A disk that is slower than this delays no answer. */
	STORE_MS = 500,
	RINGING = -1, /* until the call's ring deadline */
	TALKING = -2, /* limits.call_duration_s */
};

static const struct {
	const char *name;
	int timeout_ms; /* 0: none, RINGING, TALKING */
	enum cause timeout_cause;
} states[] = {
	[CALL_NEW] = { "new", NEW_MS, CAUSE_FAILED },
	[CALL_OFFERED] = { "offered", RINGING, CAUSE_NO_ANSWER },
	[CALL_RINGING] = { "ringing", RINGING, CAUSE_NO_ANSWER },
	[CALL_ANSWERED] = { "answered", MEDIA_MS, CAUSE_MEDIA_LOST },
	[CALL_PROCEEDING] = { "proceeding", PROCEED_MS, CAUSE_MEDIA_LOST },
	[CALL_STORING] = { "storing", STORE_MS, CAUSE_FAILED },
	[CALL_CONNECTING] = { "connecting", MEDIA_MS, CAUSE_MEDIA_LOST },
	[CALL_EARLY] = { "early", RINGING, CAUSE_NO_ANSWER },
	[CALL_UP] = { "up", TALKING, CAUSE_NORMAL },
	[CALL_CLOSED] = { "closed", 0, CAUSE_NORMAL },
};
static_assert(sizeof(states) / sizeof(states[0]) == CALL_NSTATES,
	      "a row for each state");

static const char *const event_names[] = {
	[CALL_EV_CALL] = "call",
	[CALL_EV_OFFER] = "offer",
	[CALL_EV_RING] = "ring",
	[CALL_EV_RING_EARLY] = "ring-early",
	[CALL_EV_ANSWER] = "answer",
	[CALL_EV_READY_CALLEE] = "ready-callee",
	[CALL_EV_READY_CALLEE_BLIND] = "ready-callee-blind",
	[CALL_EV_STORED] = "stored",
	[CALL_EV_READY_CALLER] = "ready-caller",
	[CALL_EV_READY_CALLER_EARLY] = "ready-caller-early",
	[CALL_EV_REOFFER] = "reoffer",
	[CALL_EV_AGREE] = "agree",
	[CALL_EV_HOLD] = "hold",
	[CALL_EV_DIGIT] = "digit",
	[CALL_EV_MOVED] = "moved",
	[CALL_EV_END] = "end",
	[CALL_EV_FAILED] = "failed",
	[CALL_EV_TIMEOUT] = "timeout",
};
static_assert(sizeof(event_names) / sizeof(event_names[0]) == CALL_NEVENTS,
	      "a name for each event");

typedef void (*action_fn)(struct call *call, const struct call_event *event);

static struct leg *caller(const struct call *call)
{
	return call->legs[MEDIA_SIDE_A];
}

static struct leg *callee(const struct call *call)
{
	return call->legs[MEDIA_SIDE_B];
}

static enum media_side other_side(enum media_side side)
{
	return side == MEDIA_SIDE_A ? MEDIA_SIDE_B : MEDIA_SIDE_A;
}

/* What call_media_*() and legs return becomes an event. */
static void check(struct call *call, int r)
{
	if (r > 0)
		call_fail(call, CAUSE_INCOMPATIBLE);
	else if (r < 0)
		call_fail(call, CAUSE_FAILED);
}

/* ---- actions ---- */

static void start(struct call *call, const struct call_event *event)
{
	(void)event;
	check(call, call_media_offer(call));
}

static void ring(struct call *call, const struct call_event *event)
{
	(void)event;
	if (!call->rang_ms)
		call->rang_ms = clock_wall_ms();
	check(call, caller(call)->ops->ring(caller(call)));
}

/* Its media may have been ready before its answer was, or be none (echo). */
static void wait_for_callee(struct call *call)
{
	bool blind = !caller(call)->remote;

	if (call->ready[MEDIA_SIDE_B] ||
	    !bridge_is_open(call->bridge, MEDIA_SIDE_B))
		call_raise(call,
			   &(struct call_event){
				   .type = blind ? CALL_EV_READY_CALLEE_BLIND
						 : CALL_EV_READY_CALLEE });
}

static void take_answer(struct call *call, const struct call_event *event)
{
	(void)event;
	if (!call->answered_ms)
		call->answered_ms = clock_wall_ms();
	callee(call)->answered = true;
	wait_for_callee(call);
}

static void take_early(struct call *call, const struct call_event *event)
{
	ring(call, event);
	wait_for_callee(call);
}

/* The callee accepts what the caller hears already. */
static void note_answer(struct call *call, const struct call_event *event)
{
	(void)event;
	call->answered_ms = clock_wall_ms();
	callee(call)->answered = true;
	if (caller(call)->local)
		check(call, call_media_map(call));
}

static void proceed(struct call *call, const struct call_event *event)
{
	(void)event;
	check(call, caller(call)->ops->proceed(caller(call)));
}

static void store(struct call *call, const struct call_event *event)
{
	(void)event;
	call_record_store(call);
}

static void answer(struct call *call, const struct call_event *event)
{
	(void)event;
	check(call, call_media_answer(call));
	caller(call)->answered = true;
	if (call->ready[MEDIA_SIDE_A])
		call_raise(
			call,
			&(struct call_event){
				.type = callee(call)->answered
						? CALL_EV_READY_CALLER
						: CALL_EV_READY_CALLER_EARLY });
}

static void connect_media(struct call *call, const struct call_event *event)
{
	(void)event;
	call_media_direct(call);
	/* Keys and the pair are known now. */
	call_record_store(call);
}

static void reoffer(struct call *call, const struct call_event *event)
{
	check(call, call_media_reoffer(call, event->side));
}

static void agree(struct call *call, const struct call_event *event)
{
	(void)event;
	check(call, call_media_map(call));
	call_media_direct(call);
}

static void hold(struct call *call, const struct call_event *event)
{
	struct leg *other = call->legs[other_side(event->side)];

	if (call->held[event->side] == event->on)
		return;
	call->held[event->side] = event->on;
	call_media_direct(call);
	check(call, other->ops->hold(other, event->on));
}

static void digit(struct call *call, const struct call_event *event)
{
	struct leg *other = call->legs[other_side(event->side)];

	if (!bridge_digit(call->bridge, other->side, event->digit,
			  event->duration_ms))
		return;
	check(call, other->ops->digit(other, event->digit, event->duration_ms));
}

static void move(struct call *call, const struct call_event *event)
{
	struct leg *leg = call->legs[event->side];

	check(call, leg->ops->restart(leg));
}

static void close_call(struct call *call, enum cause cause, const char *text)
{
	const struct timeval now = { 0, 0 };

	call->cause = cause;
	call->ended_ms = clock_wall_ms();
	if (text_set(call->end_text, sizeof(call->end_text), text))
		call->end_text[0] = '\0';
	for (int side = 0; side < 2; side++) {
		struct leg *leg = call->legs[side];
		if (!call->hung_up[side])
			leg->ops->hangup(leg, cause, text);
		call->hung_up[side] = true;
	}
	call_record_end(call);
	evtimer_add(call->timer, &now);
}

static void end(struct call *call, const struct call_event *event)
{
	call->ended_by = event->side;
	call->hung_up[event->side] = true;
	close_call(call, event->cause, *event->text ? event->text : NULL);
}

static void fail(struct call *call, const struct call_event *event)
{
	call->by_us = true;
	close_call(call, event->cause, cause_text(event->cause));
}

#define EVERYWHERE(state)                            \
	[state][CALL_EV_END] = { end, CALL_CLOSED }, \
	[state][CALL_EV_FAILED] = { fail, CALL_CLOSED }
#define ENDS(state) \
	EVERYWHERE(state), [state][CALL_EV_TIMEOUT] = { fail, CALL_CLOSED }
#define TALKS(state)                                   \
	[state][CALL_EV_REOFFER] = { reoffer, state }, \
	[state][CALL_EV_AGREE] = { agree, state },     \
	[state][CALL_EV_HOLD] = { hold, state },       \
	[state][CALL_EV_DIGIT] = { digit, state },     \
	[state][CALL_EV_MOVED] = { move, state }

static const struct transition {
	action_fn action;
	enum call_state next;
} transitions[CALL_NSTATES][CALL_NEVENTS] = {
	[CALL_NEW][CALL_EV_CALL] = { start, CALL_OFFERED },
	[CALL_NEW][CALL_EV_OFFER] = { start, CALL_OFFERED },
	ENDS(CALL_NEW),

	[CALL_OFFERED][CALL_EV_RING] = { ring, CALL_RINGING },
	[CALL_OFFERED][CALL_EV_RING_EARLY] = { take_early, CALL_ANSWERED },
	[CALL_OFFERED][CALL_EV_ANSWER] = { take_answer, CALL_ANSWERED },
	ENDS(CALL_OFFERED),

	[CALL_RINGING][CALL_EV_RING] = { ring, CALL_RINGING },
	[CALL_RINGING][CALL_EV_RING_EARLY] = { take_early, CALL_ANSWERED },
	[CALL_RINGING][CALL_EV_ANSWER] = { take_answer, CALL_ANSWERED },
	ENDS(CALL_RINGING),

	[CALL_ANSWERED][CALL_EV_ANSWER] = { note_answer, CALL_ANSWERED },
	[CALL_ANSWERED][CALL_EV_READY_CALLEE] = { store, CALL_STORING },
	[CALL_ANSWERED][CALL_EV_READY_CALLEE_BLIND] = { proceed,
							CALL_PROCEEDING },
	[CALL_ANSWERED][CALL_EV_MOVED] = { move, CALL_ANSWERED },
	ENDS(CALL_ANSWERED),

	[CALL_PROCEEDING][CALL_EV_ANSWER] = { note_answer, CALL_PROCEEDING },
	[CALL_PROCEEDING][CALL_EV_OFFER] = { store, CALL_STORING },
	ENDS(CALL_PROCEEDING),

	[CALL_STORING][CALL_EV_ANSWER] = { note_answer, CALL_STORING },
	[CALL_STORING][CALL_EV_STORED] = { answer, CALL_CONNECTING },
	[CALL_STORING][CALL_EV_TIMEOUT] = { answer, CALL_CONNECTING },
	EVERYWHERE(CALL_STORING),

	[CALL_CONNECTING][CALL_EV_ANSWER] = { note_answer, CALL_CONNECTING },
	[CALL_CONNECTING][CALL_EV_READY_CALLER] = { connect_media, CALL_UP },
	[CALL_CONNECTING][CALL_EV_READY_CALLER_EARLY] = { connect_media,
							  CALL_EARLY },
	TALKS(CALL_CONNECTING),
	ENDS(CALL_CONNECTING),

	[CALL_EARLY][CALL_EV_ANSWER] = { note_answer, CALL_UP },
	TALKS(CALL_EARLY),
	ENDS(CALL_EARLY),

	TALKS(CALL_UP),
	ENDS(CALL_UP),
};

/* ---- the machine ---- */

static int64_t timeout_of(const struct call *call)
{
	enum { MS_PER_S = 1000 };
	int ms = states[call->state].timeout_ms;
	uint64_t now = clock_ms();

	if (ms == TALKING)
		return (int64_t)call->gateway->config->limits.call_duration_s *
		       MS_PER_S;
	if (ms != RINGING)
		return ms;
	return now < call->ring_deadline_ms
		       ? (int64_t)(call->ring_deadline_ms - now)
		       : 1;
}

static void arm(struct call *call)
{
	int64_t ms = timeout_of(call);
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_del(call->timer);
	if (ms)
		evtimer_add(call->timer, &tv);
}

static void handle(struct call *call, struct call_event *event)
{
	const struct transition *t = &transitions[call->state][event->type];

	if (!t->action) {
		log_debug("call=%s state=%s event=%s ignored", call->name,
			  states[call->state].name, event_names[event->type]);
		return;
	}
	if (event->type == CALL_EV_TIMEOUT)
		event->cause = states[call->state].timeout_cause;
	if (t->next != call->state) {
		log_info("call=%s %s + %s -> %s%s%s", call->name,
			 states[call->state].name, event_names[event->type],
			 states[t->next].name,
			 t->next == CALL_CLOSED ? " cause=" : "",
			 t->next == CALL_CLOSED ? cause_name(event->cause)
						: "");
		call->state = t->next;
		arm(call);
	}
	t->action(call, event);
}

void call_raise(struct call *call, const struct call_event *event)
{
	if (call->queued == CALL_MAX_QUEUED) {
		log_error("call=%s event=%s lost: queue full", call->name,
			  event_names[event->type]);
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
	}
	call->handling = false;
}

void call_fail(struct call *call, enum cause cause)
{
	call_raise(call, &(struct call_event){ .type = CALL_EV_FAILED,
					       .cause = cause });
}

static struct call *call_free(struct call *call)
{
	LIST_REMOVE(call, link);
	call->gateway->ncalls--;
	call->bridge = bridge_free(call->bridge);
	for (int side = 0; side < 2; side++) {
		struct leg *leg = call->legs[side];
		call->legs[side] = leg ? leg->ops->free(leg) : NULL;
	}
	if (call->timer)
		event_free(call->timer);
	free(call->account);
	free(call->from);
	free(call->to);
	free(call->trunk);
	free(call);
	return NULL;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;

	(void)fd;
	(void)what;
	if (call->state == CALL_CLOSED)
		call_free(call);
	else
		call_raise(call,
			   &(struct call_event){ .type = CALL_EV_TIMEOUT });
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
	call->started_ms = clock_wall_ms();
	if (!call->account || !call->from || !call->to || !call->trunk)
		return -ENOMEM;
	return 0;
}

static int prepare(struct call *call, const struct call_parties *parties)
{
	struct event_base *base = call->gateway->base;
	int r = set_parties(call, parties);

	if (r)
		return r;
	call->timer = evtimer_new(base, on_timer, call);
	if (!call->timer)
		return -ENOMEM;
	r = bridge_new(&call->bridge, call->gateway->media, call->name,
		       &call_bridge_handlers, call);
	if (r)
		return r;
	arm(call);
	return 0;
}

int call_new(struct call **out, struct gateway *gateway,
	     const struct call_parties *parties, struct leg *caller_leg,
	     struct leg *callee_leg)
{
	struct call *call = NULL;
	int r = -EAGAIN;

	if (gateway->ncalls < gateway->config->limits.calls) {
		call = calloc(1, sizeof(*call));
		r = -ENOMEM;
	}
	if (!call) {
		caller_leg->ops->free(caller_leg);
		callee_leg->ops->free(callee_leg);
		return r;
	}
	call->gateway = gateway;
	rand_uuid(call->name);
	call->legs[MEDIA_SIDE_A] = caller_leg;
	call->legs[MEDIA_SIDE_B] = callee_leg;
	for (int side = 0; side < 2; side++) {
		call->legs[side]->call = call;
		call->legs[side]->side = (enum media_side)side;
	}
	LIST_INSERT_HEAD(&gateway->calls, call, link);
	gateway->ncalls++;

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

struct bridge *call_bridge(const struct call *call)
{
	return call->bridge;
}

struct gateway *call_gateway(const struct call *call)
{
	return call->gateway;
}

struct leg *call_leg(const struct call *call, enum media_side side)
{
	return call->legs[side];
}

const char *call_state_name(const struct call *call)
{
	return states[call->state].name;
}

void call_hangup(struct call *call, enum cause cause)
{
	call_fail(call, cause);
}

void call_end_all(struct gateway *gateway, enum cause cause)
{
	struct call *call, *next;

	LIST_FOREACH_SAFE(call, &gateway->calls, link, next)
	{
		call_fail(call, cause);
		call_free(call);
	}
}
