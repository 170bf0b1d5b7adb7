/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The part of a leg over XMPP that is said by messages (XEP-0353, 0.8).
 */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/call/caller.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"
#include "gateway/route/origin.h"
#include "gateway/unsent.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

static int send_stanza(struct leg_xmpp *xmpp, const struct stanza *stanza)
{
	int r = xmpp_stream_send(xmpp->gateway->stream, stanza);

	if (r)
		log_warn("call=%s leg=xmpp stanza=not-sent r=%d",
			 call_name(xmpp->leg.call), r);
	return r;
}

/* Which of the messages says why: those that end something. */
static bool has_reason(enum jmi_action action)
{
	return action == JMI_REJECT || action == JMI_RETRACT ||
	       action == JMI_FINISH;
}

static int send_message(struct leg_xmpp *xmpp, const struct jmi_message *m)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	int r = jmi_format(&stanza, m);

	if (r)
		return r;
	if (!has_reason(m->action))
		return send_stanza(xmpp, stanza);
	unsent_send(xmpp->gateway, stanza);
	return 0;
}

/* Who calls is known to the devices of @account before they ring. */
static void introduce(struct leg_xmpp *xmpp, const char *account)
{
	const struct origin *origin = call_origin(xmpp->leg.call);
	char local[JID_PART_MAX + 1];
	struct jid us;

	if (jid_parse(&us, xmpp->local) ||
	    text_copy(local, sizeof(local), us.local))
		return;
	if (origin)
		caller_keep_name(xmpp->gateway, account, local,
				 origin->display);
	caller_introduce(xmpp->gateway, account, local);
}

static enum reason reason_of(const struct xmpp_words *words)
{
	if (!has_reason(words->action))
		return REASON_NONE;
	return words->reason ? words->reason : cause_reason(words->cause);
}

int xmpp_say(struct leg_xmpp *xmpp, const char *to,
	     const struct xmpp_words *words)
{
	bool why = has_reason(words->action);
	bool proposal = words->action == JMI_PROPOSE;

	if (proposal)
		introduce(xmpp, to);
	return send_message(xmpp,
			    &(struct jmi_message){
				    .action = words->action,
				    .sid = words->sid ? words->sid : xmpp->sid,
				    .from = xmpp->local,
				    .to = to,
				    .nick = proposal ? xmpp->nick : NULL,
				    .reason = reason_of(words),
				    .reason_text = why ? words->text : NULL,
				    .migrated_to = words->migrated_to,
				    .tie_break = words->tie_break });
}

int xmpp_say_all(struct leg_xmpp *xmpp, const struct xmpp_target *but,
		 const struct xmpp_words *words)
{
	const struct xmpp_target *target;
	int r = -ENOTCONN;

	if (xmpp->peer && !but)
		return xmpp_say(xmpp, xmpp->peer, words);
	LIST_FOREACH(target, &xmpp->targets, entry) {
		if (target != but && target->state == XMPP_TARGET_OPEN &&
		    !xmpp_say(xmpp, target->bare, words))
			r = 0;
	}
	return r;
}

void xmpp_say_ringing(struct leg_xmpp *xmpp)
{
	xmpp->ringing = true;
	xmpp_say(xmpp, xmpp->peer,
		 &(struct xmpp_words){ .action = JMI_RINGING });
	xmpp_arm(xmpp, XMPP_RINGING_REPEAT_MS);
}

/* Conversations takes the receipt for a device that was found. */
void xmpp_send_receipt(struct leg_xmpp *xmpp, const struct jmi *propose)
{
	AUTO(stanza_freep) struct stanza *receipt = NULL;

	if (propose->receipt_requested && propose->message_id &&
	    !jmi_receipt(&receipt, xmpp->local, propose->from,
			 propose->message_id))
		send_stanza(xmpp, receipt);
}

void leg_xmpp_begin(struct leg *leg, const struct jmi *propose)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);

	xmpp->state = XMPP_LEG_PROPOSED;
	xmpp->initiated = true;
	xmpp_send_receipt(xmpp, propose);
	xmpp_arm(xmpp, XMPP_RINGING_LATEST_MS);
	leg_calls(leg);
}

/* ---- what the peer says ---- */

/* The device with which the session is, or is about to be. */
static bool is_from_peer(const struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	return xmpp->peer && jid_same(xmpp->peer, jmi->from);
}

/* Conversations takes a retract for it, Monal after its proceed a finish. */
static void say_elsewhere(struct leg_xmpp *xmpp, const char *device)
{
	static const enum jmi_action actions[] = { JMI_RETRACT, JMI_FINISH };

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		xmpp_say(xmpp, device,
			 &(struct xmpp_words){
				 .action = actions[i],
				 .cause = CAUSE_ELSEWHERE,
				 .text = cause_text(CAUSE_ELSEWHERE) });
}

