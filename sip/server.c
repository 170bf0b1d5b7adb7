/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/server.h"

#include <stdlib.h>
#include <string.h>

#define NTA_AGENT_MAGIC_T    struct sip_agent
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/tport.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "media/desc.h"
#include "sip/agent_int.h"
#include "sip/body.h"
#include "sip/dialog_int.h"
#include "sip/identity.h"
#include "sip/stranger.h"

enum {
	RETRY_AFTER_MAX_S = 32, /* random, so that they do not come together */
	UNSUPPORTED_CAP = 512,
};

static void reply_end(nta_incoming_t *irq, int status)
{
	nta_incoming_treply(irq, status, NULL, TAG_END());
	nta_incoming_destroy(irq);
}

void sip_server_refuse_method(struct nta_incoming_s *irq)
{
	bool unknown = nta_incoming_method(irq) == sip_method_unknown;

	log_info("event=sip_method what=refused method=%s",
		 log_text(slice_of(nta_incoming_method_name(irq))).s);
	nta_incoming_treply(irq, unknown ? 501 : 405, NULL,
			    SIPTAG_ALLOW_STR(SIP_ALLOW), TAG_END());
	nta_incoming_destroy(irq);
}

void sip_server_options(struct nta_incoming_s *irq, unsigned status)
{
	nta_incoming_treply(irq, (int)status, NULL, SIPTAG_ALLOW_STR(SIP_ALLOW),
			    SIPTAG_ACCEPT_STR(SIP_SDP_TYPE),
			    SIPTAG_ACCEPT_ENCODING_STR("identity"),
			    SIPTAG_ACCEPT_LANGUAGE_STR("en"),
			    SIPTAG_SUPPORTED_STR(SIP_SUPPORTED), TAG_END());
	nta_incoming_destroy(irq);
}

/* ---- checks ---- */

/* The extensions of Require that we do not have, as a list; "" none. */
static void find_unsupported(const sip_t *sip, char out[static UNSUPPORTED_CAP])
{
	const sip_require_t *rq = sip->sip_require;
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; rq && rq->k_items && rq->k_items[i]; i++) {
		const char *tag = rq->k_items[i];

		if (!strcasecmp(tag, "timer"))
			continue;
		if (text_format(out + n, UNSUPPORTED_CAP - n, "%s%s",
				n ? ", " : "", tag)) {
			out[n] = '\0';
			return;
		}
		n += strlen(out + n);
	}
}

static bool check_require(nta_incoming_t *irq, const sip_t *sip)
{
	char unsupported[UNSUPPORTED_CAP];

	find_unsupported(sip, unsupported);
	if (!*unsupported)
		return false;
	nta_incoming_treply(irq, SIP_420_BAD_EXTENSION,
			    SIPTAG_UNSUPPORTED_STR(unsupported), TAG_END());
	nta_incoming_destroy(irq);
	return true;
}

/* RFC 3261, 18.3: the datagram ends before its body does. */
static bool is_cut_off(const sip_t *sip)
{
	const sip_content_length_t *l = sip->sip_content_length;

	return l &&
	       l->l_length > (sip->sip_payload ? sip->sip_payload->pl_len : 0);
}

bool sip_server_check(struct nta_incoming_s *irq, const struct sip_s *sip)
{
	const url_t *url = sip->sip_request->rq_url;
	sip_method_t method = sip->sip_request->rq_method;

	if (is_cut_off(sip)) {
		reply_end(irq, 400);
		return true;
	}
	if (url->url_type != url_sip && url->url_type != url_sips &&
	    url->url_type != url_tel) {
		reply_end(irq, 416);
		return true;
	}
	/* OPTIONS with 0 asks the hop that it reached (RFC 3261, 11). */
	if (sip->sip_max_forwards && !sip->sip_max_forwards->mf_count &&
	    method != sip_method_options) {
		reply_end(irq, 483);
		return true;
	}
	return method != sip_method_cancel && check_require(irq, sip);
}

