/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A call that outlived its process, but for the media of its client: its keys,
 * its port or what the worker had noted of it are gone, and no client runs DTLS
 * twice in a session. So the client is called anew, and the telephone waits on
 * hold (RFC 3264, 8.4).
 *
 *     client                        we                       telephone
 *        | == session 1, silent ==== | ======== up =============== |
 *        |                           | -- hold ------------------> |
 *        | <-------------- propose 2 |
 *
 * Monal goes on by itself (XEP-0353, 0.8, existing session):
 *
 *        | finish 1, migrated to 2   |
 *        | proceed 2 --------------> |
 *
 * Conversations and others are busy with session 1, and reject or say nothing;
 * once it has ended they ring:
 *
 *        | reject 2, busy ---------> |
 *        | <----- session-terminate 1, connectivity-error
 *        | <-------------- propose 3 |
 *        | proceed 3 --------------> |
 *
 * and in both cases
 *
 *        | <------- session-initiate |
 *        | session-accept ---------> | -- taken back ------------> |
 *
 * When nobody does within RECALL_MS the call ends on both sides.
 */
#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"
#include "media/negotiate.h"
#include "xmpp/jid.h"
#include "xmpp/xmpp_stream.h"

enum {
	RECALL_MS = 30000,
	/* Who goes on by itself does so at once, and who is busy may say
	 * nothing. */
	QUIET_MS = 3000,
};

static_assert((int)RAND_UUID_CAP <= (int)XMPP_SID_CAP, "a sid is a UUID");

enum step {
	RECALL_WAITS, /* for the stream */
	RECALL_ASKS,  /* beside the session of before */
	RECALL_RINGS, /* that one has ended */
	RECALL_TAKEN, /* a device proceeded: its answer is to come */
};

struct xmpp_recall {
	struct leg_xmpp *xmpp;
	struct xmpp_target *target; /* by the new sid; NULL: none yet */
	struct event *timer;
	uint64_t deadline_ms;
	enum step step;
	bool migrated; /* its client has gone on already */
	/* Who refuses refuses what rings now, not what was asked before it by
	 * the same sid. */
	bool distinct;
};

void xmpp_recall_drop(struct leg_xmpp *xmpp)
{
	struct xmpp_recall *recall = xmpp->recall;

	if (!recall)
		return;
	xmpp->recall = NULL;
	if (recall->timer)
		event_free(recall->timer);
	free(recall);
}

static void arm(const struct xmpp_recall *recall, uint64_t most_ms)
{
	uint64_t now = clock_ms();
	uint64_t left =
		recall->deadline_ms > now ? recall->deadline_ms - now : 0;
	uint64_t ms = left < most_ms ? left : most_ms;
	struct timeval tv = { (time_t)(ms / 1000),
			      (suseconds_t)(ms % 1000 * 1000) };

	evtimer_add(recall->timer, &tv);
}

/* Of the account alone: its device may be another one now. */
static int say(struct xmpp_recall *recall, const struct xmpp_words *words)
{
	struct xmpp_words mine = *words;

	mine.sid = recall->target->sid;
	return xmpp_say(recall->xmpp, recall->target->bare, &mine);
}

static void end_old_session(struct leg_xmpp *xmpp, enum cause cause)
{
	if (xmpp->jingle)
		jingle_terminate(xmpp->jingle, cause_reason(cause),
				 cause_text(cause));
	if (xmpp->initiated)
		xmpp_say(xmpp, xmpp->peer,
			 &(struct xmpp_words){ .action = JMI_FINISH,
					       .cause = cause,
					       .text = cause_text(cause) });
}

/* The call is another session's, or somebody has hung up. */
void xmpp_recall_withdraw(struct leg_xmpp *xmpp, enum cause cause)
{
	struct xmpp_recall *recall = xmpp->recall;

	if (recall && recall->target)
		say(recall, &(struct xmpp_words){ .action = JMI_RETRACT,
						  .cause = cause,
						  .text = cause_text(cause) });
	xmpp_recall_drop(xmpp);
}

