/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The INVITE we get (RFC 3261, 13.3): 100 at once, a 200 that is repeated until
 * its ACK, refusals, CANCEL.
 */
#include "sip/dialog_int.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "media/desc.h"
#include "sip/body.h"
#include "sip/identity.h"

enum { EXPIRES_MAX_S = 3600 }; /* of an INVITE that is watched */

/* ---- a new one ---- */

static int on_cancel(struct sip_dialog *d, nta_incoming_t *irq,
		     sip_t const *sip)
{
	(void)irq;
	/* nta calls here for ACKs too, which the leg takes. */
	if (!sip || !sip->sip_request ||
	    sip->sip_request->rq_method != sip_method_cancel)
		return 0;
	d->input = sip;
	dialog_event(d, DIALOG_EV_CANCEL);
	return 0;
}

/*
 * With our tag from the start: nta would else take a second INVITE of the same
 * Call-ID for this dialog's.
 */
static int create_leg(struct sip_dialog *d, nta_incoming_t *irq,
		      const sip_t *sip)
{
	su_home_t home[1] = { 0 };
	char tag[SIP_TAG_LEN + 1];
	sip_to_t *to;

	rand_token(tag, SIP_TAG_LEN);
	su_home_init(home);
	to = sip_to_dup(home, sip->sip_to);
	if (to && nta_incoming_tag(irq, tag) && !sip_to_tag(home, to, tag))
		d->leg = nta_leg_tcreate(d->agent->nta, dialog_recv, d,
					 SIPTAG_CALL_ID(sip->sip_call_id),
					 SIPTAG_FROM(to),
					 SIPTAG_TO(sip->sip_from), TAG_END());
	su_home_deinit(home);
	if (!d->leg)
		return -ENOMEM;
	nta_leg_server_route(d->leg, sip->sip_record_route, sip->sip_contact);
	return dialog_set_text(&d->call_id, sip->sip_call_id->i_id);
}

/* Whether 18x go reliably: the peer insists, or may and so do we. */
static bool wants_reliable(const struct sip_incoming *in)
{
	return in->policy.prack &&
	       (sip_has_feature(in->sip->sip_require, "100rel") ||
		sip_has_feature(in->sip->sip_supported, "100rel"));
}

static int fill(struct sip_dialog *d, const struct sip_incoming *in)
{
	const sip_t *sip = in->sip;
	const char *tag = sip->sip_from->a_tag;
	char user[SIP_USER_CAP];
	int r = dialog_set_text(&d->remote_tag, tag ? tag : "");

	d->policy = in->policy;
	d->peer = d->hop =
		(struct sip_hop){ .addr = in->source.addr,
				  .transport = in->source.transport };
	d->remote_cseq = sip->sip_cseq->cs_seq;
	d->peer_has_update = sip_is_allowed(sip->sip_allow, SIP_METHOD_UPDATE);
	d->reliable.wanted = wants_reliable(in);
	if (!r)
		r = create_leg(d, in->irq, sip);
	if (!r)
		r = dialog_keep_addresses(d, sip->sip_to, sip->sip_from);
	sip_url_user(user, sip->sip_request->rq_url);
	if (!r)
		r = dialog_set_contact(d, user);
	if (!r && dialog_session_request(d, sip))
		r = SIP_E_INTERVAL;
	return r;
}

static void on_expiry(int fd, short what, void *arg)
{
	struct sip_dialog *d = arg;

	(void)fd;
	(void)what;
	if (d->server)
		dialog_fail(d, 487, "Invitation expired", true);
}

/* RFC 3261, 13.3.1: who calls does not wait longer than that. */
static void watch_expiry(struct sip_dialog *d, const sip_t *sip)
{
	const sip_expires_t *expires = sip->sip_expires;

	if (expires && expires->ex_delta && expires->ex_delta <= EXPIRES_MAX_S)
		dialog_timer_set(d, &d->expiry_timer, on_expiry,
				 (unsigned)expires->ex_delta * 1000);
}

int dialog_invited(struct sip_dialog **out, const struct sip_incoming *in,
		   char *sdp)
{
	struct sip_dialog *d;
	int r = dialog_new(&d, in->agent, false);

	if (r) {
		free(sdp);
		return r;
	}
	d->remote_sdp = sdp;
	r = fill(d, in);
	if (r) {
		sip_dialog_free(d);
		return r;
	}
	dialog_update_hop(d);
	d->server = in->irq;
	nta_incoming_bind(in->irq, on_cancel, d);
	nta_incoming_treply(in->irq, SIP_100_TRYING, TAG_END());
	watch_expiry(d, in->sip);
	dialog_event(d, DIALOG_EV_INVITED);
	*out = d;
	return 0;
}

/* ---- the answer ---- */

static void on_repeat(int fd, short what, void *arg)
{
	struct sip_dialog *d = arg;
	struct dialog_reply *reply = &d->reply;

	(void)fd;
	(void)what;
	if (clock_ms() >= reply->give_up_ms) {
		struct sip_end end = { .timeout = true };

		dialog_reply_stop(d);
		dialog_set_end(d, &end, "No ACK");
		dialog_event(d, DIALOG_EV_NO_ACK);
		return;
	}
	dialog_respond(d, reply->irq, 200, d->local_sdp);
	reply->interval_ms *= 2;
	if (reply->interval_ms > SIP_T2_MS)
		reply->interval_ms = SIP_T2_MS;
	dialog_timer_set(d, &reply->timer, on_repeat, reply->interval_ms);
}

