/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over XMPP, as its call sees it.
 *
 *   caller:  propose ->            callee:  -> propose
 *            <- ringing                     ringing <-
 *            <- proceed (callee answered)   proceed <-
 *            session-initiate ->            -> session-initiate
 *            <- session-accept              session-accept <-
 */
#include "gateway/leg/leg_xmpp.h"

#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"
#include "xmpp/iq.h"
#include "xmpp/jid.h"

/* XEP-0166, 6.8: a session that has ended meanwhile is unknown there. */
static void ask(struct leg_xmpp *xmpp)
{
	xmpp_recall_stream_up(xmpp);
	if (xmpp->jingle && jingle_is_up(xmpp->jingle) &&
	    jingle_ping(xmpp->jingle))
		log_debug("call=%s leg=xmpp ping=not-sent",
			  call_name(xmpp->leg.call));
	xmpp_session_repeat(xmpp);
}

void leg_xmpp_stream_up(struct gateway *gateway)
{
	xmpp_each(gateway, ask);
}

void xmpp_arm(struct leg_xmpp *xmpp, unsigned ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(xmpp->timer, &tv);
}

int xmpp_set_peer(struct leg_xmpp *xmpp, const char *full_jid)
{
	char *copy = text_dup(slice_of(full_jid));

	if (!copy)
		return -ENOMEM;
	free(xmpp->peer);
	xmpp->peer = copy;
	return 0;
}

/* The device that has the call has not said a word of its session. */
static bool is_awaited(const struct leg_xmpp *xmpp)
{
	if (xmpp->state == XMPP_LEG_PROCEEDED)
		return xmpp->calls_back;
	return xmpp->state == XMPP_LEG_SESSION && !xmpp->caller && !xmpp->heard;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct leg_xmpp *xmpp = arg;
	bool proposed = xmpp->state == XMPP_LEG_PROPOSED;

	(void)fd;
	(void)what;
	if (xmpp->finished && xmpp->state == XMPP_LEG_SESSION)
		xmpp_finish(xmpp);
	else if (proposed && xmpp->caller)
		xmpp_say_ringing(xmpp);
	else if (proposed)
		xmpp_rings(xmpp);
	else if (is_awaited(xmpp))
		xmpp_give_up(xmpp, CAUSE_UNREACHABLE, NULL);
}

/* ---- what the call wants ---- */

/* Our offer waits until the callee's device is known. */
static int xmpp_offer(struct leg *leg, const struct media_desc *offer)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	int r = leg_set_local(leg, offer);

	if (r)
		return r;
	/* The server takes nothing now: never ring into the void. */
	if (xmpp_say_all(xmpp, NULL,
			 &(struct xmpp_words){ .action = JMI_PROPOSE })) {
		call_hangup(leg->call, CAUSE_CONGESTION);
		return 0;
	}
	xmpp->state = XMPP_LEG_PROPOSED;
	xmpp->initiated = true;
	xmpp->proposed_ms = clock_ms();
	xmpp_arm(xmpp, XMPP_RINGS_ANYWAY_MS);
	xmpp_forks_begin(xmpp);
	return 0;
}

static int xmpp_ring(struct leg *leg)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);

	if (xmpp->state == XMPP_LEG_PROPOSED) {
		if (!xmpp->ringing)
			xmpp_say_ringing(xmpp);
		return 0;
	}
	if (xmpp->state != XMPP_LEG_SESSION || xmpp->ringing)
		return 0;
	xmpp->ringing = true;
	int r = jingle_info(xmpp->jingle, JINGLE_INFO_RINGING);
	return r < 0 ? r : 0;
}

static int xmpp_proceed(struct leg *leg)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);

	xmpp->state = XMPP_LEG_PROCEEDED;
	xmpp_say(xmpp, xmpp->peer,
		 &(struct xmpp_words){ .action = JMI_PROCEED });
	return 0;
}

/* Clients take no direction in an answer but that of their offer; a hold is
 * told beside it. */
