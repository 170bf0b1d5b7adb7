/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Offers and answers once the dialog is up (RFC 3264; RFC 3261, 14; RFC 3311).
 * One is open at a time, whoever made it: ours that meets theirs gets 491 and
 * waits as 14.1 says, theirs that meets ours gets 491.
 */
#include "sip/dialog_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "media/desc.h"
#include "sip/body.h"

enum {
	RETRIES_MAX = 6,
	RETRY_AFTER_MAX_S = 10, /* RFC 3261, 14.2 */
	/* RFC 3261, 14.1, in units of 10 ms. */
	GLARE_OWNER_MIN = 210,
	GLARE_OWNER_SPAN = 190,
	GLARE_OTHER_SPAN = 200,
};

static void close_remote(struct sip_dialog *d)
{
	dialog_timer_clear(d->offer_timer);
	free(d->remote_offer);
	d->remote_offer = NULL;
	d->offer_irq = NULL;
	d->offer = OFFER_NONE;
}

static void close_local(struct sip_dialog *d)
{
	dialog_timer_clear(d->offer_timer);
	free(d->offered_sdp);
	d->offered_sdp = NULL;
	d->retries = 0;
	d->offer = OFFER_NONE;
}

static int send_offer(struct sip_dialog *d, const char *sdp);
static bool may_update(const struct sip_dialog *d);

static void fail(struct sip_dialog *d, unsigned status, const char *text,
		 bool timeout)
{
	struct sip_end end = { .status = status, .timeout = timeout };

	dialog_set_end(d, &end, text);
	dialog_event(d, DIALOG_EV_FAILED);
}

static void on_offer_timer(int fd, short what, void *arg)
{
	struct sip_dialog *d = arg;

	(void)fd;
	(void)what;
	if (d->offer == OFFER_REMOTE) {
		log_warn("dialog=%s what=\"offer not answered in time\"",
			 d->call_id);
		sip_dialog_refuse(d, 500);
	} else if (d->offer == OFFER_RETRY &&
		   (d->state == DIALOG_UP || may_update(d))) {
		d->offer = OFFER_LOCAL;
		if (send_offer(d, d->offered_sdp))
			fail(d, 500, "Offer could not be sent", false);
	}
}

/* ---- theirs ---- */

void dialog_refuse_busy(struct nta_incoming_s *irq)
{
	char wait[8];

	if (text_format(wait, sizeof(wait), "%u",
			rand_u32() % (RETRY_AFTER_MAX_S + 1)))
		wait[0] = '\0';
	nta_incoming_treply(irq, SIP_500_INTERNAL_SERVER_ERROR,
			    TAG_IF(*wait, SIPTAG_RETRY_AFTER_STR(wait)),
			    TAG_END());
	nta_incoming_destroy(irq);
}

/* Whether another is open; @irq is refused then. */
static bool is_busy(struct sip_dialog *d, struct nta_incoming_s *irq)
{
	if (d->offer == OFFER_LOCAL || d->offer == OFFER_REFRESH ||
	    d->late_offer) {
		dialog_respond_end(irq, 491);
		return true;
	}
	if (d->offer == OFFER_REMOTE || d->reply.irq) {
		dialog_refuse_busy(irq);
		return true;
	}
	return false;
}

static int on_cancel(struct sip_dialog *d, nta_incoming_t *irq,
		     sip_t const *sip)
{
	if (!sip || !sip->sip_request || irq != d->offer_irq ||
	    sip->sip_request->rq_method != sip_method_cancel)
		return 0;
	close_remote(d);
	dialog_respond_end(irq, 487);
	return 0;
}

/* 200 with @text to the INVITE or UPDATE that is open. */
static void accept_remote(struct sip_dialog *d, struct nta_incoming_s *irq,
			  bool update, bool offered)
{
	if (update) {
		dialog_respond(d, irq, 200, d->local_sdp);
		nta_incoming_bind(irq, NULL, NULL);
		nta_incoming_destroy(irq);
		d->offer = OFFER_NONE;
	} else {
		d->offer = OFFER_ACK;
		dialog_reply_start(d, irq, d->local_sdp, offered);
	}
	dialog_session_arm(d);
	dialog_changed(d);
}

