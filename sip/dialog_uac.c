/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The responses to our INVITE (RFC 3261, 13.2.2), CANCEL (9.1), and what other
 * forks answer: they are ACKed and BYEd.
 */
#include "sip/dialog_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_AGENT_MAGIC_T    struct sip_agent
#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "media/desc.h"
#include "sip/body.h"
#include "sip/hops.h"

/* ---- responses ---- */

/* Another hop than the first may have taken it; Contact said so there. */
static void adopt_hop(struct sip_dialog *d, const struct sip_client *client)
{
	const struct sip_hop *hop = sip_client_hop(client);

	if (sip_hop_equal(hop, &d->peer))
		return;
	d->peer = d->hop = *hop;
	if (dialog_renew_contact(d))
		log_error("dialog=%s what=\"out of memory\"", d->call_id);
}

void dialog_invite_response(struct sip_client *client, unsigned status,
			    const struct sip_s *response, bool local, void *arg)
{
	struct sip_dialog *d = arg;
	struct sip_end end = { .status = status,
			       .timeout = local && status == 408 };

	adopt_hop(d, client);
	d->input = response;
	if (status < 200) {
		dialog_changed(d); /* from now on it can be cancelled */
		dialog_event(d, DIALOG_EV_PROVISIONAL);
	} else if (status < 300) {
		dialog_event(d, DIALOG_EV_ACCEPTED);
	} else if (local || !dialog_invite_again(d, response)) {
		dialog_set_end(d, &end, response->sip_status->st_phrase);
		dialog_read_reason(d, response);
		dialog_event(d, DIALOG_EV_REJECTED);
	}
}

static const char *to_tag(const struct sip_s *sip)
{
	const char *tag = sip->sip_to ? sip->sip_to->a_tag : NULL;

	return tag ? tag : "";
}

/* What a fork says of its media while it rings; reliably it is the answer. */
static int keep_early(struct sip_dialog *d, const struct sip_s *sip,
		      const char *text)
{
	bool reliable = dialog_early_find(d, to_tag(sip));
	int r = dialog_set_text(&d->early_tag, to_tag(sip));

	if (!r)
		r = dialog_set_text(&d->early_sdp, text);
	d->early_answered = reliable && !r;
	if (!d->early_answered)
		return r;
	d->local_version = d->offered_version;
	r = dialog_set_text(&d->local_sdp, d->offered_sdp);
	return r ? r : dialog_set_text(&d->remote_sdp, text);
}

/* Once answered reliably, no other description of that fork counts (RFC 3261,
 * 13.2.1). */
static bool is_repeated(const struct sip_dialog *d, const struct sip_s *sip)
{
	return d->early_answered && !strcasecmp(d->early_tag, to_tag(sip));
}

void dialog_act_provisional(struct sip_dialog *d)
{
	const struct sip_s *sip = d->input;
	unsigned status = (unsigned)sip->sip_status->st_status;
	AUTO(media_desc_freep) struct media_desc *early = NULL;
	char *text = NULL;

	if (status == 100 || !dialog_early_take(d, sip))
		return;
	if (sip->sip_allow)
		d->peer_has_update =
			sip_is_allowed(sip->sip_allow, SIP_METHOD_UPDATE);
	/* A bad body costs itself: it still rings. */
	if (sip_body_read(&early, &text, sip))
		log_info("dialog=%s what=\"early description not understood\"",
			 d->call_id);
	if (early && (is_repeated(d, sip) || keep_early(d, sip, text)))
		early = media_desc_free(early);
	free(text);
	if (d->handlers && d->handlers->ring)
		d->handlers->ring(status, early, d->arg);
}

void dialog_act_rejected(struct sip_dialog *d)
{
	dialog_report_end(d);
}

/* For a later process. */
static int keep_addresses(struct sip_dialog *d, const struct sip_s *sip)
{
	if (d->local_address)
		return 0;
	return dialog_keep_addresses(d, sip->sip_from, sip->sip_to);
}

/* The fork that answered was PRACKed: its leg goes on with its CSeq. */
static void adopt_early(struct sip_dialog *d)
{
	nta_leg_t *leg = dialog_early_detach(d, d->remote_tag);

	if (!leg)
		return;
	sip_clients_orphan(d->agent, d->leg);
	nta_leg_destroy(d->leg);
	d->leg = leg;
}

