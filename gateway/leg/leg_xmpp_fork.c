/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Devices that take no proposals (Gajim 1.9, StanzaJS) are called by a session
 * at once, each by its own (XEP-0353, 4; XEP-0166, 6.2), beside the proposal
 * for the others. All have one offer; the first that accepts has the call.
 */
#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"
#include "gateway/service/devices.h"
#include "xmpp/iq.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

struct xmpp_fork {
	LIST_ENTRY(xmpp_fork) entry;
	struct leg_xmpp *xmpp;
	struct xmpp_target *target; /* borrowed while .jingle is there */
	struct jingle *jingle;      /* NULL: it is the leg's */
	bool ended;
	unsigned niqs; /* out */
	char peer[];   /* full JID */
};

static void free_fork(struct xmpp_fork *fork)
{
	iq_cancel(fork->xmpp->gateway->iqs, fork);
	LIST_REMOVE(fork, entry);
	jingle_free(fork->jingle);
	free(fork);
}

void xmpp_forks_free(struct leg_xmpp *xmpp)
{
	while (!LIST_EMPTY(&xmpp->forks))
		free_fork(LIST_FIRST(&xmpp->forks));
}

static bool is_alive(const struct xmpp_fork *fork)
{
	return fork->jingle && !fork->ended;
}

bool xmpp_forks_alive(const struct leg_xmpp *xmpp,
		      const struct xmpp_target *target)
{
	const struct xmpp_fork *fork;

	LIST_FOREACH(fork, &xmpp->forks, entry) {
		if (fork->target == target && is_alive(fork))
			return true;
	}
	return false;
}

void xmpp_forks_end(struct leg_xmpp *xmpp, const struct xmpp_target *target,
		    enum cause cause)
{
	struct xmpp_fork *fork;

	LIST_FOREACH(fork, &xmpp->forks, entry) {
		if (!is_alive(fork) || (target && fork->target != target))
			continue;
		fork->ended = true;
		jingle_terminate(fork->jingle, cause_reason(cause),
				 cause_text(cause));
	}
}

bool xmpp_forks_call(const struct leg_xmpp *xmpp, const char *jid)
{
	const struct xmpp_fork *fork;

	LIST_FOREACH(fork, &xmpp->forks, entry) {
		if (is_alive(fork) && jid_same(fork->peer, jid))
			return true;
	}
	return false;
}

int xmpp_forks_candidate(struct leg_xmpp *xmpp,
			 const struct media_content *content,
			 const struct media_cand *cand)
{
	struct xmpp_fork *fork;
	int r = 0;

	LIST_FOREACH(fork, &xmpp->forks, entry) {
		if (!r && is_alive(fork))
			r = jingle_candidate(fork->jingle, content, cand);
	}
	return r < 0 ? r : 0;
}

/* ---- what its session tells, until it is the leg's ---- */

static void on_reply(enum iq_answer answer, const struct stanza *reply,
		     void *arg)
{
	struct xmpp_fork *fork = arg;

	fork->niqs--;
	if (answer == IQ_ERROR && fork->jingle)
		jingle_reply(fork->jingle, reply);
}

/* As of the leg's own session. */
static int send_request(struct xmpp_fork *fork, struct stanza *iq)
{
	const struct gateway *gateway = fork->xmpp->gateway;

	if (fork->niqs >= XMPP_IQS_MAX)
		return xmpp_stream_send(gateway->stream, iq);
	int r = iq_send(gateway->iqs, iq, on_reply, fork);
	if (!r)
		fork->niqs++;
	return r;
}

static void on_send(struct stanza *stanza, void *arg)
{
	struct xmpp_fork *fork = arg;
	const struct gateway *gateway = fork->xmpp->gateway;
	const char *type = stanza_attr(stanza, "type");
	int r;

	if (!fork->jingle) {
		xmpp_session_handlers.send(stanza, fork->xmpp);
		return;
	}
	if (xmpp_send_later(fork->xmpp, stanza))
		return;
	r = type && !strcmp(type, "set")
		    ? send_request(fork, stanza)
		    : xmpp_stream_send(gateway->stream, stanza);
	if (r)
		log_warn("call=%s leg=xmpp iq=not-sent r=%d",
			 call_name(fork->xmpp->leg.call), r);
}

static void on_offer(const struct media_desc *offer, void *arg)
{
	const struct xmpp_fork *fork = arg;

	xmpp_session_handlers.offer(offer, fork->xmpp);
}

/* This device has the call: all others stop ringing. */
static int choose(struct xmpp_fork *fork)
{
	struct leg_xmpp *xmpp = fork->xmpp;

	fork->ended = true; /* for the others' sake */
	xmpp_take(xmpp, fork->target, true);
	int r = xmpp_set_peer(xmpp, fork->peer);
	if (r)
		return r;
	xmpp->jingle = fork->jingle;
	fork->jingle = NULL;
	xmpp->initiated = false;
	xmpp->heard = true;
	xmpp->state = XMPP_LEG_SESSION;
	return 0;
}

