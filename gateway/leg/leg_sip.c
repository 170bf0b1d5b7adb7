/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over a SIP dialog: RFC 3261 and 3264 on one side, the operations of
 * gateway/leg/leg.h on the other.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_sip_state.h"
#include "gateway/route/trunks.h"
#include "media/negotiate.h"
#include "sip/uri.h"

enum { OFFER_AGAIN_MS = 500 };

int leg_sip_describe(struct leg *leg, struct media_desc *desc)
{
	for (size_t i = 0; i < desc->ncontents; i++) {
		struct media_content *content = desc->contents[i];
		if (content->rejected)
			continue;
		int r = bridge_local(call_bridge(leg->call), leg->side,
				     content);
		if (r)
			return r;
	}
	return leg_set_local(leg, desc);
}

/* Our side, which we describe first. */
static int open_offering(struct leg_sip *sip, const struct addr *peer,
			 struct media_desc *offer)
{
	struct leg *leg = &sip->leg;
	int r = bridge_open(call_bridge(leg->call), leg->side,
			    leg_sip_transport(sip), true, peer);

	leg_sip_wish(sip, offer);
	return r ? r : leg_sip_describe(leg, offer);
}

static int sip_offer(struct leg *leg, const struct media_desc *wanted)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	struct leg_sip *sip = sip_of(leg);
	struct addr peer = sip_trunk_address(sip->trunk);
	int r = media_desc_copy(&offer, wanted);

	if (!r)
		r = open_offering(sip, addr_is_set(&peer) ? &peer : NULL,
				  offer);
	if (r)
		return r;

	const struct sip_dialog_start start = { .trunk = sip->trunk,
						.parties = *sip->parties,
						.offer = offer,
						.policy = sip->policy };
	leg->offerer = true;
	r = sip_dialog_start(&sip->dialog, sip->gateway->agent, &start,
			     &leg_sip_handlers, leg);
	if (r == SIP_E_UNREACHABLE) {
		leg_ends(leg, CAUSE_CONGESTION, "The trunk is not reachable.");
		return 0;
	}
	return r < 0 ? r : 0;
}

static int sip_ring(struct leg *leg)
{
	struct leg_sip *sip = sip_of(leg);
	int r = 0;

	sip->rings = true;
	if (sip->dialog)
		r = sip_dialog_ring(sip->dialog, 180, NULL);
	return r < 0 ? r : 0;
}

/* The caller has cancelled and did not call again (leg_sip_retry.c): nobody is
 * there to be answered. */
static bool has_left(struct leg_sip *sip)
{
	if (sip->dialog)
		return false;
	leg_ends(&sip->leg, CAUSE_CANCEL, NULL);
	return true;
}

/* The INVITE had no offer: ours goes into the 200, its answer into the ACK. */
static int sip_proceed(struct leg *leg)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	struct leg_sip *sip = sip_of(leg);
	int r;

	if (has_left(sip))
		return 0;
	struct addr peer = sip_dialog_peer(sip->dialog);
	r = negotiate_offer(&offer, leg_agreed(leg));
	if (!r)
		r = open_offering(sip, &peer, offer);
	if (r)
		return r < 0 ? r : -EPROTO;
	leg->offerer = true;
	sip->confirmed = true;
	r = sip_dialog_answer(sip->dialog, offer);
	return r < 0 ? r : 0;
}

/*
 * Offer what is in leg.local. While another offer is open, or the dialog is not
 * up, it waits: RFC 3261, 14.1 allows one at a time.
 */
static int offer_again(struct leg_sip *sip)
{
	const struct timeval soon = { 0, OFFER_AGAIN_MS * 1000 };
	struct media_content *audio = leg_local_audio(&sip->leg);

	if (!audio || !sip->dialog)
		return 0;
	/* RFC 3264, 8.4: who holds says sendonly. */
	audio->dir = sip->hold ? MEDIA_SENDONLY : MEDIA_SENDRECV;
	sip->leg.offerer = true;
	int r = sip_dialog_offer(sip->dialog, sip->leg.local);
	if (r != SIP_E_STATE)
		return r < 0 ? r : 0;
	return event_add(sip->again, &soon) ? -ENOMEM : 0;
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct leg_sip *sip = arg;

	(void)fd;
	(void)what;
	if (offer_again(sip))
		log_warn("call=%s leg=sip offer=not-sent",
			 call_name(sip->leg.call));
}

void leg_sip_offer_later(struct leg_sip *sip)
{
	const struct timeval soon = { 0, OFFER_AGAIN_MS * 1000 };

	if (event_add(sip->again, &soon))
		log_warn("call=%s leg=sip offer=not-sent",
			 call_name(sip->leg.call));
}

