/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The part of a leg over XMPP that is a Jingle session (XEP-0166), and its side
 * of the bridge.
 */
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"
#include "gateway/unsent.h"
#include "media/negotiate.h"
#include "xmpp/iq.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

static struct bridge *bridge_of(const struct leg_xmpp *xmpp)
{
	return call_bridge(xmpp->leg.call);
}

int xmpp_describe(struct leg_xmpp *xmpp, struct media_desc *desc)
{
	struct media_content *audio = media_desc_first(desc, MEDIA_AUDIO);
	int r = audio ? bridge_local(bridge_of(xmpp), xmpp->leg.side, audio)
		      : -EPROTO;

	return r ? r : leg_set_local(&xmpp->leg, desc);
}

/* The session ends, and the call with it. */
static void give_up_as(struct leg_xmpp *xmpp, enum reason reason,
		       enum cause cause, const char *text)
{
	jingle_terminate(xmpp->jingle, reason, text);
	xmpp->state = XMPP_LEG_ENDED;
	leg_ends(&xmpp->leg, cause, text);
}

/* @cause is told to both sides. */
static void give_up(struct leg_xmpp *xmpp, enum cause cause)
{
	give_up_as(xmpp, cause_reason(cause), cause, cause_text(cause));
}

/* XEP-0166, 7.4: why a session with @audio, NULL for none, is none of ours. */
static enum reason unsupported(const struct media_content *audio)
{
	if (!audio)
		return REASON_UNSUPPORTED_APPLICATIONS;
	return audio->ufrag[0] || audio->nfingerprints
		       ? REASON_NONE
		       : REASON_UNSUPPORTED_TRANSPORTS;
}

static bool take_remote(struct leg_xmpp *xmpp, const struct media_desc *desc)
{
	struct leg *leg = &xmpp->leg;
	int r = leg_set_remote(leg, desc);
	const struct media_content *audio = r ? NULL : leg_remote_audio(leg);
	enum reason reason = r ? REASON_NONE : unsupported(audio);

	if (reason) {
		give_up_as(xmpp, reason, CAUSE_INCOMPATIBLE, NULL);
		return false;
	}
	if (!r && !bridge_is_open(bridge_of(xmpp), leg->side))
		r = bridge_open(bridge_of(xmpp), leg->side, MEDIA_ICE, false,
				NULL);
	if (!r)
		r = bridge_remote(bridge_of(xmpp), leg->side, audio);
	/* Without fingerprint or credentials there would be no encryption. */
	if (r)
		give_up(xmpp, r == -EINVAL ? CAUSE_SECURITY : CAUSE_FAILED);
	return !r;
}

/* ---- what the session tells ---- */

static void on_reply(enum iq_answer answer, const struct stanza *reply,
		     void *arg)
{
	struct leg_xmpp *xmpp = arg;

	xmpp->niqs--;
	if (answer == IQ_RESULT)
		xmpp->heard = true;
	else if (answer == IQ_ERROR && xmpp->jingle)
		jingle_reply(xmpp->jingle, reply);
}

/* The end of a session is said even if the stream comes back later. */
static bool must_arrive(const struct stanza *stanza)
{
	const char *action = stanza_attr(stanza_first(stanza), "action");

	return action && !strcmp(action, "session-terminate");
}

bool xmpp_send_later(struct leg_xmpp *xmpp, const struct stanza *stanza)
{
	bool later = !xmpp_stream_is_up(xmpp->gateway->stream) &&
		     must_arrive(stanza);

	if (later)
		unsent_send(xmpp->gateway, stanza);
	return later;
}

static int send_request(struct leg_xmpp *xmpp, struct stanza *iq)
{
	if (xmpp->niqs >= XMPP_IQS_MAX) /* it has its id, nobody waits */
		return xmpp_stream_send(xmpp->gateway->stream, iq);
	int r = iq_send(xmpp->gateway->iqs, iq, on_reply, xmpp);
	if (!r)
		xmpp->niqs++;
	return r;
}