/* ---- INVITE ---- */

static void refuse_overload(nta_incoming_t *irq)
{
	char wait[8];

	if (text_format(wait, sizeof(wait), "%u",
			1 + rand_u32() % RETRY_AFTER_MAX_S))
		wait[0] = '\0';
	nta_incoming_treply(irq, SIP_503_SERVICE_UNAVAILABLE,
			    TAG_IF(*wait, SIPTAG_RETRY_AFTER_STR(wait)),
			    TAG_END());
	nta_incoming_destroy(irq);
}

static void refuse_interval(nta_incoming_t *irq)
{
	char min_se[16];

	if (text_format(min_se, sizeof(min_se), "%d", SIP_MIN_SE_S))
		min_se[0] = '\0';
	nta_incoming_treply(irq, SIP_422_SESSION_TIMER_TOO_SMALL,
			    SIPTAG_MIN_SE_STR(min_se), TAG_END());
	nta_incoming_destroy(irq);
}

/* RFC 3261, 8.1.1.8: exactly one, or in-dialog requests would go astray. */
static bool has_contact(const sip_t *sip)
{
	const sip_contact_t *m = sip->sip_contact;

	return m && !m->m_next &&
	       (m->m_url->url_type == url_sip ||
		m->m_url->url_type == url_sips);
}

static void offer_invite(struct sip_agent *agent, struct sip_dialog *d,
			 const sip_t *sip, const struct sip_source *source,
			 const struct media_desc *offer)
{
	char request_user[SIP_USER_CAP], to_user[SIP_USER_CAP];
	struct sip_identity identity;
	const struct sip_invite invite = {
		.source = *source,
		.request_user = request_user,
		.to_user = to_user,
		.identity = &identity,
		.offer = offer,
		.message = sip,
	};

	sip_url_user(request_user, sip->sip_request->rq_url);
	sip_url_user(to_user, sip->sip_to->a_url);
	sip_identity_read(&identity, sip);
	agent->handlers->invite(d, &invite, agent->arg);
}

static void recv_invite(struct sip_agent *agent, nta_incoming_t *irq,
			const sip_t *sip, const struct sip_source *source)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	struct sip_dialog *d;
	char *text;
	int r;

	if (agent->half_open >= agent->max_half_open) {
		refuse_overload(irq);
		return;
	}
	if (!has_contact(sip)) {
		nta_incoming_treply(irq, 400, "Missing Contact Header",
				    TAG_END());
		nta_incoming_destroy(irq);
		return;
	}
	r = sip_body_read(&offer, &text, sip);
	/* Nothing in it that could become a call. */
	if (!r && offer && !media_desc_first(offer, MEDIA_AUDIO)) {
		free(text);
		r = 488;
	}
	if (r) {
		sip_body_refuse(irq, r > 0 ? (unsigned)r : 500);
		return;
	}
	r = dialog_invited(&d, agent, irq, sip, source, text);
	if (r == SIP_E_INTERVAL)
		refuse_interval(irq);
	else if (r)
		reply_end(irq, 500);
	else
		offer_invite(agent, d, sip, source, offer);
}

/* ---- other methods ---- */

/* RFC 6665, 4.1.3; but what PBXs send unasked for is taken: some end a
 * registration at an error. */
static void recv_notify(nta_incoming_t *irq, const sip_t *sip)
{
	static const char *const harmless[] = { "message-summary", "keep-alive",
						"check-sync" };
	const char *event = sip->sip_event ? sip->sip_event->o_type : "";

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		if (strcasecmp(event, harmless[i]))
			continue;
		reply_end(irq, 200);
		return;
	}
	reply_end(irq, 489);
}