void dialog_reply_start(struct sip_dialog *d, struct nta_incoming_s *irq,
			const char *sdp, bool offered)
{
	struct dialog_reply *reply = &d->reply;

	dialog_reply_stop(d);
	reply->irq = irq;
	reply->cseq = nta_incoming_cseq(irq);
	reply->offered = offered;
	reply->interval_ms = SIP_T1_MS;
	reply->give_up_ms = clock_ms() + SIP_T1X64_MS;
	nta_incoming_bind(irq, NULL, NULL);
	dialog_respond(d, irq, 200, sdp);
	dialog_timer_set(d, &reply->timer, on_repeat, reply->interval_ms);
}

void dialog_reply_stop(struct sip_dialog *d)
{
	dialog_timer_clear(d->reply.timer);
	if (d->reply.irq)
		nta_incoming_destroy(d->reply.irq);
	d->reply.irq = NULL;
}

void dialog_answer_now(struct sip_dialog *d)
{
	struct nta_incoming_s *irq = d->server;

	d->server = NULL;
	d->reliable.hold_answer = false;
	dialog_ring_stop(d);
	dialog_reply_start(d, irq, d->local_sdp, !d->remote_sdp);
	dialog_event(d, DIALOG_EV_ANSWER);
}

static int answer_invite(struct sip_dialog *d, const struct media_desc *answer)
{
	char *text;
	uint64_t version;
	int r = dialog_format(d, answer, &text, &version);

	if (r)
		return r;
	free(d->local_sdp);
	d->local_sdp = text;
	d->local_version = version;
	/* RFC 3262, 3: not before our description is known to be there. */
	if (d->reliable.waits && d->reliable.sdp)
		d->reliable.hold_answer = true;
	else
		dialog_answer_now(d);
	return 0;
}

/* The answer to a late offer goes into the ACK. */
static int answer_in_ack(struct sip_dialog *d, const struct media_desc *answer)
{
	int r = dialog_format(d, answer, &d->ack_sdp, &d->local_version);

	if (!r)
		r = dialog_set_text(&d->local_sdp, d->ack_sdp);
	if (r)
		return r;
	d->late_offer = false;
	dialog_ack(d, d->ack_sdp);
	dialog_session_arm(d);
	return 0;
}

int sip_dialog_answer(struct sip_dialog *d, const struct media_desc *answer)
{
	if (d->hung_up)
		return SIP_E_STATE;
	if (d->offer == OFFER_REMOTE)
		return dialog_offer_answer(d, answer);
	if (d->state == DIALOG_INVITED && !d->npending)
		return answer_invite(d, answer);
	if (d->state == DIALOG_UP && d->late_offer)
		return answer_in_ack(d, answer);
	return SIP_E_STATE;
}

/* The ACK of the first 200: the timer of the session runs from the answer. */
void dialog_act_acked(struct sip_dialog *d)
{
	dialog_session_arm(d);
	dialog_offer_acked(d, d->input);
}

/* ---- refusals ---- */

static unsigned refusal(const struct sip_dialog *d)
{
	unsigned status = d->hangup.status;

	return status >= 300 && status <= 699 ? status : 480;
}

void dialog_act_refuse(struct sip_dialog *d)
{
	char reason[SIP_REASON_TEXT_CAP], retry[16] = "";
	const char *why = dialog_format_reason(d, reason);
	const char *warning = sip_server_warning(refusal(d));
	struct nta_incoming_s *irq = d->server;

	if (d->hangup.retry_after_s &&
	    text_format(retry, sizeof(retry), "%u", d->hangup.retry_after_s))
		retry[0] = '\0';
	d->server = NULL;
	nta_incoming_bind(irq, NULL, NULL);
	nta_incoming_treply(
		irq, (int)refusal(d), NULL, TAG_IF(why, SIPTAG_REASON_STR(why)),
		TAG_IF(*retry, SIPTAG_RETRY_AFTER_STR(retry)),
		TAG_IF(warning, SIPTAG_WARNING_STR(warning)), TAG_END());
	nta_incoming_destroy(irq);
}

static void end_cancelled(struct sip_dialog *d)
{
	struct sip_end end = { .by_cancel = true };
	struct nta_incoming_s *irq = d->server;

	dialog_set_end(d, &end, "");
	dialog_read_reason(d, d->input);
	d->server = NULL;
	dialog_respond_end(irq, 487);
	dialog_report_end(d);
}

void dialog_act_cancelled(struct sip_dialog *d)
{
	end_cancelled(d);
}

/* RFC 3261, 15.1.2: a BYE in an early dialog ends the INVITE with 487. */
void dialog_act_bye_early(struct sip_dialog *d)
{
	end_cancelled(d);
}

/* A reliable response that nobody acknowledges ends the INVITE (RFC 3262, 3),
 * and so does its Expires. */
void dialog_act_given_up(struct sip_dialog *d)
{
	struct nta_incoming_s *irq = d->server;

	d->server = NULL;
	dialog_respond_end(irq, d->end.status);
	dialog_report_end(d);
}