/* Nothing but the session is refreshed, or the target. */
static bool is_refresh(const struct sip_dialog *d, const char *text)
{
	return text && d->local_sdp && d->remote_sdp &&
	       !strcmp(text, d->remote_sdp);
}

static void open_remote(struct sip_dialog *d, struct nta_incoming_s *irq,
			const struct media_desc *desc, char *text, bool update)
{
	d->offer = OFFER_REMOTE;
	d->offer_irq = irq;
	d->remote_offer = text;
	d->remote_update = update;
	nta_incoming_bind(irq, on_cancel, d);
	if (!update)
		nta_incoming_treply(irq, SIP_100_TRYING, TAG_END());
	dialog_timer_set(d, &d->offer_timer, on_offer_timer, OFFER_ANSWER_MS);
	if (d->handlers && d->handlers->offer)
		d->handlers->offer(desc, d->arg);
	else
		sip_dialog_refuse(d, 488);
}

/* A new target; the leg's own, where the dialog is an early one. */
static void take_target(struct sip_dialog *d, const struct sip_s *sip)
{
	struct sip_hop hop;
	nta_leg_t *leg = dialog_leg(d, &hop);

	if (!sip->sip_contact ||
	    sip->sip_request->rq_method == sip_method_prack)
		return;
	nta_leg_server_route(leg, NULL, sip->sip_contact);
	if (leg == d->leg)
		dialog_update_hop(d);
}

void dialog_offer_recv(struct sip_dialog *d, const struct sip_incoming *in)
{
	sip_method_t method = in->sip->sip_request->rq_method;
	bool update = method != sip_method_invite;
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	char *text = NULL;
	bool overtakes;
	int r = sip_body_read(&desc, &text, in->sip);

	if (r) {
		sip_body_refuse(in, r > 0 ? (unsigned)r : 500);
		return;
	}
	if ((!update || text) && is_busy(d, in->irq)) {
		free(text);
		return;
	}
	if (method != sip_method_prack && dialog_session_request(d, in->sip)) {
		free(text);
		dialog_refuse_interval(in->irq);
		return;
	}
	/* What waits describes us as we were before this one. */
	overtakes = d->offer == OFFER_RETRY && (!update || text);
	if (overtakes)
		close_local(d);
	take_target(d, in->sip);
	if (update && !text) {
		dialog_respond(d, in->irq, 200, NULL);
		nta_incoming_destroy(in->irq);
		dialog_session_arm(d);
	} else if (is_refresh(d, text)) {
		free(text);
		accept_remote(d, in->irq, update, false);
	} else {
		open_remote(d, in->irq, desc, text, update);
	}
	if (overtakes && d->handlers && d->handlers->refused)
		d->handlers->refused(0, d->arg);
}

int dialog_offer_answer(struct sip_dialog *d, const struct media_desc *answer)
{
	struct nta_incoming_s *irq = d->offer_irq;
	bool offered = !d->remote_offer;
	char *text;
	uint64_t version;
	int r;

	if (d->offer != OFFER_REMOTE)
		return SIP_E_STATE;
	r = dialog_format(d, answer, &text, &version);
	if (r)
		return r;
	free(d->local_sdp);
	d->local_sdp = text;
	d->local_version = version;
	if (d->remote_offer) {
		free(d->remote_sdp);
		d->remote_sdp = d->remote_offer;
		d->remote_offer = NULL;
	}
	close_remote(d);
	accept_remote(d, irq, d->remote_update, offered);
	return 0;
}

void sip_dialog_refuse(struct sip_dialog *d, unsigned status)
{
	struct nta_incoming_s *irq = d->offer_irq;

	if (d->offer != OFFER_REMOTE)
		return;
	close_remote(d);
	dialog_respond_end(irq, status >= 300 && status <= 699 ? status : 488);
}

