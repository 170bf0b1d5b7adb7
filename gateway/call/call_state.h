/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of a call, shared by call.c (its life), call_table.c (its states),
 * call_media.c (descriptions and the bridge), call_hunt.c (the next callee),
 * call_ask.c (who is asked), call_fare.c (what it costs), call_count.c (whom it
 * counts for) and call_record.c (database), and by leg.c, which raises events.
 * Nobody else includes it but gateway/watch, gateway/trace and gateway/admin,
 * which look on.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdint.h>

#include "db/session.h"
#include "gateway/call/call.h"
#include "gateway/call/call_view.h"
#include "gateway/leg/leg.h"
#include "gateway/route/toll.h"

struct event;
struct fare;
struct quality;
struct question;

enum call_state {
	CALL_NEW,
	CALL_ASKING,
	CALL_OFFERED,
	CALL_RINGING,
	CALL_PICKED_UP,
	CALL_ANSWERED,
	CALL_PROCEEDING,
	CALL_STORING,
	CALL_CONNECTING,
	CALL_EARLY,
	CALL_UP,
	CALL_CLOSED,
	CALL_NSTATES,
};

enum call_event_type {
	CALL_EV_CALL,       /* the caller calls, without an offer */
	CALL_EV_OFFER,      /* the caller's offer, first or late */
	CALL_EV_ASK,        /* somebody is asked before the callee is called */
	CALL_EV_ALLOWED,    /* it lets the call begin */
	CALL_EV_RING,       /* the callee rings */
	CALL_EV_RING_EARLY, /* … with media that the caller shall hear */
	CALL_EV_PICK_UP,    /* somebody did; the callee's answer follows */
	CALL_EV_ANSWER,     /* the callee accepted */
	CALL_EV_READY_CALLEE,       /* its media flows */
	CALL_EV_READY_CALLEE_BLIND, /* … and the caller made no offer yet */
	CALL_EV_STORED,             /* the session's row is on disk */
	CALL_EV_READY_CALLER,       /* the caller's media flows */
	CALL_EV_READY_CALLER_EARLY, /* … and the callee only rings */
	CALL_EV_REOFFER,            /* a new offer in a running call */
	CALL_EV_AGREE,              /* the answer to an offer of ours */
	CALL_EV_HOLD,
	CALL_EV_DIGIT,
	CALL_EV_MOVED,     /* our address changed */
	CALL_EV_NEXT,      /* the callee has ended, another is to be tried */
	CALL_EV_NEXT_LATE, /* … has rung for long enough, another … */
	CALL_EV_END,       /* a leg has ended */
	CALL_EV_FAILED,    /* something of ours broke */
	CALL_EV_TIMEOUT,   /* of the state */
	CALL_NEVENTS,
};

enum { CALL_MAX_QUEUED = 16, CALL_TEXT_CAP = 128 };

/* What was said of the leg to a trunk that is to be called. */
enum call_fare_said {
	CALL_FARE_UNSAID,
	CALL_FARE_ALLOWED,
	CALL_FARE_REFUSED,
};

/* What the leg to a trunk on one side costs. */
struct call_fare {
	struct fare *fare; /* owned; NULL: nothing */
	enum call_fare_said said;
	int64_t since_ms;  /* call_now_ms(); 0: since it was answered */
	int64_t credit_ms; /* the most time since the answer; 0: no limit.
			    * Also of a call from a trunk that costs none */
	unsigned part;     /* transfers of the call before it */
	/* The account's and the trunk's. */
	struct toll_line lines[2];
	struct toll_meter meters[2];
};

/* Who did not take the call. */
struct call_miss {
	STAILQ_ENTRY(call_miss) link;
	enum cause cause;
	const char *account, *from; /* in text */
	char text[];
};

struct call_event {
	enum call_event_type type;
	enum media_side side; /* whose leg it is about */
	bool on;              /* hold */
	char digit;
	unsigned duration_ms;
	enum cause cause;
	char *text; /* END, NEXT: what the peer said, owned; NULL: nothing */
};

struct call {
	LIST_ENTRY(call) link;   /* of gateway->calls */
	LIST_ENTRY(call) looked; /* gateway/watch/quality.c */
	struct gateway *gateway;
	char name[CALL_NAME_CAP];
	enum call_state state;
	struct leg *legs[2];
	struct bridge *bridge;
	struct event *timer;
	uint64_t ring_deadline_ms;   /* for all callees */
	uint64_t callee_deadline_ms; /* for the one of now; not later */
	struct hunt *hunt;           /* NULL: nobody else is tried */
	STAILQ_HEAD(, call_miss) missed;

	struct call_event queue[CALL_MAX_QUEUED];
	unsigned queued;
	bool handling;

	struct call_digits *digits; /* that wait to be played; NULL: none */
	bool early_answer;          /* policy */
	bool ready[2];              /* media may flow on this side */
	bool held[2];               /* this side's party holds the other */
	bool hung_up[2];            /* this side's peer knows already */

	/* for the record */
	unsigned storing; /* rows that are on their way to the disk */
	struct session_digest stored[2]; /* by side: what was written last */
	bool unput;                      /* call_record_some() */
	bool inbound;
	char *account, *from, *to, *trunk;
	struct origin *origin; /* NULL: of a call from an account */
	/* call_now_ms(); 0: not */
	int64_t started_ms, rang_ms, answered_ms, ended_ms;
	int64_t resumed_ms; /* the same; 0: this process has begun it */
	int64_t begun_ms;   /* started_ms by clock_ms() */
	enum cause cause;
	enum media_side ended_by;
	bool by_us;
	char end_text[CALL_TEXT_CAP];
	struct question
		*question; /* to the billing system; NULL: none is open */
	bool was_asked;    /* about the call itself, from a trunk */
	struct call_fare fares[2]; /* by side */
	struct toll_line line;     /* of .trunk */
	struct toll_line echo[2];  /* of the account's, of all */
	unsigned transfers;
	struct quality *quality; /* gateway/watch/quality.h; NULL: none yet */
};

