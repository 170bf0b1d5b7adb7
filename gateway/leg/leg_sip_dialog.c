/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a dialog tells becomes the events of a leg. */
#include <event2/event.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/call/called.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_sip_state.h"
#include "gateway/route/route.h"
#include "gateway/route/trunks.h"
#include "media/negotiate.h"

/* ---- media ---- */

static enum media_transport transport_of(const struct media_content *remote)
{
	bool dtls = remote && *remote->ufrag && remote->nfingerprints;

	return dtls ? MEDIA_ICE : MEDIA_RTP;
}

int leg_sip_take_remote(struct leg *leg, const struct sip_dialog *from,
			const struct media_desc *desc)
{
	struct bridge *bridge = call_bridge(leg->call);
	AUTO(media_desc_freep) struct media_desc *keyless = NULL;
	const struct leg_sip *sip = sip_of(leg);
	struct media_content *audio = media_desc_first(desc, MEDIA_AUDIO);
	int r = 0;

	if (!audio)
		return NEGOTIATE_E_MEDIA;
	if (!leg_sip_takes(sip, audio))
		return -EPERM;
	if (leg_sip_passes_keys(sip, audio)) {
		r = media_desc_copy(&keyless, desc);
		if (r)
			return r;
		desc = keyless;
		audio = media_desc_first(keyless, MEDIA_AUDIO);
		audio->ncryptos = 0;
	}
	struct addr peer = sip_dialog_peer(from);
	if (!bridge_is_open(bridge, leg->side))
		r = bridge_open(bridge, leg->side, transport_of(audio), false,
				&peer);
	bridge_trust(bridge, leg->side, &peer,
		     sip->config && sip->config->media_anywhere);
	if (!r)
		r = bridge_remote(bridge, leg->side, audio);
	return r ? r : leg_set_remote(leg, desc);
}

/*
 * Whether the other side can go on with what a re-INVITE offers: it has to know
 * a codec of it, and as no client can be told to send another than it does
 * (XEP-0167 has no way that any takes), that one.
 */
static int check_offer(const struct leg *leg, const struct media_desc *offer)
{
	AUTO(media_desc_freep) struct media_desc *answer = NULL;
	const struct media_desc *agreed = leg_agreed(leg);
	const struct media_codec *heard = leg_heard(leg);
	int r = agreed ? negotiate_answer(&answer, offer, agreed) : 0;

	if (r || !heard)
		return r;
	return media_content_same(media_desc_first(offer, MEDIA_AUDIO), heard)
		       ? 0
		       : NEGOTIATE_E_CODEC;
}

/* The dialog is told and the call ends when a description cannot be used. */
static bool used(struct leg *leg, int r)
{
	if (!r)
		return true;
	leg_ends(leg,
		 r == -EPERM             ? CAUSE_SECURITY
		 : r > 0 || r == -EINVAL ? CAUSE_INCOMPATIBLE
					 : CAUSE_FAILED,
		 NULL);
	sip_dialog_hangup(sip_of(leg)->dialog,
			  &(struct sip_hangup){ .status = 488, .q850 = 88 });
	return false;
}

/* ---- what the dialog tells ---- */

static void on_ring(unsigned status, const struct media_desc *early, void *arg)
{
	struct leg *leg = arg;

	(void)status;
	if (!early) {
		leg_rings(leg);
		return;
	}
	if (used(leg, leg_sip_take_remote(leg, sip_of(leg)->dialog, early)))
		leg_rings_early(leg);
}

static void on_answer(const struct media_desc *answer, void *arg)
{
	struct leg *leg = arg;
	struct leg_sip *sip = sip_of(leg);
	bool first = !sip->confirmed;

	/* A 2xx may repeat what 183 said by leaving the body out. */
	if (answer &&
	    !used(leg, leg_sip_take_remote(leg, sip_of(leg)->dialog, answer)))
		return;
	if (!answer && !leg->remote) {
		used(leg, NEGOTIATE_E_MEDIA);
		return;
	}
	sip->confirmed = true;
	if (first)
		leg_answers(leg);
	else
		leg_agrees(leg);
}

/* Before the answer nobody else has to be asked (RFC 3311, 5.2). */
static int answer_early(struct leg *leg, const struct media_desc *offer)
{
	AUTO(media_desc_freep) struct media_desc *answer = NULL;
	int r = leg->local ? negotiate_answer(&answer, offer, leg->local)
			   : NEGOTIATE_E_MEDIA;

	if (!r)
		r = leg_sip_take_remote(leg, sip_of(leg)->dialog, offer);
	if (!r)
		r = leg_sip_describe(leg, answer);
	if (r)
		return r;
	leg->offerer = false;
	return sip_dialog_answer(sip_of(leg)->dialog, answer);
}

/* It asks for ours: what is in force, but with all that we would take (RFC
 * 6337, 5.2.5), as its answer may end a hold of its own. */
static void offer_ours(struct leg *leg)
{
	struct leg_sip *sip = sip_of(leg);
	struct media_content *audio = leg_local_audio(leg);

	leg->offerer = true;
	if (audio)
		audio->dir = sip->hold ? MEDIA_SENDONLY : MEDIA_SENDRECV;
	if (!leg->local || sip_dialog_answer(sip->dialog, leg->local))
		sip_dialog_refuse(sip->dialog, 488);
}