static void on_send(struct stanza *stanza, void *arg)
{
	struct leg_xmpp *xmpp = arg;
	const char *type = stanza_attr(stanza, "type");
	bool request = type && !strcmp(type, "set");

	if (xmpp_send_later(xmpp, stanza))
		return;
	int r = request ? send_request(xmpp, stanza)
			: xmpp_stream_send(xmpp->gateway->stream, stanza);

	if (r)
		log_warn("call=%s leg=xmpp iq=not-sent r=%d",
			 call_name(xmpp->leg.call), r);
}

static void on_offer(const struct media_desc *offer, void *arg)
{
	struct leg_xmpp *xmpp = arg;

	xmpp->state = XMPP_LEG_SESSION;
	xmpp->leg.offerer = false;
	if (!take_remote(xmpp, offer))
		return;
	if (!xmpp->calls_back) {
		leg_offers(&xmpp->leg);
		return;
	}
	int r = xmpp_tie_answer(xmpp);
	if (r)
		give_up(xmpp, r > 0 ? CAUSE_INCOMPATIBLE : CAUSE_FAILED);
}

/* Monal writes payload types in random order, and sends by that of our offer.
 */
static void sort_answer(struct leg_xmpp *xmpp)
{
	struct media_content *answered = leg_remote_audio(&xmpp->leg);
	const struct media_content *offered = leg_local_audio(&xmpp->leg);

	if (answered && offered)
		negotiate_sort(answered, offered);
}

static void on_answer(const struct media_desc *answer, void *arg)
{
	struct leg_xmpp *xmpp = arg;

	if (!take_remote(xmpp, answer))
		return;
	sort_answer(xmpp);
	if (xmpp->recall)
		xmpp_recall_answered(xmpp);
	else
		leg_answers(&xmpp->leg);
	if (xmpp_session_restart_due(xmpp))
		give_up(xmpp, CAUSE_MEDIA_LOST);
}

static void on_candidate(const char *mid, const struct media_cand *cand,
			 void *arg)
{
	const struct leg_xmpp *xmpp = arg;

	(void)mid; /* contents are bundled: one transport */
	if (!bridge_is_open(bridge_of(xmpp), xmpp->leg.side))
		return;
	int r = bridge_candidate(bridge_of(xmpp), xmpp->leg.side, cand);
	if (r)
		log_debug("call=%s leg=xmpp candidate=refused r=%d",
			  call_name(xmpp->leg.call), r);
}

/* What the peer said before stays; credentials and candidates are new. */
static int renew_remote(struct leg_xmpp *xmpp, const struct media_content *news)
{
	struct media_content *audio = leg_remote_audio(&xmpp->leg);

	if (!audio)
		return -EPROTO;
	int r = text_set(audio->ufrag, sizeof(audio->ufrag), news->ufrag);
	if (!r)
		r = text_set(audio->pwd, sizeof(audio->pwd), news->pwd);
	if (!r)
		r = media_content_copy_cands(audio, news);
	if (r)
		return r;
	return bridge_remote(bridge_of(xmpp), xmpp->leg.side, audio);
}

/* Tell the peer the credentials and candidates of now: a restart, or the answer
 * to one. */
static int say_local(struct leg_xmpp *xmpp, bool restart)
{
	struct media_content *audio = leg_local_audio(&xmpp->leg);
	int r = audio ? bridge_local(bridge_of(xmpp), xmpp->leg.side, audio)
		      : -EPROTO;

	if (r)
		return r;
	return restart ? jingle_restart(xmpp->jingle, audio)
		       : jingle_answer_restart(xmpp->jingle, audio);
}

/* The answer to our restart, or the peer's own: Conversations sends new
 * credentials without candidates and waits for ours (RFC 8445, 9). */
