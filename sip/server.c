/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/server.h"

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
#include "sip/agent_int.h"
#include "sip/dialog_int.h"
#include "sip/identity.h"
#include "sip/message.h"
#include "sip/share.h"
#include "sip/stranger.h"
#include "sip/tls.h"

static unsigned ask_options(const struct sip_incoming *in)
{
	char user[SIP_USER_CAP], to_user[SIP_USER_CAP];
	const struct sip_invite request = { .source = in->source,
					    .request_user = user,
					    .called_user = "",
					    .to_user = to_user,
					    .message = in->sip };

	sip_url_user(user, in->sip->sip_request->rq_url);
	sip_url_user(to_user, in->sip->sip_to->a_url);
	return in->agent->handlers->options(&request, in->agent->arg);
}

static void dispatch(const struct sip_incoming *in)
{
	/* A tag of ours that no dialog has any more. */
	if (in->sip->sip_to->a_tag) {
		sip_server_end(in, 481);
		return;
	}
	switch (in->sip->sip_request->rq_method) {
	case sip_method_invite:
		sip_server_invite(in);
		break;
	case sip_method_options:
		sip_server_options(in, ask_options(in));
		break;
	case sip_method_notify:
		sip_server_notify(in);
		break;
	case sip_method_message:
		sip_server_message(in);
		break;
	case sip_method_subscribe:
		sip_server_refuse_event(in);
		break;
	case sip_method_refer:
		/* A call between two telephones is nobody's of ours. */
		if (in->policy.refer)
			sip_server_end(in, 603);
		else
			sip_server_refuse_method(in);
		break;
	case sip_method_bye:
	case sip_method_cancel:
	case sip_method_prack:
	case sip_method_update:
	case sip_method_info:
		sip_server_end(in, 481);
		break;
	default:
		sip_server_refuse_method(in);
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
	bool tls = tcp && sip_tls_is_ident(tport_name(tport)->tpn_ident);

	if (tport)
		tport_unref(tport);
	out->transport = tls ? SIP_TLS : tcp ? SIP_TCP : SIP_UDP;
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

	/* Datagrams were answered at the door. */
	if (sip_stranger_seen(agent->strangers, source, method, clock_ms()) &&
	    source->transport != SIP_UDP)
		nta_msg_treply(agent->nta, msg, SIP_403_FORBIDDEN, TAG_END());
	else
		drop(agent, msg);
}

/* Whether its sender may ask for something now; else @msg is done with, and no
 * transaction was made of it. */
static bool may_ask(struct sip_agent *agent, msg_t *msg,
		    const struct sip_source *source)
{
	char wait[SIP_RETRY_AFTER_CAP];

	switch (sip_share_ask(agent->shares, &source->addr, clock_us())) {
	case SIP_SHARE_SERVE:
		return true;
	case SIP_SHARE_REFUSE:
		sip_server_retry_after(wait, SIP_OVERLOAD_MIN_S,
				       SIP_OVERLOAD_MAX_S);
		nta_msg_treply(agent->nta, msg, SIP_503_SERVICE_UNAVAILABLE,
			       SIPTAG_RETRY_AFTER_STR(wait), TAG_END());
		break;
	case SIP_SHARE_IGNORE:
		msg_destroy(msg);
		break;
	}
	return false;
}

static void recv_response(struct sip_agent *agent, msg_t *msg, const sip_t *sip)
{
	struct sip_source source;

	if (read_source(agent, msg, &source) &&
	    agent->handlers->source(&source, agent->arg) == SIP_TRUSTED)
		sip_dialog_stray(
			agent, sip,
			&(struct sip_hop){ .addr = source.addr,
					   .transport = source.transport });
	msg_destroy(msg);
}

/* Two trunks may speak from one address: the request says which. */
static void read_policy(struct sip_incoming *in)
{
	char user[SIP_USER_CAP];
	const struct sip_invite request = { .source = in->source,
					    .request_user = user,
					    .message = in->sip };

	if (!in->agent->handlers->policy)
		return;
	sip_url_user(user, in->sip->sip_request->rq_url);
	in->agent->handlers->policy(&request, &in->policy, in->agent->arg);
}

int sip_server_recv(struct sip_agent *agent, struct nta_agent_s *nta,
		    struct msg_s *msg, struct sip_s *sip)
{
	struct sip_incoming in = { .agent = agent, .sip = sip };

	(void)nta;
	if (!sip->sip_request) {
		recv_response(agent, msg, sip);
		return 0;
	}
	drop_maddr(sip);
	if (!read_source(agent, msg, &in.source)) {
		msg_destroy(msg);
		return 0;
	}
	if (agent->handlers->source(&in.source, agent->arg) != SIP_TRUSTED) {
		if (sip->sip_request->rq_method == sip_method_ack)
			msg_destroy(msg);
		else
			turn_away(agent, msg, sip, &in.source);
		return 0;
	}
	if (sip->sip_request->rq_method == sip_method_ack) {
		msg_destroy(msg);
		return 0;
	}
	if (!may_ask(agent, msg, &in.source))
		return 0;
	read_policy(&in);
	in.irq = nta_incoming_create(agent->nta, NULL, msg, sip, TAG_END());
	if (in.irq && !sip_server_check(&in))
		dispatch(&in);
	return 0;
}