static void dispatch(struct sip_agent *agent, nta_incoming_t *irq,
		     const sip_t *sip, const struct sip_source *source)
{
	/* A tag of ours that no dialog has any more. */
	if (sip->sip_to->a_tag) {
		reply_end(irq, 481);
		return;
	}
	switch (sip->sip_request->rq_method) {
	case sip_method_invite:
		recv_invite(agent, irq, sip, source);
		break;
	case sip_method_options:
		sip_server_options(
			irq, agent->handlers->options(source, agent->arg));
		break;
	case sip_method_notify:
		recv_notify(irq, sip);
		break;
	case sip_method_subscribe:
		reply_end(irq, 489);
		break;
	case sip_method_bye:
	case sip_method_cancel:
	case sip_method_prack:
	case sip_method_update:
	case sip_method_info:
		reply_end(irq, 481);
		break;
	default:
		sip_server_refuse_method(irq);
		break;
	}
}

/* ---- the door ---- */

static bool read_source(struct sip_agent *agent, msg_t *msg,
			struct sip_source *out)
{
	tport_t *tport = nta_incoming_transport(agent->nta, NULL, msg);
	const su_sockaddr_t *su = msg_addr(msg);
	bool tcp = tport && tport_is_tcp(tport);

	if (tport)
		tport_unref(tport);
	out->transport = tcp ? SIP_TCP : SIP_UDP;
	return su && !addr_from(&out->addr, &su->su_sa);
}

/* Responses go where the request came from, not where it says: `maddr` is for
 * multicast (RFC 3261, 18.2.2), and would let anybody aim us at others. */
static void drop_maddr(sip_t *sip)
{
	if (sip->sip_via && sip->sip_via->v_maddr)
		msg_header_remove_param(sip->sip_via->v_common, "maddr");
}

/* A connection that a stranger opened is closed as well. */
static void drop(struct sip_agent *agent, msg_t *msg)
{
	tport_t *tport = nta_incoming_transport(agent->nta, NULL, msg);

	msg_destroy(msg);
	if (!tport)
		return;
	if (tport_is_tcp(tport) && tport_is_secondary(tport))
		tport_shutdown(tport, 2);
	tport_unref(tport);
}

static void turn_away(struct sip_agent *agent, msg_t *msg, const sip_t *sip,
		      const struct sip_source *source)
{
	const char *method = sip->sip_request->rq_method_name;

	if (sip_stranger_seen(agent->strangers, source, method, clock_ms()))
		nta_msg_treply(agent->nta, msg, SIP_403_FORBIDDEN, TAG_END());
	else
		drop(agent, msg);
}

static void recv_response(struct sip_agent *agent, msg_t *msg, const sip_t *sip)
{
	struct sip_source source;

	if (read_source(agent, msg, &source) &&
	    agent->handlers->source(&source, agent->arg) == SIP_TRUSTED)
		sip_dialog_stray(
			agent, sip,
			&(struct sip_hop){ source.addr, source.transport });
	msg_destroy(msg);
}

int sip_server_recv(struct sip_agent *agent, struct nta_agent_s *nta,
		    struct msg_s *msg, struct sip_s *sip)
{
	struct sip_source source;
	nta_incoming_t *irq;

	(void)nta;
	if (!sip->sip_request) {
		recv_response(agent, msg, sip);
		return 0;
	}
	drop_maddr(sip);
	if (!read_source(agent, msg, &source)) {
		msg_destroy(msg);
		return 0;
	}
	if (agent->handlers->source(&source, agent->arg) != SIP_TRUSTED) {
		if (sip->sip_request->rq_method == sip_method_ack)
			msg_destroy(msg);
		else
			turn_away(agent, msg, sip, &source);
		return 0;
	}
	if (sip->sip_request->rq_method == sip_method_ack) {
		msg_destroy(msg);
		return 0;
	}
	irq = nta_incoming_create(agent->nta, NULL, msg, sip, TAG_END());
	if (irq && !sip_server_check(irq, sip))
		dispatch(agent, irq, sip, &source);
	return 0;
}