static void on_restart(const struct media_content *content, void *arg)
{
	struct leg_xmpp *xmpp = arg;
	bool ours = xmpp->restarting && content->ncands;

	/* no new path brings back its keys */
	if (xmpp_recall_outlives(xmpp, CAUSE_MEDIA_LOST))
		return;
	int r = renew_remote(xmpp, content);

	xmpp->restarting = false;
	/* before the answer that is what tells ours */
	if (!r && !ours && leg_local_audio(&xmpp->leg))
		r = say_local(xmpp, false);
	if (!r)
		r = xmpp_session_restart_due(xmpp);
	log_info("call=%s leg=xmpp ice=restart by=%s r=%d",
		 call_name(xmpp->leg.call), ours ? "us" : "peer", r);
	if (r < 0)
		give_up(xmpp, CAUSE_MEDIA_LOST);
}

static void on_info(enum jingle_info info, void *arg)
{
	struct leg_xmpp *xmpp = arg;

	if (info == JINGLE_INFO_RINGING && !xmpp->rung) {
		xmpp->rung = true;
		leg_rings(&xmpp->leg);
	} else if (info == JINGLE_INFO_HOLD || info == JINGLE_INFO_UNHOLD) {
		leg_holds(&xmpp->leg, info == JINGLE_INFO_HOLD);
	}
}

static void on_digit(char digit, unsigned duration_ms, void *arg)
{
	struct leg_xmpp *xmpp = arg;

	leg_digit(&xmpp->leg, digit, duration_ms);
}

static void on_direction(unsigned dir, void *arg)
{
	struct leg_xmpp *xmpp = arg;
	struct media_content *audio = leg_remote_audio(&xmpp->leg);

	if (audio)
		audio->dir = (enum media_dir)dir;
	leg_holds(&xmpp->leg, dir != MEDIA_SENDRECV);
}

static void on_ended(enum reason reason, const char *text, void *arg)
{
	struct leg_xmpp *xmpp = arg;

	if (xmpp_recall_outlives(xmpp, xmpp_cause(xmpp, reason)) ||
	    xmpp_move_outlives(xmpp))
		return;
	xmpp->state = XMPP_LEG_ENDED;
	leg_ends(&xmpp->leg, xmpp_cause(xmpp, reason), text);
}

const struct jingle_handlers xmpp_session_handlers = {
	.send = on_send,
	.offer = on_offer,
	.answer = on_answer,
	.candidate = on_candidate,
	.restart = on_restart,
	.info = on_info,
	.digit = on_digit,
	.direction = on_direction,
	.ended = on_ended,
};

/* ---- what the leg wants ---- */

int xmpp_session_new(struct leg_xmpp *xmpp, bool initiator)
{
	const struct jingle_config config = { .sid = xmpp->sid,
					      .local = xmpp->local,
					      .remote = xmpp->peer,
					      .initiator = initiator };

	return jingle_new(&xmpp->jingle, &config, &xmpp_session_handlers, xmpp);
}

int xmpp_session_prepare(struct leg_xmpp *xmpp)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	int r;

	if (bridge_is_open(bridge_of(xmpp), xmpp->leg.side))
		return 0;
	r = media_desc_copy(&offer, xmpp->leg.local);
	if (r)
		return r;
	offer->bundle = true; /* Movim takes nothing else */
	r = bridge_open(bridge_of(xmpp), xmpp->leg.side, MEDIA_ICE, true, NULL);
	if (!r)
		r = xmpp_describe(xmpp, offer);
	xmpp->leg.offerer = true;
	return r;
}

int xmpp_session_offer(struct leg_xmpp *xmpp)
{
	int r = xmpp_session_prepare(xmpp);

	if (!r)
		r = xmpp_session_new(xmpp, true);
	if (r)
		return r;
	r = jingle_offer(xmpp->jingle, xmpp->leg.local);
	if (r)
		return r;
	xmpp->state = XMPP_LEG_SESSION;
	xmpp_arm(xmpp, XMPP_SILENT_MS);
	return 0;
}

/* One at a time, and none before both descriptions are there: an answer says
 * not which of two restarts it is for. */
