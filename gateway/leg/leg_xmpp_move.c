/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A running call is picked up on another device (XEP-0353, 0.8, "existing
 * session"): a new proposal of the same account to the same number goes on with
 * it. The other party notices a short gap.
 *
 *     old device          we                      new device
 *         | == session 1 == |                          |
 *         |                 | <------------- propose 2 |
 *         |                 | proceed 2 -------------> |
 *         |                 | <---- session-initiate 2 |
 *         | <-- finish 1, migrated to 2                |
 *         | <-- session-terminate 1                    |
 *         |                 | session-accept 2 ------> |
 *
 * Until the new session begins the old one goes on; if it never does, nothing
 * has happened.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"
#include "xmpp/iq.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

/* From our proceed to the new device's session-initiate. */
enum { MOVE_MS = 15000 };

struct xmpp_move {
	struct leg_xmpp *xmpp;
	struct xmpp_target *target; /* by the new sid */
	char *peer;                 /* full JID of the new device */
	struct event *timer;
	bool orphan; /* the old session has ended meanwhile */
};

void xmpp_move_drop(struct leg_xmpp *xmpp)
{
	struct xmpp_move *move = xmpp->move;

	if (!move)
		return;
	xmpp->move = NULL;
	if (move->target)
		xmpp_target_drop(move->target);
	if (move->timer)
		event_free(move->timer);
	free(move->peer);
	free(move);
}

/* No session is left. */
static void end(struct leg_xmpp *xmpp)
{
	xmpp->state = XMPP_LEG_ENDED;
	leg_ends(&xmpp->leg, CAUSE_NORMAL, NULL);
}

/* The old session goes on, if there is one. */
static void give_up(struct leg_xmpp *xmpp)
{
	bool orphan = xmpp->move->orphan;

	log_info("call=%s leg=xmpp event=not-moved: the device began no "
		 "session",
		 call_name(xmpp->leg.call));
	xmpp_move_drop(xmpp);
	if (orphan)
		end(xmpp);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	const struct xmpp_move *move = arg;

	(void)fd;
	(void)what;
	give_up(move->xmpp);
}

void xmpp_move_refuse(struct leg_xmpp *xmpp, enum cause cause, const char *text)
{
	static const enum jmi_action actions[] = { JMI_REJECT, JMI_FINISH };

	if (!xmpp->move)
		return;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		xmpp_say(
			xmpp, xmpp->move->peer,
			&(struct xmpp_words){ .action = actions[i],
					      .cause = cause,
					      .text = text,
					      .sid = xmpp->move->target->sid });
	xmpp_move_drop(xmpp);
}

bool xmpp_move_outlives(struct leg_xmpp *xmpp)
{
	if (xmpp->move)
		xmpp->move->orphan = true;
	return xmpp->move != NULL;
}

static int begin(struct leg_xmpp *xmpp, const struct jmi *propose)
{
	struct xmpp_move *move = calloc(1, sizeof(*move));
	struct timeval tv = { MOVE_MS / 1000, 0 };

	if (!move)
		return -ENOMEM;
	xmpp->move = move;
	move->xmpp = xmpp;
	move->peer = text_dup(slice_of(propose->from));
	move->timer = evtimer_new(xmpp->gateway->base, on_late, move);
	if (!move->peer || !move->timer)
		return -ENOMEM;
	int r = xmpp_target_add(xmpp, propose->sid, propose->from);
	if (r)
		return r;
	move->target = LIST_FIRST(&xmpp->targets);
	evtimer_add(move->timer, &tv);
	return 0;
}

void leg_xmpp_move(struct leg *leg, const struct jmi *propose)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	bool orphan = xmpp->move && xmpp->move->orphan;

	xmpp_move_refuse(xmpp, CAUSE_ELSEWHERE, NULL);
	int r = begin(xmpp, propose);
	if (r) {
		log_warn("call=%s leg=xmpp event=not-moved r=%d",
			 call_name(leg->call), r);
		xmpp_say(xmpp, propose->from,
			 &(struct xmpp_words){ .action = JMI_REJECT,
					       .cause = CAUSE_FAILED,
					       .text = cause_text(CAUSE_FAILED),
					       .sid = propose->sid });
		xmpp_move_drop(xmpp);
		if (orphan)
			end(xmpp);
		return;
	}
	xmpp->move->orphan = orphan;
	log_info("call=%s leg=xmpp event=moves to=%s", call_name(leg->call),
		 log_text(slice_of(propose->from)).s);
	xmpp_send_receipt(xmpp, propose);
	xmpp_say(xmpp, propose->from,
		 &(struct xmpp_words){ .action = JMI_PROCEED,
				       .sid = propose->sid });
}