void dialog_offer_acked(struct sip_dialog *d, const struct sip_s *sip)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	char *text = NULL;
	int r;

	if (d->offer == OFFER_ACK)
		d->offer = OFFER_NONE;
	if (!d->reply.offered)
		return;
	d->reply.offered = false;
	r = sip_body_read(&desc, &text, sip);
	if ((r || !desc) && d->remote_sdp) {
		log_info("dialog=%s what=\"no answer in ACK: goes on as it "
			 "was\"",
			 d->call_id);
		return;
	}
	if (r || !desc) {
		fail(d, 488, "No usable answer in ACK", false);
		return;
	}
	free(d->remote_sdp);
	d->remote_sdp = text;
	if (d->handlers && d->handlers->late_answer)
		d->handlers->late_answer(desc, d->arg);
}

/* ---- ours ---- */

/* All but the o= line, whose version some raise in every 200. */
static bool same_media(const char *a, const char *b)
{
	const char *x = a ? strstr(a, "\ns=") : NULL;
	const char *y = b ? strstr(b, "\ns=") : NULL;

	return x && y && !strcmp(x, y);
}

/* ACK, and where the dialog goes from here. */
static void conclude(struct sip_dialog *d, const struct sip_s *sip)
{
	struct sip_hop hop;
	nta_leg_t *leg = dialog_leg(d, &hop);

	if (sip->sip_contact)
		nta_leg_client_reroute(leg, NULL, sip->sip_contact, 0);
	if (leg == d->leg)
		dialog_update_hop(d);
	if (sip->sip_cseq->cs_method == sip_method_invite) {
		free(d->ack_sdp);
		d->ack_sdp = NULL;
		dialog_ack(d, NULL);
	}
	dialog_session_response(d, sip);
	dialog_session_arm(d);
}

/* A 2xx without an answer, as some send: what was agreed before stands. */
static void keep_agreed(struct sip_dialog *d)
{
	bool refresh = d->offer == OFFER_REFRESH;

	log_info("dialog=%s what=\"no answer in 2xx: goes on as it was\"",
		 d->call_id);
	close_local(d);
	dialog_changed(d);
	if (!refresh && d->handlers && d->handlers->refused)
		d->handlers->refused(488, d->arg);
}

static void accepted(struct sip_dialog *d, const struct sip_s *sip)
{
	AUTO(media_desc_freep) struct media_desc *answer = NULL;
	bool refresh = d->offer == OFFER_REFRESH;
	char *text = NULL;
	int r = sip_body_read(&answer, &text, sip);

	conclude(d, sip);
	if (!r && !answer) {
		keep_agreed(d);
		return;
	}
	if (r) {
		close_local(d);
		fail(d, 488, "No usable answer", false);
		return;
	}
	if (!refresh) {
		free(d->local_sdp);
		d->local_sdp = d->offered_sdp;
		d->local_version = d->offered_version;
		d->offered_sdp = NULL;
	}
	refresh = refresh && same_media(text, d->remote_sdp);
	close_local(d);
	free(d->remote_sdp);
	d->remote_sdp = text;
	dialog_changed(d);
	if (!refresh && d->handlers && d->handlers->answer)
		d->handlers->answer(answer, d->arg);
}

/* RFC 3261, 14.1: who owns the Call-ID waits longer. */
static void retry_later(struct sip_dialog *d)
{
	unsigned units =
		d->uac ? GLARE_OWNER_MIN + rand_u32() % (GLARE_OWNER_SPAN + 1)
		       : rand_u32() % (GLARE_OTHER_SPAN + 1);

	d->retries++;
	d->offer = OFFER_RETRY;
	dialog_timer_set(d, &d->offer_timer, on_offer_timer, units * 10);
}

static void rejected(struct sip_dialog *d, unsigned status,
		     const struct sip_s *sip, bool local)
{
	bool refresh = d->offer == OFFER_REFRESH;

	if (refresh) {
		d->offer = OFFER_NONE;
		dialog_session_failed(d, status, sip);
	} else if (status == 491 && d->retries < RETRIES_MAX) {
		retry_later(d);
	} else if (status == 481 || status == 408) {
		/* RFC 3261, 12.2.1.2: the peer has no such dialog. */
		close_local(d);
		fail(d, status, sip->sip_status->st_phrase, local);
	} else {
		close_local(d);
		if (d->handlers && d->handlers->refused)
			d->handlers->refused(status, d->arg);
	}
}