/* The dialog that a 2xx makes: its tag, route and target (12.1.2). */
static int confirm(struct sip_dialog *d, const struct sip_s *sip)
{
	int r = dialog_set_text(&d->remote_tag, to_tag(sip));

	if (!r)
		r = keep_addresses(d, sip);
	if (r)
		return r;
	dialog_invite_forget(d);
	adopt_early(d);
	if (*d->remote_tag)
		nta_leg_rtag(d->leg, d->remote_tag);
	nta_leg_client_reroute(d->leg, sip->sip_record_route, sip->sip_contact,
			       1);
	dialog_update_hop(d);
	d->peer_has_update = sip_is_allowed(sip->sip_allow, SIP_METHOD_UPDATE);
	return 0;
}

void dialog_ack(struct sip_dialog *d, const char *sdp)
{
	struct msg_s *msg = sip_client_message(d->agent);

	if (msg && sdp &&
	    sip_add_tl(msg, sip_object(msg),
		       SIPTAG_CONTENT_TYPE_STR(SIP_SDP_TYPE),
		       SIPTAG_PAYLOAD_STR(sdp), TAG_END()) < 0) {
		msg_destroy(msg);
		return;
	}
	sip_client_ack(d->invite, d->leg, &d->hop, msg);
}

/*
 * The answer in the 2xx, unless a reliable 18x of the same fork had it; or, as
 * some gateways leave it out there, the one that an earlier 183 had.
 */
static int read_answer(struct sip_dialog *d, struct media_desc **answer)
{
	bool same = d->early_sdp && d->early_tag &&
		    !strcmp(d->early_tag, to_tag(d->input));
	char *text = NULL;
	int r;

	if (same && d->early_answered)
		return sip_body_parse(answer, d->remote_sdp);
	r = sip_body_read(answer, &text, d->input);
	if (!r && !*answer && same) {
		text = d->early_sdp;
		d->early_sdp = NULL;
		r = sip_body_parse(answer, text);
	}
	free(d->remote_sdp);
	d->remote_sdp = text;
	d->early_answered = false;
	return r;
}

/* The first offer of ours is answered, and so in force. */
static void keep_offered(struct sip_dialog *d)
{
	free(d->early_sdp);
	d->early_sdp = NULL;
	if (d->offer != OFFER_NONE)
		return; /* an UPDATE of ours, or theirs, is on its way */
	if (d->early_answered) { /* an UPDATE may have changed it since */
		free(d->offered_sdp);
	} else if (d->offered_sdp) {
		free(d->local_sdp);
		d->local_sdp = d->offered_sdp;
		d->local_version = d->offered_version;
	}
	d->offered_sdp = NULL;
}

void dialog_act_accepted(struct sip_dialog *d)
{
	AUTO(media_desc_freep) struct media_desc *answer = NULL;
	bool offerless = !d->offered_sdp && !d->local_sdp;
	int r = confirm(d, d->input);

	dialog_session_response(d, d->input);
	if (!r)
		r = read_answer(d, &answer);
	if (!r && !answer)
		r = 488;
	d->late_offer = offerless && !r;
	if (!d->late_offer)
		dialog_ack(d, NULL);
	if (r) {
		dialog_fail(d, r > 0 ? (unsigned)r : 500, "No usable answer",
			    false);
		return;
	}
	keep_offered(d);
	dialog_session_arm(d);
	if (!d->handlers)
		return;
	if (offerless && d->handlers->offer)
		d->handlers->offer(answer, d->arg);
	else if (!offerless && d->handlers->answer)
		d->handlers->answer(answer, d->arg);
}

/* 200 crossed our CANCEL. */
void dialog_act_accepted_too_late(struct sip_dialog *d)
{
	if (!confirm(d, d->input))
		dialog_ack(d, NULL);
	dialog_act_bye(d);
}

/* ---- CANCEL ---- */

static void on_give_up(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dialog_event(arg, DIALOG_EV_DONE);
}