void xmpp_recall_refuse(struct leg_xmpp *xmpp, enum cause cause)
{
	struct xmpp_recall *recall = xmpp->recall;

	if (!recall || recall->step == RECALL_TAKEN) {
		xmpp_recall_drop(xmpp);
		return;
	}
	if (recall->step != RECALL_RINGS)
		end_old_session(xmpp, cause);
	xmpp_recall_withdraw(xmpp, cause);
	xmpp->state = XMPP_LEG_ENDED;
}

/* Nobody comes back to it. */
static void lose(struct leg_xmpp *xmpp)
{
	log_warn("call=%s leg=xmpp event=not-recalled: its client could not be "
		 "called anew, both sides are told",
		 call_name(xmpp->leg.call));
	xmpp_hangup_now(xmpp, CAUSE_LOST, cause_text(CAUSE_LOST));
	leg_ends(&xmpp->leg, CAUSE_LOST, NULL);
}

/* A sid that was refused is not proposed again. */
static int renew_target(struct xmpp_recall *recall)
{
	struct leg_xmpp *xmpp = recall->xmpp;
	char sid[RAND_UUID_CAP];

	rand_uuid(sid);
	int r = xmpp_target_add(xmpp, sid, xmpp->peer);
	if (r)
		return r;
	if (recall->target)
		xmpp_target_drop(recall->target);
	recall->target = LIST_FIRST(&xmpp->targets);
	recall->target->theirs = false;
	return 0;
}

static void propose(struct xmpp_recall *recall, enum step step)
{
	bool first = !recall->target;

	recall->step = step;
	log_info("call=%s leg=xmpp event=recall way=%s",
		 call_name(recall->xmpp->leg.call),
		 step == RECALL_ASKS ? "existing-session" : "ring-again");
	if ((first && renew_target(recall)) ||
	    say(recall, &(struct xmpp_words){ .action = JMI_PROPOSE })) {
		lose(recall->xmpp);
		return;
	}
	arm(recall, step == RECALL_ASKS ? QUIET_MS : RECALL_MS);
}

static void ring_again(struct xmpp_recall *recall)
{
	end_old_session(recall->xmpp, CAUSE_MEDIA_LOST);
	propose(recall, RECALL_RINGS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_recall *recall = arg;

	(void)fd;
	(void)what;
	if (recall->step == RECALL_ASKS && clock_ms() < recall->deadline_ms)
		ring_again(recall);
	else
		lose(recall->xmpp);
}

int xmpp_recall(struct leg *leg)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	struct xmpp_recall *recall = calloc(1, sizeof(*recall));

	if (!recall)
		return -ENOMEM;
	xmpp->recall = recall;
	recall->xmpp = xmpp;
	recall->deadline_ms = clock_ms() + RECALL_MS;
	recall->timer = evtimer_new(xmpp->gateway->base, on_timer, recall);
	if (!recall->timer) {
		xmpp_recall_drop(xmpp);
		return -ENOMEM;
	}
	xmpp->state = XMPP_LEG_RECALLING;
	leg->recalled = true;
	xmpp->restarting = xmpp->restart_due = xmpp->finished = false;
	arm(recall, RECALL_MS);
	leg_holds(leg, true);
	if (xmpp_stream_is_up(xmpp->gateway->stream))
		propose(recall, RECALL_ASKS);
	return 0;
}

/* What was said while the stream was down, nobody has heard. */
void xmpp_recall_stream_up(struct leg_xmpp *xmpp)
{
	struct xmpp_recall *recall = xmpp->recall;

	if (recall && recall->step < RECALL_TAKEN)
		propose(recall, recall->step == RECALL_RINGS ? RECALL_RINGS
							     : RECALL_ASKS);
}

