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

#include "gateway/base/log.h"
#include "media/desc.h"
#include "sip/body.h"

enum { RETRY_AFTER_MAX_S = 10 }; /* RFC 3261, 14.2 */

static void close_remote(struct sip_dialog *d)
{
	dialog_timer_clear(d->offer_timer);
	free(d->remote_offer);
	d->remote_offer = NULL;
	d->offer_irq = NULL;
	d->offer = OFFER_NONE;
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
	} else if (d->offer == OFFER_RETRY) {
		dialog_reoffer_again(d);
	}
}

void dialog_offer_wait(struct sip_dialog *d, unsigned ms)
{
	dialog_timer_set(d, &d->offer_timer, on_offer_timer, ms);
}

void dialog_refuse_busy(struct nta_incoming_s *irq)
{
	sip_server_end_for_now(irq, 500, 0, RETRY_AFTER_MAX_S);
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
	dialog_offer_wait(d, OFFER_ANSWER_MS);
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
		dialog_reoffer_close(d);
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
		dialog_fail(d, 488, "No usable answer in ACK", false);
		return;
	}
	free(d->remote_sdp);
	d->remote_sdp = text;
	if (d->handlers && d->handlers->late_answer)
		d->handlers->late_answer(desc, d->arg);
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
