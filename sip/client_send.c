/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What leaves: the request at each hop, its CANCEL and its ACK. */
#include "sip/client_int.h"

#include <string.h>

#define NTA_OUTGOING_MAGIC_T struct sip_client
#include <sofia-sip/msg_header.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/tport_tag.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/listen.h"
#include "sip/tls.h"

enum {
	VIA_CAP = ADDR_TEXT_CAP + 32,
	HOP_CAP = ADDR_TEXT_CAP + 32,
};

#define TAG_WAY(way) \
	TAG_IF((way)->ident, TPTAG_IDENT((way)->ident)), NTATAG_USER_VIA(1)

static int hop_url(char out[static HOP_CAP], const struct sip_hop *hop)
{
	/* What is inside TLS is TCP to sofia (sip/tls.h). */
	return text_format(out, HOP_CAP, "sip:%s;transport=%s",
			   addr_text(&hop->addr).s,
			   hop->transport == SIP_UDP ? "udp" : "tcp");
}

/* Where a request goes, and what it leaves from. */
struct way {
	char url[HOP_CAP];
	const char *ident; /* NULL: sofia may choose */
};

/* @name: who a TLS connection must be with, if there is none yet; or NULL. */
static int find_way(struct way *out, struct sip_agent *agent,
		    const struct sip_hop *hop, const char *name)
{
	const struct sip_bound *from =
		sip_listen_towards(agent, hop->transport, &hop->addr);

	out->ident = from ? from->ident : NULL;
	if (hop->transport == SIP_TLS) {
		out->ident = sip_tls_way(agent, &hop->addr, name);
		if (!out->ident)
			return -EPROTONOSUPPORT;
	}
	return hop_url(out->url, hop);
}

struct msg_s *sip_client_message(struct sip_agent *agent)
{
	msg_t *msg = nta_msg_create(agent->nta, 0);

	if (msg &&
	    sip_add_tl(msg, sip_object(msg), SIPTAG_USER_AGENT_STR(SIP_PRODUCT),
		       TAG_END()) < 0) {
		msg_destroy(msg);
		return NULL;
	}
	return msg;
}

static int add_auth(msg_t *msg, const struct sip_client *client)
{
	char *www = client->auth[CLIENT_AUTH_WWW];
	char *proxy = client->auth[CLIENT_AUTH_PROXY];

	return sip_add_tl(msg, sip_object(msg),
			  TAG_IF(www, SIPTAG_AUTHORIZATION_STR(www)),
			  TAG_IF(proxy, SIPTAG_PROXY_AUTHORIZATION_STR(proxy)),
			  TAG_END());
}

/* ---- a try ---- */

static void drop_header(msg_t *msg, sip_t *sip, void *header)
{
	if (header)
		msg_header_remove_all(msg, (msg_pub_t *)sip, header);
}

/* What went out last, without what is of that one try. */
static msg_t *copy_sent(const struct sip_client *client, bool same_cseq)
{
	msg_t *msg = msg_dup(client->sent);
	sip_t *sip = sip_object(msg);
	uint32_t seq = client->cseq + !same_cseq;
	sip_cseq_t *cseq;

	if (!sip)
		return NULL;
	drop_header(msg, sip, sip->sip_via);
	drop_header(msg, sip, sip->sip_authorization);
	drop_header(msg, sip, sip->sip_proxy_authorization);
	if (client->contact_user)
		drop_header(msg, sip, sip->sip_contact);
	cseq = sip_cseq_create(msg_home(msg), seq, (sip_method_t)client->code,
			       client->method);
	if (cseq && msg_header_replace(msg, (msg_pub_t *)sip,
				       (msg_header_t *)sip->sip_cseq,
				       (msg_header_t *)cseq) >= 0)
		return msg;
	msg_destroy(msg);
	return NULL;
}

static int add_contact(const struct sip_client *client, msg_t *msg)
{
	char uri[SIP_CONTACT_CAP], value[SIP_CONTACT_CAP + 2];
	int r;

	if (!client->contact_user)
		return 0;
	r = sip_agent_contact(client->agent, &client->hop, client->contact_user,
			      uri);
	if (!r)
		r = text_format(value, sizeof(value), "<%s>", uri);
	if (!r && sip_add_tl(msg, sip_object(msg), SIPTAG_CONTACT_STR(value),
			     TAG_END()) < 0)
		r = -ENOMEM;
	return r;
}

static int dress(const struct sip_client *client, msg_t *msg)
{
	char via[VIA_CAP];
	int r = sip_agent_via(client->agent, &client->hop, via, sizeof(via));

	if (!r && sip_add_tl(msg, sip_object(msg), SIPTAG_VIA_STR(via),
			     TAG_END()) < 0)
		r = -ENOMEM;
	if (!r)
		r = add_contact(client, msg);
	return r ? r : add_auth(msg, client) < 0 ? -ENOMEM : 0;
}

/* From, To, Call-ID and the next CSeq. Who is called was read by a parser of
 * ours: what fails is memory. */
static int complete(const struct sip_client *client, msg_t *msg)
{
	return nta_msg_request_complete(
		       msg, client->leg, (sip_method_t)client->code,
		       client->method, (url_string_t *)client->uri) < 0
		       ? -ENOMEM
		       : 0;
}