/* The taker's other devices that take proposals know by carbons, or once they
 * proceed. */
void xmpp_take(struct leg_xmpp *xmpp, const struct xmpp_target *taker, bool all)
{
	struct xmpp_target *target;

	xmpp_forks_end(xmpp, NULL, CAUSE_ELSEWHERE);
	xmpp_say_all(
		xmpp, all ? NULL : taker,
		&(struct xmpp_words){ .action = JMI_RETRACT,
				      .cause = CAUSE_ELSEWHERE,
				      .text = cause_text(CAUSE_ELSEWHERE) });
	LIST_FOREACH(target, &xmpp->targets, entry) {
		if (target != taker)
			xmpp_target_end(target, CAUSE_ELSEWHERE);
	}
}

/* Another has the call, or has refused it for the account. */
static bool is_late(const struct leg_xmpp *xmpp,
		    const struct xmpp_target *taker, const struct jmi *jmi)
{
	return xmpp->state == XMPP_LEG_SESSION
		       ? !is_from_peer(xmpp, jmi)
		       : xmpp->state == XMPP_LEG_PROPOSED &&
				 taker->state != XMPP_TARGET_OPEN;
}

/* The first device that proceeds has the call. */
static void on_proceed(struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	const struct xmpp_target *taker = xmpp_target_find(xmpp, jmi->from);

	if (xmpp->caller || !taker)
		return;
	if (is_late(xmpp, taker, jmi)) {
		say_elsewhere(xmpp, jmi->from);
		return;
	}
	if (xmpp->state != XMPP_LEG_PROPOSED)
		return;
	xmpp_take(xmpp, taker, false);
	int r = xmpp_set_peer(xmpp, jmi->from);
	if (!r) {
		xmpp->state = XMPP_LEG_PROCEEDED;
		leg_proceeds(&xmpp->leg);
		r = xmpp_session_offer(xmpp);
	}
	if (r)
		call_hangup(xmpp->leg.call, CAUSE_FAILED);
}

void xmpp_rings(struct leg_xmpp *xmpp)
{
	if (xmpp->caller || xmpp->rung)
		return;
	xmpp->rung = true;
	leg_rings(&xmpp->leg);
}

static void on_ringing(struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	(void)jmi;
	xmpp_rings(xmpp);
}

enum cause xmpp_cause(const struct leg_xmpp *xmpp, enum reason reason)
{
	enum cause cause = cause_of_reason(reason, xmpp->leg.answered);

	/* A caller who leaves before the answer has cancelled, whatever the
	 * word. */
	if (xmpp->caller && !xmpp->leg.answered &&
	    (cause == CAUSE_DECLINE || cause == CAUSE_BUSY ||
	     cause == CAUSE_NORMAL))
		return CAUSE_CANCEL;
	/* Only a caller cancels. */
	if (!xmpp->caller && cause == CAUSE_CANCEL)
		return CAUSE_DECLINE;
	return cause;
}

/* Conversations' own time limit arrives as a reject. */
static enum cause reject_cause(const struct leg_xmpp *xmpp,
			       const struct jmi *jmi)
{
	bool late = clock_ms() - xmpp->proposed_ms >= XMPP_REJECT_IS_TIMEOUT_MS;
	enum cause cause = xmpp_cause(xmpp, jmi->reason);

	if (jmi->tie_break) /* it calls us at the same time */
		return CAUSE_BUSY;
	if (late && (cause == CAUSE_DECLINE || cause == CAUSE_BUSY))
		return CAUSE_NO_ANSWER;
	return cause;
}

/* The peer ends by a message what it knows as no session yet. */
static void end_early(struct leg_xmpp *xmpp, enum cause cause, const char *text)
{
	if (xmpp->jingle)
		jingle_terminate(xmpp->jingle, REASON_CANCEL, NULL);
	xmpp_targets_missed(xmpp, cause);
	xmpp->state = XMPP_LEG_ENDED;
	leg_ends(&xmpp->leg, cause, text);
}

void xmpp_end_target(struct leg_xmpp *xmpp, struct xmpp_target *target,
		     enum cause cause, const char *text)
{
	enum cause all = cause;

	xmpp_forks_end(xmpp, target, cause);
	xmpp_target_end(target, cause);
	if (!xmpp_targets_open(xmpp, &all))
		end_early(xmpp, all, all == cause ? text : NULL);
}

void xmpp_give_up(struct leg_xmpp *xmpp, enum cause cause, const char *text)
{
	xmpp_hangup_now(xmpp, cause, text);
	leg_ends(&xmpp->leg, cause, text);
}