static void keep_direction(const struct leg *leg, struct media_desc *answer)
{
	struct media_content *audio = media_desc_first(answer, MEDIA_AUDIO);
	const struct media_content *said = leg_remote_audio(leg);

	if (audio && said)
		audio->dir = media_dir_reverse(said->dir);
}

static int xmpp_answer(struct leg *leg, const struct media_desc *answer)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct leg_xmpp *xmpp = xmpp_of(leg);
	int r = media_desc_copy(&desc, answer);

	if (r)
		return r;
	keep_direction(leg, desc);
	r = xmpp_describe(xmpp, desc);
	if (!r)
		r = jingle_answer(xmpp->jingle, leg->local);
	if (!r)
		r = xmpp_session_restart_due(xmpp);
	return r < 0 ? r : 0;
}

static int xmpp_candidate(struct leg *leg, const struct media_cand *cand)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	const struct media_content *audio = leg_local_audio(leg);

	if (!audio)
		return 0;
	int r = xmpp->jingle ? jingle_candidate(xmpp->jingle, audio, cand)
			     : xmpp_forks_candidate(xmpp, audio, cand);
	return r < 0 ? r : 0;
}

static int xmpp_hold(struct leg *leg, bool on)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);

	if (!xmpp->jingle)
		return 0;
	int r = jingle_info(xmpp->jingle,
			    on ? JINGLE_INFO_HOLD : JINGLE_INFO_UNHOLD);
	return r < 0 ? r : 0;
}

/* No client understands XEP-0181: without telephone-event there is no way. */
static int xmpp_digit(struct leg *leg, char digit, unsigned duration_ms)
{
	(void)leg;
	(void)digit;
	(void)duration_ms;
	return 0;
}

static int xmpp_restart(struct leg *leg)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);

	return xmpp->jingle ? xmpp_session_restart(xmpp) : 0;
}

/*
 * Before session-initiate only messages (a session-terminate there throws in
 * Conversations), after it always a reason. Monal takes no reject or retract
 * after a proceed, the others take no finish.
 */
void xmpp_hangup_now(struct leg_xmpp *xmpp, enum cause cause, const char *text)
{
	const struct xmpp_words refusal = {
		.action = xmpp->caller || xmpp->calls_back ? JMI_REJECT
							   : JMI_RETRACT,
		.cause = cause,
		.text = text,
	};
	const struct xmpp_words finish = { .action = JMI_FINISH,
					   .cause = cause,
					   .text = text };

	xmpp_targets_missed(xmpp, cause);
	xmpp_move_refuse(xmpp, cause, text);
	xmpp_recall_refuse(xmpp, cause);
	xmpp_forks_end(xmpp, NULL, cause);
	switch (xmpp->state) {
	case XMPP_LEG_PROPOSED:
		xmpp_say_all(xmpp, NULL, &refusal);
		break;
	case XMPP_LEG_PROCEEDED:
		xmpp_say_all(xmpp, NULL, &refusal);
		xmpp_say_all(xmpp, NULL, &finish);
		break;
	case XMPP_LEG_SESSION:
		jingle_terminate(xmpp->jingle, cause_reason(cause), text);
		if (xmpp->initiated)
			xmpp_say_all(xmpp, NULL, &finish);
		break;
	case XMPP_LEG_IDLE:
	case XMPP_LEG_RECALLING: /* has said it all */
	case XMPP_LEG_ENDED:
		break;
	}
	xmpp->state = XMPP_LEG_ENDED;
}

static void xmpp_hangup(struct leg *leg, enum cause cause, const char *text)
{
	xmpp_hangup_now(xmpp_of(leg), cause, text);
}

static struct leg *xmpp_free(struct leg *leg)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	struct xmpp_target *target;

	while ((target = LIST_FIRST(&xmpp->targets)))
		xmpp_target_drop(target);
	xmpp_move_drop(xmpp);
	xmpp_recall_drop(xmpp);
	iq_cancel(xmpp->gateway->iqs, xmpp);
	xmpp->jingle = jingle_free(xmpp->jingle);
	xmpp_forks_free(xmpp);
	if (xmpp->timer)
		event_free(xmpp->timer);
	free(xmpp->local);
	free(xmpp->local_bare);
	free(xmpp->peer);
	free(xmpp->nick);
	leg_fini(leg);
	free(xmpp);
	return NULL;
}

