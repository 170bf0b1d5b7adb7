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
#include "gateway/leg_xmpp.h"

#include <event2/event.h>
#include <stdlib.h>

#include "db/session.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/leg_xmpp_state.h"
#include "gateway/recent.h"
#include "xmpp/iq.h"
#include "xmpp/jid.h"

RB_HEAD(leg_tree, leg_xmpp);
struct xmpp_legs {
	struct leg_tree tree;
	struct recent *ended; /* "sid account" of callers' legs */
};

static int leg_cmp(const struct leg_xmpp *a, const struct leg_xmpp *b)
{
	int by_sid = strcmp(a->sid, b->sid);

	return by_sid ? by_sid : strcmp(a->peer_bare, b->peer_bare);
}

TREE_GENERATE(leg_tree, leg_xmpp, link, leg_cmp)

int leg_xmpp_index_new(struct gateway *gateway)
{
	gateway->legs = calloc(1, sizeof(*gateway->legs));
	if (!gateway->legs)
		return -ENOMEM;
	RB_INIT(&gateway->legs->tree);
	return recent_new(&gateway->legs->ended, XMPP_ENDED_MAX, XMPP_ENDED_MS);
}

void leg_xmpp_index_free(struct gateway *gateway)
{
	if (gateway->legs)
		recent_free(gateway->legs->ended);
	free(gateway->legs);
	gateway->legs = NULL;
}

void leg_xmpp_index_expire(struct gateway *gateway, uint64_t now_ms)
{
	recent_expire(gateway->legs->ended, now_ms);
}

struct leg *leg_xmpp_find(struct gateway *gateway, const char *sid,
			  const char *peer)
{
	struct leg_xmpp key;
	char bare[JID_CAP];

	if (text_set(key.sid, sizeof(key.sid), sid) ||
	    jid_bare(bare, sizeof(bare), peer))
		return NULL;
	key.peer_bare = bare;
	struct leg_xmpp *found = RB_FIND(leg_tree, &gateway->legs->tree, &key);
	return found ? &found->leg : NULL;
}

enum { ENDED_NAME_CAP = XMPP_SID_CAP + JID_CAP };

/* 0 or -EMSGSIZE. */
static int ended_name(char out[static ENDED_NAME_CAP], const char *sid,
		      const char *peer_bare)
{
	return text_format(out, ENDED_NAME_CAP, "%s %s", sid, peer_bare);
}

bool leg_xmpp_has_ended(const struct gateway *gateway, const char *sid,
			const char *peer)
{
	char bare[JID_CAP], name[ENDED_NAME_CAP];

	return !jid_bare(bare, sizeof(bare), peer) &&
	       !ended_name(name, sid, bare) &&
	       recent_has(gateway->legs->ended, name, clock_ms());
}

/* A leg whose call was never placed may be tried again. */
static void keep_ended(const struct leg_xmpp *xmpp)
{
	char name[ENDED_NAME_CAP];

	if (xmpp->caller && xmpp->state != XMPP_LEG_IDLE &&
	    !ended_name(name, xmpp->sid, xmpp->peer_bare))
		recent_add(xmpp->gateway->legs->ended, name, clock_ms());
}

/* XEP-0166, 6.8: a session that has ended meanwhile is unknown there. */
void leg_xmpp_stream_up(struct gateway *gateway)
{
	struct leg_xmpp *xmpp;

	RB_FOREACH(xmpp, leg_tree, &gateway->legs->tree) {
		if (xmpp->jingle && jingle_is_up(xmpp->jingle) &&
		    jingle_ping(xmpp->jingle))
			log_debug("call=%s leg=xmpp ping=not-sent",
				  call_name(xmpp->leg.call));
		xmpp_session_repeat(xmpp);
	}
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

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct leg_xmpp *xmpp = arg;
	bool proposed = xmpp->state == XMPP_LEG_PROPOSED;

	(void)fd;
	(void)what;
	if (proposed && xmpp->caller) {
		xmpp_say_ringing(xmpp);
	} else if (proposed && !xmpp->rung) {
		xmpp->rung = true;
		leg_rings(&xmpp->leg);
	} else if (xmpp->state == XMPP_LEG_SESSION && !xmpp->caller &&
		   !xmpp->heard) {
		call_hangup(xmpp->leg.call, CAUSE_UNREACHABLE);
	}
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
	if (xmpp_say(xmpp, JMI_PROPOSE, CAUSE_NORMAL, NULL)) {
		call_hangup(leg->call, CAUSE_CONGESTION);
		return 0;
	}
	xmpp->state = XMPP_LEG_PROPOSED;
	xmpp->initiated = true;
	xmpp->proposed_ms = clock_ms();
	xmpp_arm(xmpp, XMPP_RINGS_ANYWAY_MS);
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
	xmpp_say(xmpp, JMI_PROCEED, CAUSE_NORMAL, NULL);
	return 0;
}

static int xmpp_answer(struct leg *leg, const struct media_desc *answer)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct leg_xmpp *xmpp = xmpp_of(leg);
	int r = media_desc_copy(&desc, answer);

	if (!r)
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

	if (!xmpp->jingle || !audio)
		return 0;
	int r = jingle_candidate(xmpp->jingle, audio, cand);
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
 * Conversations), after it always a reason.
 */
