/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What we offer once the dialog is up: re-INVITE, UPDATE, the refresh of the
 * session (RFC 3261, 14; RFC 3311; RFC 4028, 7.4).
 */
#include "sip/dialog_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_LEG_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "media/desc.h"
#include "sip/body.h"

enum {
	RETRIES_MAX = 6,
	/* RFC 3261, 14.1, in units of 10 ms. */
	GLARE_OWNER_MIN = 210,
	GLARE_OWNER_SPAN = 190,
	GLARE_OTHER_SPAN = 200,
};

void dialog_reoffer_close(struct sip_dialog *d)
{
	dialog_timer_clear(d->offer_timer);
	free(d->offered_sdp);
	d->offered_sdp = NULL;
	d->retries = 0;
	d->offer = OFFER_NONE;
}

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
		/* Its ACK would be lost where it was. */
		if (sip_client_went_back(d->invite))
			d->hop = d->peer;
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
	dialog_reoffer_close(d);
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
		dialog_reoffer_close(d);
		dialog_fail(d, 488, "No usable answer", false);
		return;
	}
	if (!refresh) {
		free(d->local_sdp);
		d->local_sdp = d->offered_sdp;
		d->local_version = d->offered_version;
		d->offered_sdp = NULL;
	}
	refresh = refresh && same_media(text, d->remote_sdp);
	dialog_reoffer_close(d);
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
	dialog_offer_wait(d, units * 10);
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
		dialog_reoffer_close(d);
		dialog_fail(d, status, sip->sip_status->st_phrase, local);
	} else {
		dialog_reoffer_close(d);
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

/* Whom it was meant for rings no more, or takes no UPDATE any more: it is made
 * anew where one can be sent. */
static void give_up_waiting(struct sip_dialog *d)
{
	dialog_reoffer_close(d);
	if (d->handlers && d->handlers->refused)
		d->handlers->refused(0, d->arg);
}

void dialog_reoffer_again(struct sip_dialog *d)
{
	if (d->state > DIALOG_UP)
		return;
	if (d->state != DIALOG_UP && !may_update(d)) {
		give_up_waiting(d);
		return;
	}
	d->offer = OFFER_LOCAL;
	if (send_offer(d, d->offered_sdp))
		dialog_fail(d, 500, "Offer could not be sent", false);
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
		dialog_reoffer_close(d);
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

void dialog_reoffer_refresh(struct sip_dialog *d)
{
	if (d->offer != OFFER_NONE || d->reply.irq || d->request) {
		/* What is open refreshes the session as well. */
		dialog_session_failed(d, 491, NULL);
		return;
	}
	if (!d->peer_has_update && d->local_sdp) {
		d->offer = OFFER_REFRESH;
		if (send_offer(d, d->local_sdp)) {
			dialog_reoffer_close(d);
			dialog_session_failed(d, 500, NULL);
		}
	} else if (dialog_send(d, &d->request, "UPDATE", SIP_SDP_TYPE, NULL,
			       on_update_response)) {
		dialog_session_failed(d, 500, NULL);
	}
}
