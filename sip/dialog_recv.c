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

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/body.h"
#include "sip/identity.h"
#include "sip/info.h"
#include "sip/message.h"
#include "sip/odd.h"
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

static void refuse_type(const struct sip_incoming *in, const char *type)
{
	sip_odd(in->agent->odds, &in->source.addr, "INFO", "type", type,
		clock_ms());
	nta_incoming_treply(in->irq, SIP_415_UNSUPPORTED_MEDIA,
			    SIPTAG_ACCEPT_STR(SIP_INFO_ACCEPT), TAG_END());
	nta_incoming_destroy(in->irq);
}

/* RFC 6086, 4.2.2 and 5.2.3: we have none, and an empty header says so. */
static void refuse_package(const struct sip_incoming *in, const char *package)
{
	sip_odd(in->agent->odds, &in->source.addr, "INFO", "package", package,
		clock_ms());
	nta_incoming_treply(in->irq, 469, "Bad Info Package",
			    SIPTAG_HEADER_STR("Recv-Info:"), TAG_END());
	nta_incoming_destroy(in->irq);
}

static void recv_info(struct sip_dialog *d, const struct sip_incoming *in)
{
	const char *package = sip_header_text(in->sip, "Info-Package");
	char type[SIP_TYPE_CAP], digit = 0;
	unsigned duration_ms = 0;
	const sip_payload_t *pl = in->sip->sip_payload;
	struct slice body =
		pl ? (struct slice){ pl->pl_data, pl->pl_len } : SLICE_NONE;
	int r;

	sip_body_type(type, in->sip);
	r = body.n ? sip_info_parse(type, body, &digit, &duration_ms)
		   : SIP_E_INFO_TYPE;
	if (r == SIP_E_INFO_TYPE && *package) {
		refuse_package(in, package);
		return;
	}
	/* RFC 6086, 4.2.1: without a body, or legacy use that we know. */
	if (!body.n) {
		sip_server_end(in, 200);
		return;
	}
	if (r == SIP_E_INFO_TYPE) {
		refuse_type(in, type);
		return;
	}
	sip_server_end(in, r ? 400 : 200);
	if (!r && d->handlers && d->handlers->digit)
		d->handlers->digit(digit, duration_ms, d->arg);
}

/* Before the answer: UPDATE (RFC 3311, 5.2), and INVITE, which is too early
 * (RFC 3261, 14.2). */
static void recv_early(struct sip_dialog *d, const struct sip_incoming *in)
{
	bool reinvite = in->sip->sip_request->rq_method == sip_method_invite;
	bool offers = in->sip->sip_payload != NULL;

	if (!reinvite && (!offers || d->early_answered))
		dialog_offer_recv(d, in);
	else if (d->uac) /* our INVITE or offer is not answered */
		sip_server_end(in, 491);
	else /* its own is not */
		dialog_refuse_busy(in->irq);
}

static void recv_session(struct sip_dialog *d, const struct sip_incoming *in)
{
	if (d->state == DIALOG_UP || d->state == DIALOG_ANSWERED)
		dialog_offer_recv(d, in);
	else if (d->state == DIALOG_CALLING || d->state == DIALOG_RINGING ||
		 d->state == DIALOG_INVITED)
		recv_early(d, in);
	else
		sip_server_end(in, 481);
}

static void dispatch(struct sip_dialog *d, const struct sip_incoming *in)
{
	switch (in->sip->sip_request->rq_method) {
	case sip_method_bye:
		recv_bye(d, in->irq, in->sip);
		break;
	case sip_method_invite:
	case sip_method_update:
		recv_session(d, in);
		break;
	case sip_method_prack:
		dialog_prack_recv(d, in);
		break;
	case sip_method_info:
		recv_info(d, in);
		break;
	case sip_method_options:
		sip_server_options(in, 200);
		break;
	case sip_method_notify:
		dialog_notify_recv(d, in);
		break;
	case sip_method_message: /* RFC 3428, 8: as outside */
		sip_server_message(in);
		break;
	case sip_method_subscribe:
		dialog_subscribe_recv(d, in);
		break;
	case sip_method_refer:
		if (d->policy.refer)
			dialog_refer_recv(d, in);
		else
			sip_server_refuse_method(in);
		break;
	default:
		sip_server_refuse_method(in);
		break;
	}
}

/*
 * RFC 3261, 12.2.2: a lower CSeq than the last is out of order. Forks count
 * each for itself, so it is not looked at before one of them has answered.
 */
static bool is_stale(struct sip_dialog *d, const sip_t *sip)
{
	uint32_t cseq = sip->sip_cseq->cs_seq;

	if (d->uac && d->state < DIALOG_UP)
		return false;
	if (cseq < d->remote_cseq)
		return true;
	d->remote_cseq = cseq;
	dialog_changed(d);
	return false;
}

/* To sofia a tag without a value, as in "<sip:x>;tag", is any. */
static bool is_tagged(const struct sip_dialog *d, const sip_t *sip)
{
	const char *to = sip->sip_to->a_tag, *from = sip->sip_from->a_tag;
	bool peer_is = d->remote_tag && *d->remote_tag;

	return (!to || *to) && (!peer_is || !from || *from);
}

int dialog_recv(struct sip_dialog *d, struct nta_leg_s *leg,
		struct nta_incoming_s *irq, const struct sip_s *sip)
{
	const struct sip_incoming in = { .agent = d->agent,
					 .irq = irq,
					 .sip = sip,
					 .source = { d->peer.addr,
						     d->peer.transport },
					 .policy = d->policy };
	bool ack = sip->sip_request->rq_method == sip_method_ack;
	bool tagged = is_tagged(d, sip);

	(void)leg;
	if (ack && tagged)
		recv_ack(d, irq, sip);
	else if (ack)
		nta_incoming_destroy(irq);
	else if (!tagged)
		sip_server_end(&in, 481);
	else if (is_stale(d, sip))
		sip_server_end(&in, 500);
	else if (!sip_server_check(&in))
		dispatch(d, &in);
	return 0;
}