static int sip_answer(struct leg *leg, const struct media_desc *answer)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct leg_sip *sip = sip_of(leg);
	int r;

	if (has_left(sip))
		return 0;
	if (sip->confirmed && !sip->offer_open)
		return 0; /* sip_proceed() has said it all */
	r = media_desc_copy(&desc, answer);
	if (!r)
		r = leg_sip_describe(leg, desc);
	if (r)
		return r;
	sip->confirmed = true;
	sip->offer_open = false;
	r = sip_dialog_answer(sip->dialog, desc);
	return r < 0 ? r : 0;
}

static int sip_reoffer(struct leg *leg)
{
	return offer_again(sip_of(leg));
}

static int sip_hold(struct leg *leg, bool on)
{
	struct leg_sip *sip = sip_of(leg);

	sip->hold = on;
	return offer_again(sip);
}

static int sip_digit(struct leg *leg, char digit, unsigned duration_ms)
{
	struct leg_sip *sip = sip_of(leg);
	int r = sip->dialog ? sip_dialog_digit(sip->dialog, digit, duration_ms)
			    : 0;

	return r < 0 ? r : 0;
}

/* Our address is in SDP: say it anew, with new credentials where it has ICE. */
static int sip_restart(struct leg *leg)
{
	struct leg_sip *sip = sip_of(leg);
	struct media_content *audio = leg_local_audio(leg);

	if (!audio)
		return 0;
	int r = bridge_restart(call_bridge(leg->call), leg->side);
	if (!r)
		r = bridge_local(call_bridge(leg->call), leg->side, audio);
	return r ? r : offer_again(sip);
}

static void sip_hangup(struct leg *leg, enum cause cause, const char *text)
{
	enum { RETRY_AFTER_S = 10 };
	struct leg_sip *sip = sip_of(leg);
	bool busy_here = cause == CAUSE_CONGESTION || cause == CAUSE_SHUTDOWN;

	(void)text; /* free words of people do not belong into SIP headers */
	event_del(sip->again);
	leg_sip_retry_fini(sip);
	leg_sip_transfer_stop(sip);
	if (!sip->dialog)
		return;
	sip_dialog_hangup(
		sip->dialog,
		&(struct sip_hangup){ .status = cause_sip_status(cause),
				      .q850 = cause_q850(cause),
				      .text = cause_sip_phrase(cause),
				      .retry_after_s =
					      busy_here ? RETRY_AFTER_S : 0 });
}

static struct leg *sip_free(struct leg *leg)
{
	struct leg_sip *sip = sip_of(leg);

	sip->dialog = sip_dialog_free(sip->dialog);
	leg_sip_retry_fini(sip);
	leg_sip_transfer_fini(sip);
	if (sip->again)
		event_free(sip->again);
	free(sip->key);
	free(sip->handed_to);
	sip_parties_free(sip->parties);
	leg_fini(leg);
	free(sip);
	return NULL;
}

static const char *sip_id(const struct leg *leg)
{
	const struct leg_sip *sip = (const struct leg_sip *)leg;

	return sip->dialog ? sip_dialog_call_id(sip->dialog) : NULL;
}

const struct leg_ops leg_sip_ops = {
	.name = "sip",
	.id = sip_id,
	.offer = sip_offer,
	.ring = sip_ring,
	.proceed = sip_proceed,
	.answer = sip_answer,
	.reoffer = sip_reoffer,
	.hold = sip_hold,
	.digit = sip_digit,
	.transfer = leg_sip_refer,
	.restart = sip_restart,
	.hangup = sip_hangup,
	.store = leg_sip_store,
	.resumed = leg_sip_resumed,
	.free = sip_free,
};

struct leg_sip *leg_sip_alloc(struct gateway *gateway)
{
	struct leg_sip *sip = calloc(1, sizeof(*sip));

	if (!sip)
		return NULL;
	sip->leg.ops = &leg_sip_ops;
	sip->gateway = gateway;
	sip->again = evtimer_new(gateway->base, on_again, sip);
	if (sip->again)
		return sip;
	free(sip);
	return NULL;
}

int leg_sip_new_callee(struct leg **out, struct gateway *gateway,
		       const struct leg_sip_target *target)
{
	struct leg_sip *sip = leg_sip_alloc(gateway);

	if (!sip)
		return -ENOMEM;
	sip->trunk = target->trunk;
	trunks_policy(&sip->policy, target->config);
	sip->config = target->config;
	sip->hidden = target->parties->anonymous;
	sip->self = text_dup(slice_of(target->parties->from));
	if (!sip->self || sip_parties_copy(&sip->parties, target->parties)) {
		sip_free(&sip->leg);
		return -ENOMEM;
	}
	*out = &sip->leg;
	return 0;
}

int leg_sip_new_caller(struct leg **out, struct gateway *gateway,
		       struct sip_dialog *dialog)
{
	struct leg_sip *sip = leg_sip_alloc(gateway);

	if (!sip) {
		sip_dialog_free(dialog);
		return -ENOMEM;
	}
	sip->dialog = dialog;
	sip_dialog_accept(dialog, &leg_sip_handlers, &sip->leg);
	*out = &sip->leg;
	return 0;
}