static void on_offer(const struct media_desc *offered, void *arg)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	struct leg *leg = arg;
	struct leg_sip *sip = sip_of(leg);

	if (!offered) {
		offer_ours(leg);
		return;
	}
	if (leg_sip_choose(&offer, sip, offered)) {
		sip_dialog_refuse(sip->dialog, 500);
		return;
	}
	if (!sip->confirmed) {
		if (answer_early(leg, offer))
			sip_dialog_refuse(sip->dialog, 488);
		return;
	}
	/* RFC 3261, 14.2: refused, the call goes on as it was. */
	if (check_offer(leg, offer) ||
	    leg_sip_take_remote(leg, sip_of(leg)->dialog, offer)) {
		sip_dialog_refuse(sip->dialog, 488);
		return;
	}
	sip->offer_open = true;
	leg_offers(leg);
}

/* The answer to what our 200 offered, after an INVITE without an offer; or to
 * what we offered in a re-INVITE without one. */
static void on_late_answer(const struct media_desc *answer, void *arg)
{
	struct leg *leg = arg;
	bool first = !leg->remote;

	if (!used(leg,
		  answer ? leg_sip_take_remote(leg, sip_of(leg)->dialog, answer)
			 : NEGOTIATE_E_MEDIA))
		return;
	if (first) {
		leg_offers(leg);
		return;
	}
	/* To an offer of ours that holds, its answer is no hold of its own. */
	if (!sip_of(leg)->hold)
		leg_holds(leg, leg_remote_audio(leg)->dir != MEDIA_SENDRECV);
	leg_agrees(leg);
}

static void on_refused(unsigned status, void *arg)
{
	struct leg *leg = arg;

	if (!status) {
		leg_sip_offer_later(sip_of(leg));
		return;
	}
	log_warn("call=%s leg=sip reinvite=refused status=%u: goes on as it is",
		 call_name(leg->call), status);
}

static void on_digit(char digit, unsigned duration_ms, void *arg)
{
	leg_digit(arg, digit, duration_ms);
}

/* CSeq, target or session timer: the row follows while the call is up. */
static void on_changed(void *arg)
{
	const struct leg *leg = arg;

	call_record_refresh(leg->call);
}

/* Carriers put all sorts of ends into 480, 500 and 503; a Q.850 value beside
 * them says more (RFC 3326). */
static enum cause cause_of_response(const struct sip_end *end)
{
	enum cause status = cause_of_status(end->status);
	enum cause q850 = cause_of_q850(end->q850);
	bool vague = status == CAUSE_UNREACHABLE || status == CAUSE_FAILED ||
		     status == CAUSE_CONGESTION;

	return vague && q850 != CAUSE_NORMAL ? q850 : status;
}

enum cause leg_sip_cause(const struct leg *leg, const struct sip_end *end)
{
	if (end->by_cancel)
		return end->reason_sip == 200 || end->q850 == 26
			       ? CAUSE_ELSEWHERE
			       : CAUSE_CANCEL;
	if (end->timeout)
		return leg->answered ? CAUSE_MEDIA_LOST : CAUSE_UNREACHABLE;
	if (end->status >= 300)
		return cause_of_response(end);
	return cause_of_q850(end->q850);
}

static void on_ended(const struct sip_end *end, void *arg)
{
	struct leg *leg = arg;
	struct leg_sip *sip = sip_of(leg);
	enum cause cause = leg_sip_cause(leg, end);

	log_info("call=%s leg=sip ended status=%u q850=%u text=%s",
		 call_name(leg->call), end->status, end->q850,
		 log_text(slice_of(end->text)).s);
	event_del(sip->again);
	if (leg_sip_retry_wait(sip, cause) || leg_sip_transfer_goes_on(sip))
		return;
	leg_ends(leg, cause, end->text);
}

const struct sip_dialog_handlers leg_sip_handlers = {
	.ring = on_ring,
	.answer = on_answer,
	.offer = on_offer,
	.late_answer = on_late_answer,
	.refused = on_refused,
	.digit = on_digit,
	.refer = leg_sip_on_refer,
	.referred = leg_sip_on_referred,
	.changed = on_changed,
	.ended = on_ended,
};

/* Who it is by: to be known again, and for transfers. */
static void note_caller(struct leg *leg, const struct sip_invite *invite)
{
	struct leg_sip *sip = sip_of(leg);

	sip->trunk = route_trunk_for(sip->gateway, invite);
	if (!sip->trunk)
		return;
	sip->config = config_find_trunk(sip->gateway->config,
					sip_trunk_name(sip->trunk));
	trunks_policy(&sip->policy, sip->config);
	if (sip_dialog_set_trunk(sip->dialog, sip->trunk))
		log_warn("call=%s leg=sip trunk=not-noted",
			 call_name(leg->call));
	sip->self = text_dup(slice_of(called_user(sip->config, invite)));
	leg_sip_retry_begin(leg, invite);
}

void leg_sip_begin(struct leg *leg, const struct sip_invite *invite)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	int r;

	note_caller(leg, invite);
	if (!invite->offer) {
		leg_calls(leg);
		return;
	}
	r = leg_sip_choose(&offer, sip_of(leg), invite->offer);
	if (!r)
		r = leg_sip_take_remote(leg, sip_of(leg)->dialog, offer);
	if (used(leg, r))
		leg_offers(leg);
}