void dialog_act_cancel(struct sip_dialog *d)
{
	char reason[SIP_REASON_TEXT_CAP];

	sip_client_cancel(d->invite, dialog_format_reason(d, reason));
	/* RFC 3261, 9.1: no final response for so long means it is gone. */
	dialog_timer_set(d, &d->give_up, on_give_up, SIP_T1X64_MS);
}

void dialog_act_cancel_done(struct sip_dialog *d)
{
	d->invite = sip_client_free(d->invite);
}

/* ---- 2xx that nobody waits for ---- */

static int bye_fork(struct sip_agent *agent, nta_leg_t *leg,
		    const struct sip_hop *hop)
{
	struct sip_client_spec spec = {
		.leg = leg,
		.method = "BYE",
		.hop = *hop,
		.message = sip_client_message(agent),
	};
	struct sip_client *client;

	/* Without a handler it frees itself. */
	return spec.message ? sip_client_start(&client, agent, &spec) : -ENOMEM;
}

/*
 * What nobody wants has answered: ACK and BYE in a dialog of its own. @leg is
 * taken; NULL: a new one.
 */
static void drop_answer(struct sip_agent *agent, nta_leg_t *leg,
			const struct sip_client *invite,
			const struct sip_s *sip, const struct sip_hop *from)
{
	struct sip_hop hop;

	if (!leg)
		leg = nta_leg_tcreate(agent->nta, NULL, NULL,
				      SIPTAG_CALL_ID(sip->sip_call_id),
				      SIPTAG_FROM(sip->sip_from),
				      SIPTAG_TO(sip->sip_to),
				      SIPTAG_CSEQ(sip->sip_cseq), TAG_END());
	if (!leg)
		return;
	nta_leg_client_reroute(leg, sip->sip_record_route, sip->sip_contact, 1);
	/* Names take the way that the response came. */
	hop = dialog_literal_hop(leg, from);
	sip_client_ack(invite, leg, &hop, sip_client_message(agent));
	if (bye_fork(agent, leg, &hop))
		log_warn("dialog=%s what=\"answer not ended\"",
			 log_text(slice_of(sip->sip_call_id->i_id)).s);
	sip_clients_orphan(agent, leg);
	nta_leg_destroy(leg);
}

/* Another fork answered as well. Where there was a PRACK its CSeq has gone on
 * from the INVITE's. */
static void drop_fork(struct sip_dialog *d, const struct sip_s *sip,
		      const struct sip_hop *from)
{
	drop_answer(d->agent, dialog_early_detach(d, to_tag(sip)), d->invite,
		    sip, from);
}

/* The dialog of the call that @sip answers; NULL: none is left. */
static struct sip_dialog *find_answered(struct sip_agent *agent,
					const struct sip_s *sip)
{
	nta_leg_t *leg = nta_leg_by_call_id(agent->nta, sip->sip_call_id->i_id);
	struct sip_dialog *d = nta_leg_magic(leg, dialog_recv);

	return d && d->invite &&
			       sip_client_cseq(d->invite) ==
				       sip->sip_cseq->cs_seq
		       ? d
		       : NULL;
}

static bool is_its_own(const struct sip_dialog *d, const struct sip_s *sip)
{
	return d->remote_tag && !strcasecmp(d->remote_tag, to_tag(sip));
}

static void ack_again(struct sip_dialog *d)
{
	if (!d->late_offer)
		dialog_ack(d, d->ack_sdp);
}

void sip_dialog_stray(struct sip_agent *agent, const struct sip_s *sip,
		      const struct sip_hop *from)
{
	struct sip_dialog *d;

	if (!sip->sip_status || sip->sip_status->st_status < 200 ||
	    sip->sip_status->st_status >= 300 || !sip->sip_cseq ||
	    sip->sip_cseq->cs_method != sip_method_invite)
		return;
	d = find_answered(agent, sip);
	if (d && is_its_own(d, sip))
		ack_again(d);
	else if (d && d->uac)
		drop_fork(d, sip, from);
}

void sip_dialog_late(struct sip_agent *agent, const struct sip_client *left,
		     const struct sip_s *sip)
{
	struct sip_dialog *d = find_answered(agent, sip);

	if (d && is_its_own(d, sip))
		ack_again(d);
	else
		drop_answer(agent, NULL, left, sip, sip_client_hop(left));
}