int xmpp_session_restart(struct leg_xmpp *xmpp)
{
	if (xmpp->restarting || !leg_local_audio(&xmpp->leg) ||
	    !leg_remote_audio(&xmpp->leg)) {
		xmpp->restart_due = true;
		return 0;
	}
	xmpp->restart_due = false;
	int r = bridge_restart(bridge_of(xmpp), xmpp->leg.side);

	if (!r)
		r = say_local(xmpp, true);
	xmpp->restarting = !r;
	return r < 0 ? r : 0;
}

int xmpp_session_restart_due(struct leg_xmpp *xmpp)
{
	return xmpp->restart_due ? xmpp_session_restart(xmpp) : 0;
}

void xmpp_session_repeat(struct leg_xmpp *xmpp)
{
	if (!xmpp->restarting || xmpp->state != XMPP_LEG_SESSION)
		return;
	log_info("call=%s leg=xmpp ice=restart by=us again",
		 call_name(xmpp->leg.call));
	if (say_local(xmpp, true))
		log_warn("call=%s leg=xmpp ice=restart result=not-said",
			 call_name(xmpp->leg.call));
}

/* A proposal of the account's, by whatever wrote it, is taken up by one of its
 * devices. */
static bool is_callers(const struct leg_xmpp *xmpp, const char *jid)
{
	return strchr(xmpp->peer, '/') ? jid_same(xmpp->peer, jid)
				       : jid_same_bare(xmpp->peer, jid);
}

/* The caller's session-initiate, without a proposal or after our proceed, or
 * its end in the words of the session that it has not begun; from the device
 * that called alone. */
static bool begins_session(const struct leg_xmpp *xmpp, const struct stanza *iq)
{
	bool initiate = false;

	jingle_iq_sid(iq, &initiate);
	return (initiate || jingle_iq_terminates(iq)) && !xmpp->jingle &&
	       (xmpp->caller || xmpp->calls_back) &&
	       xmpp->state != XMPP_LEG_ENDED &&
	       is_callers(xmpp, stanza_attr(iq, "from"));
}

static int begin(struct leg_xmpp *xmpp, const char *device)
{
	int r = xmpp_set_peer(xmpp, device);

	return r ? r : xmpp_session_new(xmpp, false);
}

static void refuse(struct leg_xmpp *xmpp, const struct stanza *iq,
		   bool no_memory)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	int r = no_memory ? stanza_error_reply(&reply, iq, NULL,
					       "resource-constraint", NULL)
			  : jingle_unknown(&reply, iq);

	if (!r)
		r = xmpp_stream_send(xmpp->gateway->stream, reply);
	if (r)
		log_debug("call=%s leg=xmpp reply=not-sent r=%d",
			  call_name(xmpp->leg.call), r);
}

/* Than the one in force: a device that the call has left, or comes to. */
static bool is_of_another(const struct leg_xmpp *xmpp, const struct stanza *iq)
{
	bool initiate;
	const char *sid = jingle_iq_sid(iq, &initiate);

	return sid && strcmp(sid, xmpp->sid) != 0;
}

/* The iq is answered by the session, if there is one. */
void leg_xmpp_iq(struct leg *leg, const struct stanza *iq)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	const char *from = stanza_attr(iq, "from");

	if (xmpp_move_iq(xmpp, iq) || xmpp_forks_iq(xmpp, iq))
		return;
	if (is_of_another(xmpp, iq)) {
		refuse(xmpp, iq, false);
		return;
	}
	int r = begins_session(xmpp, iq) ? begin(xmpp, from) : 0;
	if (jid_same(xmpp->peer, from))
		xmpp->heard = true;
	if (xmpp->jingle)
		jingle_receive(xmpp->jingle, iq);
	else
		refuse(xmpp, iq, r != 0);
	if (r)
		call_hangup(leg->call, CAUSE_FAILED);
}

void leg_xmpp_begin_session(struct leg *leg, const struct stanza *iq)
{
	leg_xmpp_iq(leg, iq);
}
