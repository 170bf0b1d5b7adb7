/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over a SIP dialog: RFC 3261 and 3264 on one side, the operations of
 * gateway/leg.h on the other.
 */
#include "gateway/leg_sip.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>

#include "db/session.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "media/negotiate.h"

enum { OFFER_AGAIN_MS = 500 };

struct leg_sip {
	struct leg leg;
	struct gateway *gateway;
	struct sip_trunk *trunk; /* NULL for a caller */
	char *to, *from;
	struct sip_dialog *dialog;
	bool confirmed;  /* 2xx was sent or received */
	bool offer_open; /* the peer's re-INVITE waits for our answer */
	bool hold;
	struct event *again; /* an offer that met another waits */
};

static struct leg_sip *sip_of(struct leg *leg)
{
	return (struct leg_sip *)leg;
}

/* ---- media ---- */

static enum media_transport transport_of(const struct media_content *remote)
{
	bool dtls = remote && *remote->ufrag && remote->nfingerprints;

	return dtls ? MEDIA_ICE : MEDIA_RTP;
}

/* Give our side of the bridge to every content that is not refused. */
static int describe(struct leg *leg, struct media_desc *desc)
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

/* Kept when it can be used, or else what was said before stands. */
static int take_remote(struct leg *leg, const struct media_desc *desc)
{
	struct bridge *bridge = call_bridge(leg->call);
	const struct media_content *audio = media_desc_first(desc, MEDIA_AUDIO);
	int r = 0;

	if (!audio)
		return NEGOTIATE_E_MEDIA;
	if (!bridge_is_open(bridge, leg->side)) {
		struct addr peer = sip_dialog_peer(sip_of(leg)->dialog);
		r = bridge_open(bridge, leg->side, transport_of(audio), false,
				&peer);
	}
	if (!r)
		r = bridge_remote(bridge, leg->side, audio);
	return r ? r : leg_set_remote(leg, desc);
}

/* Whether the other side can go on with what a re-INVITE offers. */
static int check_offer(const struct leg *leg, const struct media_desc *offer)
{
	AUTO(media_desc_freep) struct media_desc *answer = NULL;
	const struct leg *other =
		call_leg(leg->call, leg->side == MEDIA_SIDE_A ? MEDIA_SIDE_B
							      : MEDIA_SIDE_A);
	const struct media_desc *agreed =
		other->offerer ? other->remote : other->local;

	return agreed ? negotiate_answer(&answer, offer, agreed) : 0;
}

