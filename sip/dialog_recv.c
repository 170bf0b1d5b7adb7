/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests inside a dialog (RFC 3261, 12.2.2): one answer to each. */
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
#include "gateway/base/text.h"
#include "sip/body.h"
#include "sip/info.h"
#include "sip/server.h"

static void recv_ack(struct sip_dialog *d, nta_incoming_t *irq,
		     const sip_t *sip)
{
	nta_incoming_destroy(irq);
	if (!d->reply.irq || d->reply.cseq != sip->sip_cseq->cs_seq)
		return; /* repeated: its 200 was repeated as well */
	dialog_reply_stop(d);
	d->input = sip;
	if (d->state == DIALOG_ANSWERED || d->state == DIALOG_LEAVING)
		dialog_event(d, DIALOG_EV_ACK);
	else
		dialog_offer_acked(d, sip);
}

static void recv_bye(struct sip_dialog *d, nta_incoming_t *irq,
		     const sip_t *sip)
{
	struct sip_end end = { .status = 0 };

	if (d->state < DIALOG_INVITED) {
		/* RFC 3261, 15: the callee may not in an early dialog. */
		dialog_respond_end(irq, 481);
		return;
	}
	dialog_respond_end(irq, 200);
	dialog_set_end(d, &end, "");
	dialog_read_reason(d, sip);
	d->input = sip;
	dialog_event(d, DIALOG_EV_BYE);
}

static void recv_info(struct sip_dialog *d, nta_incoming_t *irq,
		      const sip_t *sip)
{
	char type[SIP_TYPE_CAP], digit = 0;
	unsigned duration_ms = 0;
	const sip_payload_t *pl = sip->sip_payload;
	struct slice body =
		pl ? (struct slice){ pl->pl_data, pl->pl_len } : SLICE_NONE;
	int r;

	sip_body_type(type, sip);
	/* RFC 6086, 4.2.1: without a body, or legacy use that we know. */
	if (!body.n) {
		dialog_respond_end(irq, 200);
		return;
	}
	r = sip_info_parse(type, body, &digit, &duration_ms);
	if (r == SIP_E_INFO_TYPE) {
		nta_incoming_treply(irq, SIP_415_UNSUPPORTED_MEDIA,
				    SIPTAG_ACCEPT_STR(SIP_INFO_ACCEPT),
				    TAG_END());
		nta_incoming_destroy(irq);
		return;
	}
	dialog_respond_end(irq, r ? 400 : 200);
	if (!r && d->handlers && d->handlers->digit)
		d->handlers->digit(digit, duration_ms, d->arg);
}

static void recv_session(struct sip_dialog *d, nta_incoming_t *irq,
			 const sip_t *sip)
{
	if (d->state != DIALOG_UP && d->state != DIALOG_ANSWERED) {
		/* An offer of the INVITE is open (RFC 3311, 5.2). */
		dialog_respond_end(irq, d->state < DIALOG_UP ? 491 : 481);
		return;
	}
	dialog_offer_recv(d, irq, sip);
}

static void dispatch(struct sip_dialog *d, nta_incoming_t *irq,
		     const sip_t *sip)
{
	switch (sip->sip_request->rq_method) {
	case sip_method_bye:
		recv_bye(d, irq, sip);
		break;
	case sip_method_invite:
	case sip_method_update:
		recv_session(d, irq, sip);
		break;
	case sip_method_info:
		recv_info(d, irq, sip);
		break;
	case sip_method_options:
		sip_server_options(irq, 200);
		break;
	case sip_method_prack: /* no provisional of ours is reliable */
	case sip_method_notify:
		dialog_respond_end(irq, 481);
		break;
	case sip_method_refer:
		dialog_respond_end(irq, 603);
		break;
	default:
		sip_server_refuse_method(irq);
		break;
	}
}

/* RFC 3261, 12.2.2: a lower CSeq than the last is out of order. */
static bool is_stale(const struct sip_dialog *d, const sip_t *sip)
{
	return sip->sip_cseq->cs_seq < d->remote_cseq;
}

int dialog_recv(struct sip_dialog *d, struct nta_leg_s *leg,
		struct nta_incoming_s *irq, const struct sip_s *sip)
{
	(void)leg;
	if (sip->sip_request->rq_method == sip_method_ack) {
		recv_ack(d, irq, sip);
		return 0;
	}
	if (is_stale(d, sip)) {
		dialog_respond_end(irq, 500);
		return 0;
	}
	d->remote_cseq = sip->sip_cseq->cs_seq;
	dialog_changed(d);
	if (!sip_server_check(irq, sip))
		dispatch(d, irq, sip);
	return 0;
}
