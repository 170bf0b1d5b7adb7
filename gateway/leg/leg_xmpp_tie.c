/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An account calls the number that calls it (XEP-0353, 0.8, 6.1; XEP-0166,
 * 7.2.16). Of two proposals that have crossed the lower sid counts, in i;octet:
 *
 *     ours is lower                      theirs is lower
 *     propose 2 ->  <- propose 1         propose 2 ->  <- propose 1
 *     reject 1, tie-break ->             retract 2, tie-break ->
 *     it rings on                        proceed 1 ->
 *                                        <- session-initiate 1
 *                                        session-accept 1 ->
 *
 * In the second case the device offers and we answer, though it is called. A
 * proposal that comes long after ours has not crossed it: somebody wants to
 * talk to who calls, on a device that does not show it.
 *
 * Who is called while his own call to that number rings gets a lower sid than
 * his, as far as there is one: his would find the number busy with calling him.
 */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"
#include "media/negotiate.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define WHY "Tie-Break"

enum {
	TIE_MS = 5000, /* proposals that cross are at most so far apart */
	LOWER_TRIES = 64,
};

void xmpp_tie_sid(struct leg_xmpp *xmpp, const struct leg_xmpp_callees *callees)
{
	const char *lowest = NULL;

	for (size_t i = 0; i < callees->naccounts; i++) {
		const char *sid = xmpp_proposed_sid(
			xmpp->gateway, callees->accounts[i], callees->local);

		if (sid && (!lowest || strcmp(sid, lowest) < 0))
			lowest = sid;
	}
	rand_uuid(xmpp->sid);
	for (int i = 0;
	     i < LOWER_TRIES && lowest && strcmp(xmpp->sid, lowest) > 0; i++)
		rand_uuid(xmpp->sid);
}

static bool theirs_counts(const struct leg_xmpp *xmpp, const char *sid)
{
	return strcmp(sid, xmpp->sid) < 0 ||
	       clock_ms() - xmpp->proposed_ms > TIE_MS;
}

/* Our proposal is over, for all; its sessions too. */
static void retract(struct leg_xmpp *xmpp, const struct xmpp_target *taker)
{
	struct xmpp_target *target, *next;

	xmpp_forks_end(xmpp, NULL, CAUSE_ELSEWHERE);
	xmpp_forks_free(xmpp);
	LIST_FOREACH_SAFE(target, &xmpp->targets, entry, next) {
		bool tie = jid_same_bare(target->bare, taker->bare);
		struct xmpp_words words = {
			.action = JMI_RETRACT,
			.cause = CAUSE_ELSEWHERE,
			.reason = tie ? REASON_EXPIRED : REASON_NONE,
			.text = tie ? WHY : cause_text(CAUSE_ELSEWHERE),
			.tie_break = tie,
		};

		if (target == taker)
			continue;
		if (target->state == XMPP_TARGET_OPEN)
			xmpp_say(xmpp, target->bare, &words);
		xmpp_target_drop(target);
	}
}

/* The device at @peer has the call from now on, by its own @sid. */
static int take(struct leg_xmpp *xmpp, const char *peer, const char *sid)
{
	struct bridge *bridge = call_bridge(xmpp->leg.call);
	int r = xmpp_target_add(xmpp, sid, peer);

	if (!r)
		r = xmpp_set_peer(xmpp, peer);
	if (!r && bridge_is_open(bridge, xmpp->leg.side))
		r = bridge_close(bridge, xmpp->leg.side);
	if (r)
		return r;
	const struct xmpp_target *taker = LIST_FIRST(&xmpp->targets);
	retract(xmpp, taker);
	memcpy(xmpp->sid, taker->sid, sizeof(xmpp->sid));
	xmpp->state = XMPP_LEG_PROCEEDED;
	xmpp->calls_back = true;
	log_info("call=%s leg=xmpp event=called-back by=%s",
		 call_name(xmpp->leg.call), log_text(slice_of(peer)).s);
	leg_proceeds(&xmpp->leg);
	return 0;
}

void leg_xmpp_tie(struct leg *leg, const struct jmi *propose)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);

	if (!theirs_counts(xmpp, propose->sid)) {
		xmpp_say(xmpp, propose->from,
			 &(struct xmpp_words){ .action = JMI_REJECT,
					       .sid = propose->sid,
					       .reason = REASON_EXPIRED,
					       .text = WHY,
					       .tie_break = true });
		return;
	}
	if (take(xmpp, propose->from, propose->sid)) {
		call_hangup(leg->call, CAUSE_FAILED);
		return;
	}
	xmpp->initiated = true;
	xmpp_send_receipt(xmpp, propose);
	xmpp_say(xmpp, xmpp->peer,
		 &(struct xmpp_words){ .action = JMI_PROCEED });
	xmpp_arm(xmpp, XMPP_SILENT_MS);
}

static void refuse(struct leg_xmpp *xmpp, const struct stanza *iq)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	int r = jingle_tie(&reply, iq);

	if (!r)
		r = xmpp_stream_send(xmpp->gateway->stream, reply);
	if (r)
		log_debug("call=%s leg=xmpp reply=not-sent r=%d",
			  call_name(xmpp->leg.call), r);
}

/* Only sessions cross sessions. */
void leg_xmpp_tie_session(struct leg *leg, const struct stanza *iq)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	const char *peer = stanza_attr(iq, "from");
	bool initiate;
	const char *sid = jingle_iq_sid(iq, &initiate);

	if (xmpp_forks_call(xmpp, peer) && !theirs_counts(xmpp, sid)) {
		refuse(xmpp, iq);
		return;
	}
	if (take(xmpp, peer, sid))
		call_hangup(leg->call, CAUSE_FAILED);
	else
		xmpp->initiated = false;
	leg_xmpp_iq(leg, iq);
}

int xmpp_tie_answer(struct leg_xmpp *xmpp)
{
	AUTO(media_desc_freep) struct media_desc *answer = NULL;
	struct leg *leg = &xmpp->leg;
	int r = negotiate_answer(&answer, leg->remote, leg->local);

	xmpp->calls_back = false;
	if (!r)
		r = leg->ops->answer(leg, answer);
	if (!r)
		leg_answers(leg);
	return r;
}
