/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The states of a call: how long each may last, what each event does in it, and
 * which state follows. gateway/call/call.c runs it.
 */
#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/call/hunt.h"

enum {
	NEW_MS = 5000,
	/* The question has a limit of its own below: billing.timeout_ms. */
	ASK_MS = 15000,
	/* ICE and DTLS have deadlines of their own below these. */
	MEDIA_MS = 35000,
	/* Who has picked up is not left for ringing too long; the leg gives up
	 * a device that says nothing after 20 s. */
	PICK_UP_MS = 35000,
	/* Conversations and Monal send session-initiate within 2 s. */
	PROCEED_MS = 15000,
	/* A disk that is slower than this delays no answer. */
	STORE_MS = 500,
};

const struct call_state_row call_states[] = {
	[CALL_NEW] = { "new", NEW_MS, CAUSE_FAILED, false },
	[CALL_ASKING] = { "asking", ASK_MS, CAUSE_FAILED, true },
	[CALL_OFFERED] = { "offered", CALL_RING_MS, CAUSE_NO_ANSWER, true },
	[CALL_RINGING] = { "ringing", CALL_RING_MS, CAUSE_NO_ANSWER, true },
	[CALL_PICKED_UP] = { "picked-up", PICK_UP_MS, CAUSE_MEDIA_LOST, true },
	[CALL_ANSWERED] = { "answered", MEDIA_MS, CAUSE_MEDIA_LOST, false },
	[CALL_PROCEEDING] = { "proceeding", PROCEED_MS, CAUSE_MEDIA_LOST,
			      false },
	[CALL_STORING] = { "storing", STORE_MS, CAUSE_FAILED, false },
	[CALL_CONNECTING] = { "connecting", MEDIA_MS, CAUSE_MEDIA_LOST, false },
	[CALL_EARLY] = { "early", CALL_RING_MS, CAUSE_NO_ANSWER, false },
	[CALL_UP] = { "up", CALL_TALK_MS, CAUSE_NORMAL, false },
	[CALL_CLOSED] = { "closed", 0, CAUSE_NORMAL, false },
};
static_assert(sizeof(call_states) / sizeof(call_states[0]) == CALL_NSTATES,
	      "a row for each state");

const char *const call_event_names[] = {
	[CALL_EV_CALL] = "call",
	[CALL_EV_OFFER] = "offer",
	[CALL_EV_ASK] = "ask",
	[CALL_EV_ALLOWED] = "allowed",
	[CALL_EV_RING] = "ring",
	[CALL_EV_RING_EARLY] = "ring-early",
	[CALL_EV_PICK_UP] = "pick-up",
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
	[CALL_EV_NEXT] = "next",
	[CALL_EV_NEXT_LATE] = "next-late",
	[CALL_EV_END] = "end",
	[CALL_EV_FAILED] = "failed",
	[CALL_EV_TIMEOUT] = "timeout",
};
static_assert(sizeof(call_event_names) / sizeof(call_event_names[0]) ==
		      CALL_NEVENTS,
	      "a name for each event");

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
	if (r < 0)
		log_error("call=%s r=%d (%s): it cannot go on, and is ended",
			  call->name, r, strerror(-r));
	if (r)
		call_fail(call, r > 0 ? CAUSE_INCOMPATIBLE : CAUSE_FAILED);
}

/* ---- actions ---- */

static void start(struct call *call, const struct call_event *event)
{
	(void)event;
	check(call, call_hunt_begin(call));
	call_record_refresh(call);
}

static void ask(struct call *call, const struct call_event *event)
{
	(void)event;
	call_ask(call);
}

static void ring(struct call *call, const struct call_event *event)
{
	(void)event;
	if (!call->rang_ms)
		call->rang_ms = call_now_ms(call);
	check(call, caller(call)->ops->ring(caller(call)));
	call_record_refresh(call);
}