/* Of several accounts that are called, the one that took the call. */
static const char *xmpp_account(const struct leg *leg)
{
	const struct leg_xmpp *xmpp = (const struct leg_xmpp *)leg;
	const struct xmpp_target *target;

	if (!xmpp->peer)
		return NULL;
	LIST_FOREACH(target, &xmpp->targets, entry) {
		if (jid_same_bare(target->bare, xmpp->peer))
			return target->bare;
	}
	return NULL;
}

static const char *xmpp_id(const struct leg *leg)
{
	const struct leg_xmpp *xmpp = (const struct leg_xmpp *)leg;

	return *xmpp->sid ? xmpp->sid : NULL;
}

static const struct leg_ops xmpp_ops = {
	.name = "xmpp",
	.id = xmpp_id,
	.account = xmpp_account,
	.offer = xmpp_offer,
	.ring = xmpp_ring,
	.proceed = xmpp_proceed,
	.answer = xmpp_answer,
	.candidate = xmpp_candidate,
	.hold = xmpp_hold,
	.digit = xmpp_digit,
	.recall = xmpp_recall,
	.restart = xmpp_restart,
	.hangup = xmpp_hangup,
	.store = xmpp_store,
	.free = xmpp_free,
};

struct leg_xmpp *xmpp_leg_new(struct gateway *gateway, const char *local)
{
	struct leg_xmpp *xmpp = calloc(1, sizeof(*xmpp));
	char bare[JID_CAP];

	if (!xmpp)
		return NULL;
	xmpp->leg.ops = &xmpp_ops;
	xmpp->gateway = gateway;
	LIST_INIT(&xmpp->targets);
	LIST_INIT(&xmpp->forks);
	xmpp->local = text_dup(slice_of(local));
	xmpp->local_bare = text_dup(
		slice_of(jid_bare(bare, sizeof(bare), local) ? local : bare));
	xmpp->timer = evtimer_new(gateway->base, on_timer, xmpp);
	if (xmpp->local && xmpp->local_bare && xmpp->timer)
		return xmpp;
	xmpp_free(&xmpp->leg);
	return NULL;
}

static int hand_over(struct leg **out, struct leg_xmpp *xmpp, int r)
{
	if (r)
		xmpp_free(&xmpp->leg);
	else
		*out = &xmpp->leg;
	return r;
}

int leg_xmpp_new_callee(struct leg **out, struct gateway *gateway,
			const struct leg_xmpp_callees *callees)
{
	struct leg_xmpp *xmpp = xmpp_leg_new(gateway, callees->local);
	int r = 0;

	if (!xmpp)
		return -ENOMEM;
	xmpp_tie_sid(xmpp, callees);
	if (callees->nick) {
		xmpp->nick = text_dup(slice_of(callees->nick));
		r = xmpp->nick ? 0 : -ENOMEM;
	}
	/* the first is to be the first of the list */
	for (size_t i = callees->naccounts; !r && i-- > 0;)
		r = xmpp_target_add(xmpp, xmpp->sid, callees->accounts[i]);
	return hand_over(out, xmpp, r);
}

int leg_xmpp_new_caller(struct leg **out, struct gateway *gateway,
			const struct leg_xmpp_caller *caller)
{
	struct leg_xmpp *xmpp = xmpp_leg_new(gateway, caller->local);

	if (!xmpp)
		return -ENOMEM;
	xmpp->caller = true;
	int r = text_set(xmpp->sid, sizeof(xmpp->sid), caller->sid) ? -EINVAL
								    : 0;
	if (!r)
		r = xmpp_set_peer(xmpp, caller->peer);
	if (!r)
		r = xmpp_target_add(xmpp, xmpp->sid, caller->peer);
	return hand_over(out, xmpp, r);
}