/* call_table.c. The state is set first, then the action runs; an absent pair is
 * ignored. */
struct call_state_row {
	const char *name;
	int timeout_ms; /* 0: none; or one of the two below */
	enum cause timeout_cause;
	bool hunts; /* another callee may be tried */
};
enum {
	CALL_RING_MS = -1, /* until the callee's ring deadline */
	CALL_TALK_MS = -2, /* limits.call_duration_s */
};
struct call_transition {
	void (*action)(struct call *call, const struct call_event *event);
	enum call_state next;
};
extern const struct call_state_row call_states[];
extern const char *const call_event_names[];
extern const struct call_transition call_transitions[CALL_NSTATES]
						    [CALL_NEVENTS];

/* call.c: a call of the gateway's, without anything. 0 or -ENOMEM. */
CHECKED int call_alloc(struct call **out, struct gateway *gateway);
CHECKED int call_make_timer(struct call *call);
struct call *call_free(struct call *call);
/* call.c: wall time, as it were if nobody had set the clock since the call
 * began: what has lasted a minute is a minute in its record. */
int64_t call_now_ms(const struct call *call);
/* call.c: whether what came to @r in the call of that @name, or in "all", is
 * to be tried once more, which is said: no call ends for one allocation that is
 * refused. */
bool call_tries_again(const char *name, int r);
/* call.c: queue an event, whose text is the queue's from then on; handled at
 * once unless one is being handled. */
void call_raise(struct call *call, const struct call_event *event);
void call_fail(struct call *call, enum cause cause);
/* The time limit of its state begins anew. */
void call_arm(struct call *call);

/* call_digits.c: a digit of one side, played to the other in its turn, and not
 * before both talk; to be called when they do. */
void call_digits_take(struct call *call, const struct call_event *event);
void call_digits_play(struct call *call);
void call_digits_free(struct call *call);

/* call_hunt.c: whether a callee that ended by @cause leads to another now. */
bool call_hunt_goes_on(const struct call *call, enum cause cause);
/* The one of now ended by @cause, or is @late: call the next. */
void call_hunt_next(struct call *call, enum cause cause, bool late);
/* The callee of now is called, or first somebody is asked (call_ask.c). As
 * call_media_offer(). */
CHECKED int call_hunt_begin(struct call *call);
/* Set the deadline of the callee of now. */
void call_hunt_limit(struct call *call);

/* call_media.c: 0, or a cause is raised by the caller from the outcome:
 * NEGOTIATE_E_* or -errno. */
CHECKED int call_media_offer(struct call *call);
CHECKED int call_media_answer(struct call *call);
CHECKED int call_media_reoffer(struct call *call, enum media_side side);
CHECKED int call_media_map(struct call *call);
/* The callee answered before the caller's codecs were known: see there. */
CHECKED int call_media_narrow(struct call *call);
/* Tell the caller when the callee's answer holds, or holds no more. */
CHECKED int call_media_take_hold(struct call *call);
void call_media_direct(struct call *call);
extern const struct bridge_handlers call_bridge_handlers;
/* call_media.c: @side of a call that is up has lost its media, by @why (-errno,
 * for the log): its peer is called anew. 0, or why it cannot be. */
CHECKED int call_recall(struct call *call, enum media_side side, int why);

/* call_record.c: rows of the session table (CALL_EV_STORED follows once both
 * are on disk), and the record of the call when it has ended. */
void call_record_store(struct call *call);
/* The callee has answered: the call is its account's, if it came from the
 * telephone network. */
void call_record_answered(struct call *call);
void call_record_end(struct call *call);
/* What is sent to the peer of @leg; "" nothing agreed. */
void call_codec_text(char out[static CALL_CODEC_CAP], const struct leg *leg);

/* call_ask.c: whether somebody is asked before the callee of now is called; ask
 * (ALLOWED, NEXT or FAILED follows); nobody waits for it any more. */
bool call_asks(const struct call *call);
void call_ask(struct call *call);
void call_ask_forget(struct call *call);

/* call_fare.c: the callee of now costs @fare, copied; NULL: nothing. 0 or
 * -ENOMEM. */
CHECKED int call_fare_take(struct call *call, const struct fare *fare);
/* It counts as a call of who pays; its time does, once it is answered. 0 or
 * -ENOMEM; again is fine. */
CHECKED int call_fare_count(struct call *call, enum media_side side);
CHECKED int call_fare_start(struct call *call, enum media_side side);
/* It counts no more; again is fine. */
void call_fare_stop(struct call_fare *of);
/* They cost no more, and have their records; nothing is said of it. */
void call_fares_settle(struct call *call);
void call_fare_drop(struct call *call, enum media_side side);
/* The most time that it was given, since the answer; 0: no limit. Whether it
 * is over. */
int64_t call_credit_ms(const struct call *call);
bool call_credit_is_used_up(const struct call *call);

/* call_count.c: it counts as a call of its trunk, and of the echo; of another
 * trunk, by which it goes from now on. 0 or -ENOMEM. No more; again is fine. */
CHECKED int call_count_begin(struct call *call);
CHECKED int call_count_trunk(struct call *call, const char *trunk);
void call_count_end(struct call *call);

/* call_missed.c: leave a message for those who missed it. */
void call_missed_tell(struct call *call);
void call_missed_forget(struct call *call);