static void on_offer_response(struct sip_client *client, unsigned status,
			      const struct sip_s *response, bool local,
			      void *arg)
{
	struct sip_dialog *d = arg;
	bool update = client == d->request;

	if (status < 200)
		return;
	if (update)
		d->request = sip_client_free(d->request);
	dialog_changed(d);
	if (d->state != DIALOG_UP && !update) {
		if (status < 300)
			dialog_ack(d, NULL);
	} else if (d->state > DIALOG_UP) {
		return;
	} else if (status < 300) {
		accepted(d, response);
	} else {
		rejected(d, status, response, local);
	}
}

/* Before the answer it goes in an UPDATE, to the fork that has answered our
 * first offer (RFC 3311, 5.1). */
static bool may_update(const struct sip_dialog *d)
{
	return d->uac && d->state == DIALOG_RINGING && d->early_answered &&
	       d->peer_has_update && !d->request;
}

static int send_offer(struct sip_dialog *d, const char *sdp)
{
	if (d->state != DIALOG_UP)
		return dialog_send(d, &d->request, "UPDATE", SIP_SDP_TYPE, sdp,
				   on_offer_response);
	d->invite = sip_client_free(d->invite);
	return dialog_send(d, &d->invite, "INVITE", SIP_SDP_TYPE, sdp,
			   on_offer_response);
}

static bool may_offer(const struct sip_dialog *d)
{
	return !d->hung_up && d->offer == OFFER_NONE && !d->reply.irq &&
	       !d->late_offer && (d->state == DIALOG_UP || may_update(d));
}

int sip_dialog_offer(struct sip_dialog *d, const struct media_desc *offer)
{
	char *text;
	int r;

	if (!may_offer(d))
		return SIP_E_STATE;
	r = dialog_format(d, offer, &text, &d->offered_version);
	if (r)
		return r;
	free(d->offered_sdp);
	d->offered_sdp = text;
	r = dialog_renew_contact(d);
	d->offer = OFFER_LOCAL;
	d->retries = 0;
	if (!r)
		r = send_offer(d, d->offered_sdp);
	if (r)
		close_local(d);
	return r;
}

/* ---- refresh ---- */

static void on_update_response(struct sip_client *client, unsigned status,
			       const struct sip_s *response, bool local,
			       void *arg)
{
	struct sip_dialog *d = arg;

	(void)local;
	if (status < 200)
		return;
	if (d->request == client)
		d->request = sip_client_free(d->request);
	if (d->state != DIALOG_UP)
		return;
	if (status >= 300) {
		dialog_session_failed(d, status, response);
		return;
	}
	nta_leg_client_reroute(d->leg, NULL, response->sip_contact, 0);
	dialog_update_hop(d);
	dialog_session_response(d, response);
	dialog_session_arm(d);
	dialog_changed(d);
}

void dialog_offer_refresh(struct sip_dialog *d)
{
	if (d->offer != OFFER_NONE || d->reply.irq || d->request) {
		/* What is open refreshes the session as well. */
		dialog_session_failed(d, 491, NULL);
		return;
	}
	if (!d->peer_has_update && d->local_sdp) {
		d->offer = OFFER_REFRESH;
		if (send_offer(d, d->local_sdp)) {
			close_local(d);
			dialog_session_failed(d, 500, NULL);
		}
	} else if (dialog_send(d, &d->request, "UPDATE", SIP_SDP_TYPE, NULL,
			       on_update_response)) {
		dialog_session_failed(d, 500, NULL);
	}
}

void dialog_offer_stop(struct sip_dialog *d)
{
	struct nta_incoming_s *irq = d->offer_irq;

	if (d->offer == OFFER_REMOTE) {
		close_remote(d);
		dialog_respond_end(irq, 487);
	}
	dialog_timer_clear(d->offer_timer);
	d->offer = OFFER_NONE;
	d->request = sip_client_free(d->request);
}
