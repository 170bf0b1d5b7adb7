/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Ringing at the INVITE we got: repeated so that proxies keep waiting (RFC
 * 3261, 13.3.1.1), and until its PRACK where the peer takes it reliably (RFC
 * 3262, 3). One waits at a time; what comes meanwhile follows it.
 */
#include "sip/dialog_int.h"

#include <stdlib.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "media/desc.h"

enum { RSEQ_CAP = 12 };

static void on_repeat(int fd, short what, void *arg);

static void transmit(struct sip_dialog *d)
{
	struct dialog_reliable *rel = &d->reliable;
	char rseq[RSEQ_CAP];

	if (text_format(rseq, sizeof(rseq), "%u", rel->rseq))
		return;
	nta_incoming_treply(
		d->server, (int)rel->status, NULL,
		SIPTAG_CONTACT_STR(d->contact),
		SIPTAG_ALLOW_STR(sip_policy_allow(&d->policy)),
		SIPTAG_REQUIRE_STR("100rel"), SIPTAG_RSEQ_STR(rseq),
		TAG_IF(rel->sdp, SIPTAG_CONTENT_TYPE_STR(SIP_SDP_TYPE)),
		TAG_IF(rel->sdp, SIPTAG_PAYLOAD_STR(rel->sdp)), TAG_END());
	dialog_timer_set(d, &rel->timer, on_repeat, rel->interval_ms);
}

static void on_repeat(int fd, short what, void *arg)
{
	struct sip_dialog *d = arg;
	struct dialog_reliable *rel = &d->reliable;

	(void)fd;
	(void)what;
	if (!rel->waits || !d->server)
		return;
	if (clock_ms() < rel->give_up_ms) {
		rel->interval_ms *= 2;
		transmit(d);
		return;
	}
	dialog_fail(d, 504, "No PRACK", true);
}

static void send_reliable(struct sip_dialog *d)
{
	struct dialog_reliable *rel = &d->reliable;

	if (rel->waits) {
		rel->again = true;
		return;
	}
	if (dialog_set_text(&rel->sdp, d->early_sdp)) {
		log_error("dialog=%s what=\"out of memory\"", d->call_id);
		return;
	}
	rel->waits = true;
	rel->again = false;
	rel->status = d->ring_status;
	rel->cseq = nta_incoming_cseq(d->server);
	rel->rseq++;
	rel->interval_ms = SIP_T1_MS;
	rel->give_up_ms = clock_ms() + SIP_T1X64_MS;
	transmit(d);
}

static void on_ring_again(int fd, short what, void *arg);

static void ring(struct sip_dialog *d)
{
	/* RFC 3262, 3: the first would have to hold our offer, which is not
	 * known yet; where it may be left out it is. */
	if (d->reliable.wanted && !d->remote_sdp)
		return;
	if (d->reliable.wanted)
		send_reliable(d);
	else
		dialog_respond(d, d->server, d->ring_status, d->early_sdp);
	dialog_timer_set(d, &d->ring_timer, on_ring_again, RING_AGAIN_MS);
}

static void on_ring_again(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ring(arg);
}

int sip_dialog_ring(struct sip_dialog *d, unsigned status,
		    const struct media_desc *early)
{
	char *text = NULL;
	int r = 0;

	if (d->state != DIALOG_INVITED || d->npending)
		return SIP_E_STATE;
	if (status <= 100 || status >= 200)
		return -EINVAL;
	if (early)
		r = dialog_format(d, early, &text, &d->local_version);
	if (r)
		return r;
	if (text) {
		free(d->early_sdp);
		d->early_sdp = text;
		/* So that the 200 repeats it under the same version. */
		r = dialog_set_text(&d->local_sdp, text);
	}
	if (r)
		return r;
	d->ring_status = status;
	ring(d);
	return 0;
}

static bool is_ours(const struct sip_dialog *d, const sip_rack_t *rack)
{
	return rack && d->reliable.rseq &&
	       rack->ra_response == d->reliable.rseq &&
	       rack->ra_cseq == d->reliable.cseq &&
	       rack->ra_method == sip_method_invite && !d->uac;
}

void dialog_prack_recv(struct sip_dialog *d, const struct sip_incoming *in)
{
	struct dialog_reliable *rel = &d->reliable;

	if (!is_ours(d, in->sip->sip_rack) || !rel->waits) {
		sip_server_end(in, 481);
		return;
	}
	rel->waits = false;
	dialog_timer_clear(rel->timer);
	d->early_answered = d->early_answered || rel->sdp;
	if (in->sip->sip_payload)
		dialog_offer_recv(d, in);
	else
		sip_server_end(in, 200);
	if (d->state != DIALOG_INVITED)
		return;
	if (rel->hold_answer)
		dialog_answer_now(d);
	else if (rel->again)
		ring(d);
}

void dialog_ring_stop(struct sip_dialog *d)
{
	dialog_timer_clear(d->ring_timer);
	dialog_timer_clear(d->expiry_timer);
	dialog_timer_clear(d->reliable.timer);
}