static int give_to_nta(struct sip_client *client, msg_t *msg)
{
	struct way way;
	int r = find_way(&way, client->agent, &client->hop, client->tls_name);

	if (r)
		return r;
	client->cseq = sip_object(msg)->sip_cseq->cs_seq;
	client->orq = nta_outgoing_mcreate(
		client->agent->nta, client_on_response, client,
		URL_STRING_MAKE(way.url), msg, TAG_WAY(&way), TAG_END());
	if (!client->orq)
		return -EIO;
	msg_destroy(client->sent);
	client->sent = nta_outgoing_getrequest(client->orq);
	return 0;
}

int client_transmit(struct sip_client *client, bool again)
{
	/* The leg gives each request a CSeq of its own. */
	bool copied = client->sent && (again || !client->leg);
	msg_t *msg =
		copied ? copy_sent(client, again) : msg_copy(client->template);
	int r = msg ? dress(client, msg) : -ENOMEM;

	if (!r && !copied)
		r = complete(client, msg);
	if (!r)
		r = give_to_nta(client, msg);
	if (r && msg)
		msg_destroy(msg);
	if (!r)
		client_hop_sent(client);
	return r;
}

/* ---- CANCEL ---- */

static void add_copy(msg_t *msg, sip_t *sip, const void *header)
{
	if (header)
		sip_add_dup(msg, sip, (const sip_header_t *)header);
}

/* Of @invite, a request as it went out. */
static msg_t *make_cancel(struct sip_agent *agent, const sip_t *invite,
			  const char *reason)
{
	msg_t *msg = nta_msg_create(agent->nta, 0);
	sip_t *sip = sip_object(msg);
	sip_via_t via;

	if (!sip)
		return NULL;
	via = *invite->sip_via;
	via.v_next = NULL;
	add_copy(msg, sip, &via);
	add_copy(msg, sip, invite->sip_route);
	add_copy(msg, sip, invite->sip_max_forwards);
	add_copy(msg, sip, invite->sip_from);
	add_copy(msg, sip, invite->sip_to);
	add_copy(msg, sip, invite->sip_call_id);
	add_copy(msg, sip,
		 sip_request_create(msg_home(msg), SIP_METHOD_CANCEL,
				    (url_string_t *)invite->sip_request->rq_url,
				    NULL));
	add_copy(msg, sip,
		 sip_cseq_create(msg_home(msg), invite->sip_cseq->cs_seq,
				 SIP_METHOD_CANCEL));
	sip_add_tl(msg, sip, SIPTAG_USER_AGENT_STR(SIP_PRODUCT),
		   TAG_IF(reason, SIPTAG_REASON_STR(reason)), TAG_END());
	return msg;
}

int client_cancel_kept(struct sip_agent *agent, const struct sip_s *invite,
		       const struct sip_hop *hop, const char *tls_name,
		       const char *reason)
{
	struct way way;
	int r = find_way(&way, agent, hop, tls_name);

	if (r)
		return r;
	msg_t *msg = make_cancel(agent, invite, reason);
	if (!msg)
		return -ENOMEM;
	if (nta_outgoing_mcreate(agent->nta, NULL, NULL,
				 URL_STRING_MAKE(way.url), msg,
				 NTATAG_BRANCH_KEY(invite->sip_via->v_branch),
				 TAG_WAY(&way), TAG_END()))
		return 0;
	msg_destroy(msg);
	return -EIO;
}

void client_send_cancel(struct sip_client *client)
{
	msg_t *invite = nta_outgoing_getrequest(client->orq);
	const sip_t *sip = sip_object(invite);

	if (!sip || client_cancel_kept(client->agent, sip, &client->hop,
				       client->tls_name, client->cancel_reason))
		log_warn("event=sip_cancel what=\"could not be sent\" to=%s",
			 addr_text(&client->hop.addr).s);
	msg_destroy(invite);
	client->cancelled = true;
}

/* ---- ACK ---- */

void sip_client_ack(const struct sip_client *invite, struct nta_leg_s *leg,
		    const struct sip_hop *hop, struct msg_s *msg)
{
	char via[VIA_CAP];
	struct way way;
	sip_t *sip = sip_object(msg);
	nta_outgoing_t *orq = NULL;
	sip_cseq_t *cseq;

	if (!sip || find_way(&way, invite->agent, hop, invite->tls_name) ||
	    sip_agent_via(invite->agent, hop, via, sizeof(via)))
		goto done;
	cseq = sip_cseq_create(msg_home(msg), invite->cseq, SIP_METHOD_ACK);
	if (!cseq || sip_add_tl(msg, sip, SIPTAG_CSEQ(cseq),
				SIPTAG_VIA_STR(via), TAG_END()) < 0)
		goto done;
	if (add_auth(msg, invite) < 0)
		goto done;
	if (nta_msg_request_complete(msg, leg, SIP_METHOD_ACK, NULL) < 0)
		goto done;
	orq = nta_outgoing_mcreate(
		invite->agent->nta, NULL, NULL, URL_STRING_MAKE(way.url), msg,
		NTATAG_STATELESS(1), TAG_WAY(&way), TAG_END());
done:
	if (!orq) {
		log_warn("event=sip_ack what=\"could not be sent\" to=%s",
			 addr_text(&hop->addr).s);
		if (msg)
			msg_destroy(msg);
	}
}