/* By the same loss, as a rule. */
bool xmpp_recall_outlives(struct leg_xmpp *xmpp, enum cause cause)
{
	struct xmpp_recall *recall = xmpp->recall;

	if (!recall || recall->step == RECALL_TAKEN)
		return false;
	if (recall->step == RECALL_RINGS || recall->migrated)
		return true;
	if (cause == CAUSE_MEDIA_LOST || cause == CAUSE_LOST ||
	    cause == CAUSE_FAILED) {
		ring_again(recall);
		return true;
	}
	xmpp_recall_withdraw(xmpp, cause);
	return false;
}

/* ---- a device takes it ---- */

/* All that the telephone agreed to, so that it need not be asked again. */
static int describe(struct leg_xmpp *xmpp)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	const struct media_desc *agreed = leg_agreed(&xmpp->leg);
	int r = agreed ? negotiate_offer(&offer, agreed) : -EPROTO;

	if (r)
		return r < 0 ? r : -EPROTO;
	for (size_t i = 0; i < offer->ncontents; i++)
		offer->contents[i]->dir = MEDIA_SENDRECV;
	return leg_set_local(&xmpp->leg, offer);
}

static int take(struct leg_xmpp *xmpp, const char *device)
{
	struct xmpp_recall *recall = xmpp->recall;

	/* Another device may be about to come, by a target of its own. */
	xmpp_move_refuse(xmpp, CAUSE_ELSEWHERE, NULL);
	int r = xmpp_leave_session(xmpp, recall->target,
				   recall->step == RECALL_ASKS);
	if (!r)
		r = xmpp_set_peer(xmpp, device);
	if (r)
		return r;
	recall->step = RECALL_TAKEN;
	recall->target = NULL;
	recall->deadline_ms = clock_ms() + RECALL_MS;
	arm(recall, RECALL_MS);
	xmpp->initiated = true;
	xmpp->caller = xmpp->heard = false;
	r = describe(xmpp);
	return r ? r : xmpp_session_offer(xmpp);
}

/* "Busy" may come late, when the session of before has ended and it rings:
 * that is no refusal to come back. */
static void on_refusal(struct xmpp_recall *recall)
{
	bool rings = recall->step == RECALL_RINGS;

	if ((rings && recall->distinct) || renew_target(recall)) {
		lose(recall->xmpp);
		return;
	}
	recall->distinct = true;
	if (rings)
		propose(recall, RECALL_RINGS);
	else
		ring_again(recall);
}

/* Of what it proposes to its devices; the first that proceeds has the call. */
static void on_message(struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	struct xmpp_recall *recall = xmpp->recall;

	if (jmi->error || jmi->action == JMI_REJECT) {
		on_refusal(recall);
	} else if (jmi->action == JMI_RINGING) {
		recall->distinct |= recall->step == RECALL_RINGS;
		arm(recall, RECALL_MS);
	} else if (jmi->action == JMI_PROCEED) {
		log_info("call=%s leg=xmpp event=recalled device=%s",
			 call_name(xmpp->leg.call),
			 log_text(slice_of(jmi->from)).s);
		if (take(xmpp, jmi->from))
			call_hangup(xmpp->leg.call, CAUSE_FAILED);
	}
}

bool xmpp_recall_message(struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	struct xmpp_recall *recall = xmpp->recall;

	if (!recall || recall->step == RECALL_TAKEN)
		return false;
	if (recall->target && !strcmp(jmi->sid, recall->target->sid)) {
		on_message(xmpp, jmi);
		return true;
	}
	if (strcmp(jmi->sid, xmpp->sid) != 0)
		return false;
	if (jmi->action != JMI_FINISH || !jid_same(jmi->from, xmpp->peer))
		return true;
	if (jmi->migrated_to)
		recall->migrated = true;
	else if (!xmpp_recall_outlives(xmpp, xmpp_cause(xmpp, jmi->reason)))
		return false; /* as ever: the session's own end follows */
	return true;
}

void xmpp_recall_answered(struct leg_xmpp *xmpp)
{
	xmpp_recall_drop(xmpp);
	xmpp->leg.recalled = false;
	leg_agrees(&xmpp->leg);
	leg_holds(&xmpp->leg, false);
}