/* A session-initiate has passed whose session-accept has not. */
static bool is_pending(const struct leg_xmpp *xmpp)
{
	return xmpp->state == XMPP_LEG_SESSION && !jingle_is_up(xmpp->jingle);
}

static bool is_early(const struct leg_xmpp *xmpp)
{
	return xmpp->state == XMPP_LEG_PROPOSED ||
	       xmpp->state == XMPP_LEG_PROCEEDED || is_pending(xmpp);
}

/* Of any device of an account; but once one has proceeded of that alone
 * (Conversations rejects after its proceed while our session-initiate is on its
 * way). Who rejects what it proposed itself does not want it any more. */
static void on_reject(struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	struct xmpp_target *target = xmpp_target_find(xmpp, jmi->from);
	enum cause cause = reject_cause(xmpp, jmi);

	if (!target)
		return;
	if (xmpp->caller) {
		if (is_early(xmpp) && is_from_peer(xmpp, jmi))
			end_early(xmpp, CAUSE_CANCEL, jmi->reason_text);
	} else if (xmpp->state == XMPP_LEG_PROPOSED) {
		xmpp_end_target(xmpp, target, cause, jmi->reason_text);
	} else if (is_pending(xmpp) && is_from_peer(xmpp, jmi)) {
		end_early(xmpp, cause, jmi->reason_text);
	}
}

static void on_retract(struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	if (is_early(xmpp) && xmpp->caller)
		end_early(xmpp, CAUSE_CANCEL, jmi->reason_text);
	else if (is_early(xmpp) && xmpp->calls_back)
		end_early(xmpp, CAUSE_DECLINE, jmi->reason_text);
}

/* The session's own end says the same; this is for when that got lost. */
static void on_finish(struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	enum reason reason = jmi->reason ? jmi->reason : REASON_SUCCESS;

	if (!is_from_peer(xmpp, jmi) || xmpp->state == XMPP_LEG_ENDED ||
	    xmpp->finished)
		return;
	xmpp->finished = true;
	xmpp->finish_cause = xmpp_cause(xmpp, reason);
	/* ours would cross the client's own, which follows as a rule */
	if (xmpp->jingle && jingle_is_up(xmpp->jingle))
		xmpp_arm(xmpp, XMPP_FINISH_MS);
	else
		xmpp_finish(xmpp);
}

void xmpp_finish(struct leg_xmpp *xmpp)
{
	xmpp->finished = false;
	if (xmpp->jingle)
		jingle_terminate(xmpp->jingle, REASON_SUCCESS, NULL);
	if (xmpp_move_outlives(xmpp))
		return;
	xmpp->state = XMPP_LEG_ENDED;
	leg_ends(&xmpp->leg, xmpp->finish_cause, NULL);
}

/* The proposal went to the account: a device that cannot take it speaks for
 * itself, its server for all of them (RFC 6121, 8.5.2.1). */
static bool is_of_one_device(const struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	return !xmpp->caller && xmpp->state == XMPP_LEG_PROPOSED &&
	       strchr(jmi->from, '/');
}

/* Our own message came back: nobody there understands calls. */
static void on_bounce(struct leg_xmpp *xmpp, const struct jmi *jmi)
{
	struct xmpp_target *target = xmpp_target_find(xmpp, jmi->from);
	bool waits = xmpp->state == XMPP_LEG_PROPOSED ||
		     xmpp->state == XMPP_LEG_PROCEEDED;

	if (!waits || !target || is_of_one_device(xmpp, jmi))
		return;
	log_info("call=%s leg=xmpp bounced=%s", call_name(xmpp->leg.call),
		 log_text(slice_of(jmi->error_condition)).s);
	target->bounced = true;
	if (!xmpp_forks_alive(xmpp, target))
		xmpp_end_target(xmpp, target, CAUSE_UNREACHABLE, NULL);
}

void leg_xmpp_message(struct leg *leg, const struct jmi *jmi)
{
	static void (*const handlers[JMI_NACTIONS])(struct leg_xmpp *,
						    const struct jmi *) = {
		[JMI_RINGING] = on_ringing, [JMI_PROCEED] = on_proceed,
		[JMI_REJECT] = on_reject,   [JMI_RETRACT] = on_retract,
		[JMI_FINISH] = on_finish,
	};

	if (xmpp_recall_message(xmpp_of(leg), jmi) ||
	    xmpp_move_message(xmpp_of(leg), jmi))
		return;
	if (jmi->error)
		on_bounce(xmpp_of(leg), jmi);
	else if (handlers[jmi->action])
		handlers[jmi->action](xmpp_of(leg), jmi);
}