static void on_answer(const struct media_desc *answer, void *arg)
{
	struct xmpp_fork *fork = arg;

	if (fork->jingle && choose(fork)) {
		call_hangup(fork->xmpp->leg.call, CAUSE_FAILED);
		return;
	}
	xmpp_session_handlers.answer(answer, fork->xmpp);
}

static void on_candidate(const char *mid, const struct media_cand *cand,
			 void *arg)
{
	const struct xmpp_fork *fork = arg;

	if (!fork->jingle)
		xmpp_session_handlers.candidate(mid, cand, fork->xmpp);
}

static void on_restart(const struct media_content *content, void *arg)
{
	const struct xmpp_fork *fork = arg;

	if (!fork->jingle)
		xmpp_session_handlers.restart(content, fork->xmpp);
}

static void on_info(enum jingle_info info, void *arg)
{
	const struct xmpp_fork *fork = arg;

	if (!fork->jingle)
		xmpp_session_handlers.info(info, fork->xmpp);
	else if (info == JINGLE_INFO_RINGING)
		xmpp_rings(fork->xmpp);
}

static void on_digit(char digit, unsigned duration_ms, void *arg)
{
	const struct xmpp_fork *fork = arg;

	if (!fork->jingle)
		xmpp_session_handlers.digit(digit, duration_ms, fork->xmpp);
}

static void on_direction(unsigned dir, void *arg)
{
	const struct xmpp_fork *fork = arg;

	if (!fork->jingle)
		xmpp_session_handlers.direction(dir, fork->xmpp);
}

/* Who declines does so for the account; a device that cannot leaves it to the
 * others. */
static void on_ended(enum reason reason, const char *text, void *arg)
{
	struct xmpp_fork *fork = arg;
	enum cause cause = cause_of_reason(reason, false);

	if (!fork->jingle) {
		xmpp_session_handlers.ended(reason, text, fork->xmpp);
		return;
	}
	fork->ended = true;
	log_info("call=%s leg=xmpp device=%s ended cause=%s",
		 call_name(fork->xmpp->leg.call),
		 log_text(slice_of(fork->peer)).s, cause_name(cause));
	if (fork->xmpp->state != XMPP_LEG_PROPOSED)
		return;
	if (cause == CAUSE_DECLINE ||
	    (fork->target->bounced &&
	     !xmpp_forks_alive(fork->xmpp, fork->target)))
		xmpp_end_target(fork->xmpp, fork->target, cause, text);
}

static const struct jingle_handlers fork_handlers = {
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

/* ---- calling ---- */

static int call_device(struct xmpp_target *target, const char *jid)
{
	struct leg_xmpp *xmpp = target->xmpp;
	const struct jingle_config config = { .sid = xmpp->sid,
					      .local = xmpp->local,
					      .remote = jid,
					      .initiator = true };
	size_t n = strlen(jid) + 1;
	struct xmpp_fork *fork = calloc(1, sizeof(*fork) + n);

	if (!fork)
		return -ENOMEM;
	memcpy(fork->peer, jid, n);
	fork->xmpp = xmpp;
	fork->target = target;
	LIST_INSERT_HEAD(&xmpp->forks, fork, entry);
	int r = xmpp_session_prepare(xmpp);
	if (!r)
		r = jingle_new(&fork->jingle, &config, &fork_handlers, fork);
	if (!r)
		r = jingle_offer(fork->jingle, xmpp->leg.local);
	if (r)
		free_fork(fork);
	return r;
}

static void on_device(const char *jid, void *arg)
{
	struct xmpp_target *target = arg;
	int r = call_device(target, jid);

	log_info("call=%s leg=xmpp device=%s session=at-once r=%d",
		 call_name(target->xmpp->leg.call), log_text(slice_of(jid)).s,
		 r);
}

void xmpp_forks_begin(struct leg_xmpp *xmpp)
{
	struct xmpp_target *target;

	LIST_FOREACH(target, &xmpp->targets, entry)
		devices_each_direct(xmpp->gateway, target->bare, on_device,
				    target);
}

bool xmpp_forks_iq(struct leg_xmpp *xmpp, const struct stanza *iq)
{
	bool initiate;
	const char *sid = jingle_iq_sid(iq, &initiate);
	struct xmpp_fork *fork;

	LIST_FOREACH(fork, &xmpp->forks, entry) {
		if (fork->jingle && sid &&
		    !strcmp(jingle_sid(fork->jingle), sid) &&
		    jid_same(fork->peer, stanza_attr(iq, "from"))) {
			jingle_receive(fork->jingle, iq);
			return true;
		}
	}
	return false;
}