/* The dialog is told and the call ends when a description cannot be used. */
static bool used(struct leg *leg, int r)
{
	if (!r)
		return true;
	leg_ends(leg, r > 0 || r == -EINVAL ? CAUSE_INCOMPATIBLE : CAUSE_FAILED,
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
	if (used(leg, take_remote(leg, early)))
		leg_rings_early(leg);
}

static void on_answer(const struct media_desc *answer, void *arg)
{
	struct leg *leg = arg;
	struct leg_sip *sip = sip_of(leg);
	bool first = !sip->confirmed;

	/* A 2xx may repeat what 183 said by leaving the body out. */
	if (answer && !used(leg, take_remote(leg, answer)))
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

static void on_offer(const struct media_desc *offer, void *arg)
{
	struct leg *leg = arg;
	struct leg_sip *sip = sip_of(leg);

	if (!offer) { /* it asks for ours: what is in force */
		leg->offerer = true;
		if (!leg->local || sip_dialog_answer(sip->dialog, leg->local))
			sip_dialog_refuse(sip->dialog, 488);
		return;
	}
	/* RFC 3261, 14.2: refused, the call goes on as it was. */
	if (check_offer(leg, offer) || take_remote(leg, offer)) {
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

	if (!used(leg, answer ? take_remote(leg, answer) : NEGOTIATE_E_MEDIA))
		return;
	if (first)
		leg_offers(leg);
	else
		leg_agrees(leg);
}

static void on_refused(unsigned status, void *arg)
{
	struct leg *leg = arg;

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

static enum cause cause_of_end(const struct leg *leg, const struct sip_end *end)
{
	if (end->by_cancel)
		return end->reason_sip == 200 || end->q850 == 26
			       ? CAUSE_ELSEWHERE
			       : CAUSE_CANCEL;
	if (end->timeout)
		return leg->answered ? CAUSE_MEDIA_LOST : CAUSE_UNREACHABLE;
	if (end->status >= 300)
		return cause_of_status(end->status);
	return cause_of_q850(end->q850);
}

static void on_ended(const struct sip_end *end, void *arg)
{
	struct leg *leg = arg;

	log_info("call=%s leg=sip ended status=%u q850=%u text=%s",
		 call_name(leg->call), end->status, end->q850,
		 log_text(slice_of(end->text)).s);
	event_del(sip_of(leg)->again);
	leg_ends(leg, cause_of_end(leg, end), end->text);
}

static const struct sip_dialog_handlers dialog_handlers = {
	.ring = on_ring,
	.answer = on_answer,
	.offer = on_offer,
	.late_answer = on_late_answer,
	.refused = on_refused,
	.digit = on_digit,
	.changed = on_changed,
	.ended = on_ended,
};

/* ---- what the call wants ---- */

static int sip_offer(struct leg *leg, const struct media_desc *wanted)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	struct leg_sip *sip = sip_of(leg);
	struct addr peer = sip_trunk_address(sip->trunk);
	int r = media_desc_copy(&offer, wanted);

	if (!r)
		r = bridge_open(call_bridge(leg->call), leg->side, MEDIA_RTP,
				true, addr_is_set(&peer) ? &peer : NULL);
	if (!r)
		r = describe(leg, offer);
	if (r)
		return r;

	const struct sip_dialog_start start = { .trunk = sip->trunk,
						.to_user = sip->to,
						.from_user = sip->from,
						.offer = offer };
	leg->offerer = true;
	r = sip_dialog_start(&sip->dialog, sip->gateway->agent, &start,
			     &dialog_handlers, leg);
	if (r == SIP_E_UNREACHABLE) {
		leg_ends(leg, CAUSE_CONGESTION, "The trunk is not reachable.");
		return 0;
	}
	return r < 0 ? r : 0;
}

static int sip_ring(struct leg *leg)
{
	int r = sip_dialog_ring(sip_of(leg)->dialog, 180, NULL);

	return r < 0 ? r : 0;
}

/* The INVITE had no offer: ours goes into the 200, its answer into the ACK. */
static int sip_proceed(struct leg *leg)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	struct leg_sip *sip = sip_of(leg);
	struct addr peer = sip_dialog_peer(sip->dialog);
	const struct leg *callee = call_leg(leg->call, MEDIA_SIDE_B);
	int r = negotiate_offer(&offer, callee->offerer ? callee->remote
							: callee->local);

	if (!r)
		r = bridge_open(call_bridge(leg->call), leg->side, MEDIA_RTP,
				true, &peer);
	if (!r)
		r = describe(leg, offer);
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

	if (!audio)
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

static int sip_answer(struct leg *leg, const struct media_desc *answer)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct leg_sip *sip = sip_of(leg);
	int r;

	if (sip->confirmed && !sip->offer_open)
		return 0; /* sip_proceed() has said it all */
	r = media_desc_copy(&desc, answer);
	if (!r)
		r = describe(leg, desc);
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
	int r = sip_dialog_digit(sip_of(leg)->dialog, digit, duration_ms);

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

static const char *transport_name(enum sip_transport transport)
{
	return transport == SIP_TCP ? "tcp" : "udp";
}

static int sip_store(struct leg *leg, struct session_row *row)
{
	struct sip_dialog_state state = { 0 };
	char sdp_id[sizeof("18446744073709551615")];
	int r = sip_dialog_save(sip_of(leg)->dialog, &state);

	/* Not answered yet: there is a dialog to end, not to go on with. */
	row->kind = SESSION_SIP;
	row->state = r ? SESSION_SETUP : SESSION_UP;
	if (r < 0)
		return r;
	r = text_format(sdp_id, sizeof(sdp_id), "%" PRIu64, state.sdp_id);
	row->sip = (struct session_sip){
		.uac = state.uac,
		.call_id = state.call_id,
		.local_tag = state.local_tag,
		.remote_tag = state.remote_tag,
		.local_uri = state.local,
		.remote_uri = state.remote,
		.remote_target = state.remote_target,
		.contact = state.contact,
		.route_set = state.route,
		.transport = transport_name(state.transport),
		.remote = state.peer,
		.local_cseq = state.local_cseq,
		.remote_cseq = state.remote_cseq,
		.timer_interval_s = state.session_expires_s,
		.timer_ours = state.we_refresh,
		.sdp_id = sdp_id,
		.sdp_version = state.sdp_version,
		.local_sdp = state.local_sdp,
	};
	if (!r)
		r = call_record_put(leg->call, row);
	sip_dialog_state_fini(&state);
	return r;
}

static void sip_hangup(struct leg *leg, enum cause cause, const char *text)
{
	enum { RETRY_AFTER_S = 10 };
	struct leg_sip *sip = sip_of(leg);
	bool busy_here = cause == CAUSE_CONGESTION || cause == CAUSE_SHUTDOWN;

	(void)text; /* free words of people do not belong into SIP headers */
	event_del(sip->again);
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
	if (sip->again)
		event_free(sip->again);
	free(sip->to);
	free(sip->from);
	leg_fini(leg);
	free(sip);
	return NULL;
}

static const struct leg_ops sip_ops = {
	.name = "sip",
	.offer = sip_offer,
	.ring = sip_ring,
	.proceed = sip_proceed,
	.answer = sip_answer,
	.reoffer = sip_reoffer,
	.hold = sip_hold,
	.digit = sip_digit,
	.restart = sip_restart,
	.hangup = sip_hangup,
	.store = sip_store,
	.free = sip_free,
};

int leg_sip_new_callee(struct leg **out, struct gateway *gateway,
		       const struct leg_sip_target *target)
{
	struct leg_sip *sip = calloc(1, sizeof(*sip));

	if (!sip)
		return -ENOMEM;
	sip->leg.ops = &sip_ops;
	sip->gateway = gateway;
	sip->again = evtimer_new(gateway->base, on_again, sip);
	sip->trunk = target->trunk;
	sip->to = text_dup(slice_of(target->to));
	sip->from = text_dup(slice_of(target->from));
	if (!sip->to || !sip->from || !sip->again) {
		sip_free(&sip->leg);
		return -ENOMEM;
	}
	*out = &sip->leg;
	return 0;
}

int leg_sip_new_caller(struct leg **out, struct gateway *gateway,
		       struct sip_dialog *dialog)
{
	struct leg_sip *sip = calloc(1, sizeof(*sip));

	if (sip)
		sip->again = evtimer_new(gateway->base, on_again, sip);
	if (!sip || !sip->again) {
		sip_dialog_free(dialog);
		free(sip);
		return -ENOMEM;
	}
	sip->leg.ops = &sip_ops;
	sip->gateway = gateway;
	sip->dialog = dialog;
	sip_dialog_accept(dialog, &dialog_handlers, &sip->leg);
	*out = &sip->leg;
	return 0;
}

void leg_sip_begin(struct leg *leg, const struct sip_invite *invite)
{
	if (!invite->offer)
		leg_calls(leg);
	else if (used(leg, take_remote(leg, invite->offer)))
		leg_offers(leg);
}