static void wait(struct call *call, const struct call_event *event)
{
	(void)event;
	call_record_refresh(call);
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

/* It costs from now on. */
static void note_accepted(struct call *call)
{
	if (!call->answered_ms)
		call->answered_ms = call_now_ms(call);
	callee(call)->answered = true;
	check(call, call_fare_start(call, MEDIA_SIDE_B));
}

static void take_answer(struct call *call, const struct call_event *event)
{
	(void)event;
	note_accepted(call);
	call_record_answered(call);
	call_record_refresh(call);
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
	note_accepted(call);
	if (!caller(call)->local)
		return;
	check(call, call_media_map(call));
	check(call, call_media_narrow(call));
	call_media_direct(call);
	check(call, call_media_take_hold(call));
}

/* Early media has made the call; now it can outlive us. */
static void note_early_answer(struct call *call, const struct call_event *event)
{
	note_answer(call, event);
	call_record_refresh(call);
}

static void proceed(struct call *call, const struct call_event *event)
{
	(void)event;
	check(call, caller(call)->ops->proceed(caller(call)));
	call_record_refresh(call);
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
	check(call, call_media_narrow(call));
	check(call, call_media_take_hold(call));
	caller(call)->answered = true;
	if (call->ready[MEDIA_SIDE_A] ||
	    !bridge_is_open(call->bridge, MEDIA_SIDE_A))
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
	/* Nobody else is called from now on. */
	call->hunt = hunt_free(call->hunt);
	/* Keys and the pair are known now. */
	call_record_store(call);
	call_digits_play(call);
}

static void reoffer(struct call *call, const struct call_event *event)
{
	check(call, call_media_reoffer(call, event->side));
	call_record_refresh(call);
}

static void agree(struct call *call, const struct call_event *event)
{
	(void)event;
	check(call, call_media_map(call));
	call_media_direct(call);
	call_record_refresh(call);
}

static void hold(struct call *call, const struct call_event *event)
{
	struct leg *other = call->legs[other_side(event->side)];

	bool news = call->held[event->side] != event->on;

	call->held[event->side] = event->on;
	/* which may be another without news: held in one way or the other */
	call_media_direct(call);
	if (news)
		check(call, other->ops->hold(other, event->on));
	call_record_refresh(call);
}

static void move(struct call *call, const struct call_event *event)
{
	struct leg *leg = call->legs[event->side];

	check(call, leg->ops->restart(leg));
}

static void try_next(struct call *call, const struct call_event *event)
{
	call_hunt_next(call, event->cause, false);
	call_record_refresh(call);
}

static void give_up_for_next(struct call *call, const struct call_event *event)
{
	call_hunt_next(call, event->cause, true);
	call_record_refresh(call);
}

static void close_call(struct call *call, enum cause cause, const char *text)
{
	const struct timeval now = { 0, 0 };

	call_ask_forget(call);
	call->cause = cause;
	call->ended_ms = call_now_ms(call);
	if (text_set(call->end_text, sizeof(call->end_text), text))
		call->end_text[0] = '\0';
	for (int side = 0; side < 2; side++) {
		struct leg *leg = call->legs[side];
		if (!call->hung_up[side])
			leg->ops->hangup(leg, cause, text);
		call->hung_up[side] = true;
	}
	call_record_end(call);
	call_count_end(call);
	call_missed_tell(call);
	evtimer_add(call->timer, &now);
}

/* Of several callees the last one's words may not be the whole truth. */
static void end(struct call *call, const struct call_event *event)
{
	bool unanswered = event->side == MEDIA_SIDE_B && !call->answered_ms;
	enum cause cause = unanswered ? hunt_cause(call->hunt, event->cause)
				      : event->cause;

	call->ended_by = event->side;
	call->hung_up[event->side] = true;
	close_call(call, cause,
		   cause == event->cause ? event->text : cause_text(cause));
}

static void fail(struct call *call, const struct call_event *event)
{
	call->by_us = true;
	close_call(call, event->cause,
		   event->text ? event->text : cause_text(event->cause));
}

#define ALWAYS(state)                                \
	[state][CALL_EV_END] = { end, CALL_CLOSED }, \
	[state][CALL_EV_FAILED] = { fail, CALL_CLOSED }
/* The callee that has ended is the last: it may have been queued before. */
#define EVERYWHERE(state) \
	ALWAYS(state), [state][CALL_EV_NEXT] = { end, CALL_CLOSED }
#define ENDS(state) \
	EVERYWHERE(state), [state][CALL_EV_TIMEOUT] = { fail, CALL_CLOSED }
#define HUNTS(state)                                                       \
	ALWAYS(state), [state][CALL_EV_TIMEOUT] = { fail, CALL_CLOSED },   \
		       [state][CALL_EV_NEXT] = { try_next, CALL_OFFERED }, \
		       [state][CALL_EV_NEXT_LATE] = { give_up_for_next,    \
						      CALL_OFFERED }
#define TAKES_DIGITS(state) [state][CALL_EV_DIGIT] = { call_digits_take, state }
#define TALKS(state)                                   \
	[state][CALL_EV_REOFFER] = { reoffer, state }, \
	[state][CALL_EV_AGREE] = { agree, state },     \
	[state][CALL_EV_HOLD] = { hold, state },       \
	TAKES_DIGITS(state), [state][CALL_EV_MOVED] = { move, state }

const struct call_transition call_transitions[CALL_NSTATES][CALL_NEVENTS] = {
	[CALL_NEW][CALL_EV_CALL] = { start, CALL_OFFERED },
	[CALL_NEW][CALL_EV_OFFER] = { start, CALL_OFFERED },
	ENDS(CALL_NEW),

	[CALL_ASKING][CALL_EV_ALLOWED] = { start, CALL_OFFERED },
	HUNTS(CALL_ASKING),

	[CALL_OFFERED][CALL_EV_ASK] = { ask, CALL_ASKING },
	[CALL_OFFERED][CALL_EV_RING] = { ring, CALL_RINGING },
	[CALL_OFFERED][CALL_EV_RING_EARLY] = { take_early, CALL_ANSWERED },
	[CALL_OFFERED][CALL_EV_ANSWER] = { take_answer, CALL_ANSWERED },
	[CALL_OFFERED][CALL_EV_PICK_UP] = { wait, CALL_PICKED_UP },
	TAKES_DIGITS(CALL_OFFERED),
	HUNTS(CALL_OFFERED),

	[CALL_RINGING][CALL_EV_RING] = { ring, CALL_RINGING },
	[CALL_RINGING][CALL_EV_RING_EARLY] = { take_early, CALL_ANSWERED },
	[CALL_RINGING][CALL_EV_ANSWER] = { take_answer, CALL_ANSWERED },
	[CALL_RINGING][CALL_EV_PICK_UP] = { wait, CALL_PICKED_UP },
	TAKES_DIGITS(CALL_RINGING),
	HUNTS(CALL_RINGING),

	[CALL_PICKED_UP][CALL_EV_RING] = { ring, CALL_PICKED_UP },
	[CALL_PICKED_UP][CALL_EV_ANSWER] = { take_answer, CALL_ANSWERED },
	TAKES_DIGITS(CALL_PICKED_UP),
	HUNTS(CALL_PICKED_UP),

	[CALL_ANSWERED][CALL_EV_ANSWER] = { note_answer, CALL_ANSWERED },
	[CALL_ANSWERED][CALL_EV_READY_CALLEE] = { store, CALL_STORING },
	[CALL_ANSWERED][CALL_EV_READY_CALLEE_BLIND] = { proceed,
							CALL_PROCEEDING },
	[CALL_ANSWERED][CALL_EV_MOVED] = { move, CALL_ANSWERED },
	TAKES_DIGITS(CALL_ANSWERED),
	ENDS(CALL_ANSWERED),

	[CALL_PROCEEDING][CALL_EV_ANSWER] = { note_answer, CALL_PROCEEDING },
	[CALL_PROCEEDING][CALL_EV_OFFER] = { store, CALL_STORING },
	TAKES_DIGITS(CALL_PROCEEDING),
	ENDS(CALL_PROCEEDING),

	[CALL_STORING][CALL_EV_ANSWER] = { note_answer, CALL_STORING },
	[CALL_STORING][CALL_EV_STORED] = { answer, CALL_CONNECTING },
	[CALL_STORING][CALL_EV_TIMEOUT] = { answer, CALL_CONNECTING },
	TAKES_DIGITS(CALL_STORING),
	EVERYWHERE(CALL_STORING),

	[CALL_CONNECTING][CALL_EV_ANSWER] = { note_answer, CALL_CONNECTING },
	[CALL_CONNECTING][CALL_EV_READY_CALLER] = { connect_media, CALL_UP },
	[CALL_CONNECTING][CALL_EV_READY_CALLER_EARLY] = { connect_media,
							  CALL_EARLY },
	TALKS(CALL_CONNECTING),
	ENDS(CALL_CONNECTING),

	[CALL_EARLY][CALL_EV_ANSWER] = { note_early_answer, CALL_UP },
	TALKS(CALL_EARLY),
	ENDS(CALL_EARLY),

	TALKS(CALL_UP),
	ENDS(CALL_UP),
};