static void xmpp_hangup(struct leg *leg, enum cause cause, const char *text)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);

	switch (xmpp->state) {
	case XMPP_LEG_PROPOSED:
		xmpp_say(xmpp, xmpp->caller ? JMI_REJECT : JMI_RETRACT, cause,
			 text);
		break;
	case XMPP_LEG_PROCEEDED:
		/* Monal takes no reject or retract after a proceed, the others
		 * take no finish. */
		xmpp_say(xmpp, xmpp->caller ? JMI_REJECT : JMI_RETRACT, cause,
			 text);
		xmpp_say(xmpp, JMI_FINISH, cause, text);
		break;
	case XMPP_LEG_SESSION:
		jingle_terminate(xmpp->jingle, cause_reason(cause), text);
		if (xmpp->initiated)
			xmpp_say(xmpp, JMI_FINISH, cause, text);
		break;
	case XMPP_LEG_IDLE:
	case XMPP_LEG_ENDED:
		break;
	}
	xmpp->state = XMPP_LEG_ENDED;
}

static int xmpp_store(struct leg *leg, struct session_row *row)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	struct jingle_state state = { 0 };
	int r = xmpp->jingle ? jingle_save(xmpp->jingle, &state) : 1;

	if (r < 0)
		return r;
	row->kind = SESSION_JINGLE;
	row->state = r ? SESSION_SETUP : SESSION_UP;
	row->jingle = (struct session_jingle){
		.sid = xmpp->sid,
		.jmi_id = xmpp->initiated ? xmpp->sid : "",
		.local_jid = xmpp->local,
		.remote_jid = xmpp->peer,
		.initiator = !xmpp->caller,
		.content_name = state.mid,
		.content_creator = state.creator,
	};
	r = call_record_put(leg->call, row);
	jingle_state_fini(&state);
	return r;
}

static struct leg *xmpp_free(struct leg *leg)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	struct leg_tree *tree = &xmpp->gateway->legs->tree;

	if (xmpp->peer_bare && RB_FIND(leg_tree, tree, xmpp) == xmpp) {
		RB_REMOVE(leg_tree, tree, xmpp);
		keep_ended(xmpp);
	}
	iq_cancel(xmpp->gateway->iqs, xmpp);
	xmpp->jingle = jingle_free(xmpp->jingle);
	if (xmpp->timer)
		event_free(xmpp->timer);
	free(xmpp->local);
	free(xmpp->peer);
	free(xmpp->peer_bare);
	leg_fini(leg);
	free(xmpp);
	return NULL;
}

static const struct leg_ops xmpp_ops = {
	.name = "xmpp",
	.offer = xmpp_offer,
	.ring = xmpp_ring,
	.proceed = xmpp_proceed,
	.answer = xmpp_answer,
	.candidate = xmpp_candidate,
	.hold = xmpp_hold,
	.digit = xmpp_digit,
	.restart = xmpp_restart,
	.hangup = xmpp_hangup,
	.store = xmpp_store,
	.free = xmpp_free,
};

static int fill(struct leg_xmpp *xmpp, const struct leg_xmpp_peer *peer)
{
	char bare[JID_CAP];

	if (jid_bare(bare, sizeof(bare), peer->peer))
		return -EINVAL;
	if (!peer->sid)
		rand_uuid(xmpp->sid);
	else if (text_set(xmpp->sid, sizeof(xmpp->sid), peer->sid))
		return -EINVAL;
	xmpp->peer_bare = text_dup(slice_of(bare));
	xmpp->peer = text_dup(slice_of(peer->peer));
	xmpp->local = text_dup(slice_of(peer->local));
	xmpp->timer = evtimer_new(xmpp->gateway->base, on_timer, xmpp);
	if (!xmpp->peer_bare || !xmpp->peer || !xmpp->local || !xmpp->timer)
		return -ENOMEM;
	if (RB_INSERT(leg_tree, &xmpp->gateway->legs->tree, xmpp))
		return -EEXIST;
	return 0;
}

static int leg_xmpp_new(struct leg **out, struct gateway *gateway, bool caller,
			const struct leg_xmpp_peer *peer)
{
	struct leg_xmpp *xmpp = calloc(1, sizeof(*xmpp));

	if (!xmpp)
		return -ENOMEM;
	xmpp->leg.ops = &xmpp_ops;
	xmpp->gateway = gateway;
	xmpp->caller = caller;
	int r = fill(xmpp, peer);
	if (r) {
		xmpp_free(&xmpp->leg);
		return r;
	}
	*out = &xmpp->leg;
	return 0;
}

int leg_xmpp_new_callee(struct leg **out, struct gateway *gateway,
			const struct leg_xmpp_peer *peer)
{
	return leg_xmpp_new(out, gateway, false, peer);
}

int leg_xmpp_new_caller(struct leg **out, struct gateway *gateway,
			const struct leg_xmpp_peer *peer)
{
	return leg_xmpp_new(out, gateway, true, peer);
}