/* A retract, or our proceed came back: the old session goes on. */
bool xmpp_move_message(struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	if (xmpp->move && !strcmp(jmi->sid, xmpp->move->target->sid)) {
		if (jmi->error || ((jmi->action == JMI_RETRACT ||
				    jmi->action == JMI_FINISH) &&
				   jid_same(jmi->from, xmpp->move->peer)))
			give_up(xmpp);
		return true;
	}
	/* of a device that the call has left */
	return strcmp(jmi->sid, xmpp->sid) != 0;
}

/* The old device is told, in both languages, and forgotten. */
static void leave(struct leg_xmpp *xmpp, const char *sid, bool migrated)
{
	if (xmpp->initiated && migrated)
		xmpp_say(xmpp, xmpp->peer,
			 &(struct xmpp_words){ .action = JMI_FINISH,
					       .reason = REASON_EXPIRED,
					       .text = "Session migrated",
					       .migrated_to = sid });
	if (xmpp->jingle && migrated)
		jingle_terminate(xmpp->jingle, REASON_SUCCESS,
				 "Session migrated");
	xmpp->jingle = jingle_free(xmpp->jingle);
	iq_cancel(xmpp->gateway->iqs, xmpp);
	xmpp->niqs = 0;
	xmpp->restarting = xmpp->restart_due = xmpp->finished = false;
	leg_fini(&xmpp->leg);
}

int xmpp_leave_session(struct leg_xmpp *xmpp, struct xmpp_target *taken,
		       bool migrated)
{
	struct xmpp_target *target, *next;

	leave(xmpp, taken->sid, migrated);
	memcpy(xmpp->sid, taken->sid, sizeof(xmpp->sid));
	LIST_FOREACH_SAFE(target, &xmpp->targets, entry, next) {
		if (target != taken)
			xmpp_target_drop(target);
	}
	return bridge_close(call_bridge(xmpp->leg.call), xmpp->leg.side);
}

/* The new device is the leg's peer, by its sid alone. */
static int take(struct leg_xmpp *xmpp)
{
	struct xmpp_target *taken = xmpp->move->target;

	xmpp->move->target = NULL;
	int r = xmpp_leave_session(xmpp, taken, true);
	if (!r)
		r = xmpp_set_peer(xmpp, xmpp->move->peer);
	xmpp->initiated = true;
	return r;
}

static int take_over(struct leg_xmpp *xmpp)
{
	log_info("call=%s leg=xmpp event=moved to=%s",
		 call_name(xmpp->leg.call),
		 log_text(slice_of(xmpp->move->peer)).s);
	xmpp_recall_withdraw(xmpp, CAUSE_ELSEWHERE);
	xmpp->leg.recalled = false;
	int r = take(xmpp);
	xmpp_move_drop(xmpp);
	return r ? r : xmpp_session_new(xmpp, false);
}

bool xmpp_move_iq(struct leg_xmpp *xmpp, const struct stanza *iq)
{
	bool initiate = false;
	const char *sid = jingle_iq_sid(iq, &initiate);
	bool talks = xmpp->state == XMPP_LEG_SESSION ||
		     xmpp->state == XMPP_LEG_RECALLING;

	if (!xmpp->move || !sid || strcmp(sid, xmpp->move->target->sid) != 0 ||
	    !initiate || !talks ||
	    !jid_same(xmpp->move->peer, stanza_attr(iq, "from")))
		return false;
	if (take_over(xmpp)) {
		call_hangup(xmpp->leg.call, CAUSE_FAILED);
		return false;
	}
	jingle_receive(xmpp->jingle, iq);
	call_record_refresh(xmpp->leg.call);
	return true;
}
