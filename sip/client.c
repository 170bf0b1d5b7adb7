/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/client_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_OUTGOING_MAGIC_T struct sip_client
#include <sofia-sip/msg_header.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/tport_tag.h>
#include <sofia-sip/url.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/hops.h"
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

/* From, To, Call-ID and the next CSeq. */
static int complete(const struct sip_client *client, msg_t *msg)
{
	return nta_msg_request_complete(
		       msg, client->leg, (sip_method_t)client->code,
		       client->method, (url_string_t *)client->uri) < 0
		       ? -EINVAL
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

void client_send_cancel(struct sip_client *client)
{
	struct way way;
	msg_t *invite = nta_outgoing_getrequest(client->orq);
	sip_t *old = sip_object(invite);
	msg_t *msg = nta_msg_create(client->agent->nta, 0);
	sip_t *sip = sip_object(msg);
	sip_via_t via;
	nta_outgoing_t *orq = NULL;

	if (!old || !sip ||
	    find_way(&way, client->agent, &client->hop, client->tls_name))
		goto done;
	via = *old->sip_via;
	via.v_next = NULL;
	add_copy(msg, sip, &via);
	add_copy(msg, sip, old->sip_route);
	add_copy(msg, sip, old->sip_max_forwards);
	add_copy(msg, sip, old->sip_from);
	add_copy(msg, sip, old->sip_to);
	add_copy(msg, sip, old->sip_call_id);
	add_copy(msg, sip,
		 sip_request_create(msg_home(msg), SIP_METHOD_CANCEL,
				    (url_string_t *)old->sip_request->rq_url,
				    NULL));
	add_copy(msg, sip,
		 sip_cseq_create(msg_home(msg), old->sip_cseq->cs_seq,
				 SIP_METHOD_CANCEL));
	sip_add_tl(msg, sip, SIPTAG_USER_AGENT_STR(SIP_PRODUCT),
		   TAG_IF(client->cancel_reason,
			  SIPTAG_REASON_STR(client->cancel_reason)),
		   TAG_END());
	orq = nta_outgoing_mcreate(
		client->agent->nta, NULL, NULL, URL_STRING_MAKE(way.url), msg,
		NTATAG_BRANCH_KEY(nta_outgoing_branch(client->orq)),
		TAG_WAY(&way), TAG_END());
done:
	if (!orq && msg)
		msg_destroy(msg);
	msg_destroy(invite);
	client->cancelled = true;
}

void sip_client_cancel(struct sip_client *client, const char *reason)
{
	if (client->final || client->cancel)
		return;
	client->cancel = true;
	if (reason)
		client->cancel_reason = text_dup(slice_of(reason));
	if (client->provisional)
		client_send_cancel(client);
}

/* ---- responses ---- */

static void finish(struct sip_client *client)
{
	client->final = true;
	if (client->orq)
		nta_outgoing_destroy(client->orq);
	client->orq = NULL;
	msg_destroy(client->template);
	client->template = NULL;
	msg_destroy(client->sent);
	client->sent = NULL;
}

int client_on_response(struct sip_client *client, nta_outgoing_t *orq,
		       sip_t const *sip)
{
	unsigned status = (unsigned)nta_outgoing_status(orq);
	bool local = nta_sip_is_internal(sip);
	/* The transaction, and @sip with it, may go before we are done. */
	msg_t *response = nta_outgoing_getresponse(orq);

	if (orq != client->orq ||
	    (!local && client_answer(client, status, sip)) ||
	    client_hop_response(client, status, sip, local)) {
		msg_destroy(response);
		return 0;
	}
	if (client->keeps_flow && status >= 200 && status < 300)
		client_keep_flow(orq, sip);
	if (status < 200)
		client->provisional = true;
	else
		finish(client);
	if (status < 200 && client->cancel && !client->cancelled)
		client_send_cancel(client);
	if (client->fn)
		client->fn(client, status, sip, local, client->arg);
	else if (status >= 200)
		sip_client_free(client);
	msg_destroy(response);
	return 0;
}

/* ---- life ---- */

static int prepare(struct sip_client *client,
		   const struct sip_client_spec *spec)
{
	int r = client_hop_start(client, spec);

	client->code = sip_method_code(spec->method);
	client->account = spec->account;
	client->keeps_account = spec->keeps_account;
	client->keeps_flow = spec->keeps_flow;
	client->fn = spec->fn;
	client->arg = spec->arg;
	client->method = text_dup(slice_of(spec->method));
	if (spec->uri)
		client->uri = text_dup(slice_of(spec->uri));
	if (spec->tls_name)
		client->tls_name = text_dup(slice_of(spec->tls_name));
	if (spec->contact_user)
		client->contact_user = text_dup(slice_of(spec->contact_user));
	if (!r && (!client->method || (spec->uri && !client->uri) ||
		   (spec->tls_name && !client->tls_name) ||
		   (spec->contact_user && !client->contact_user)))
		r = -ENOMEM;
	if (!r && spec->keeps_account)
		r = client_keep_account(client);
	return r;
}

void client_list(struct sip_client *client)
{
	struct sip_clients *all = &client->agent->clients;

	if (client->leg)
		TAILQ_INSERT_TAIL(all, client, entry);
	else
		TAILQ_INSERT_HEAD(all, client, entry);
}

int sip_client_start(struct sip_client **out, struct sip_agent *agent,
		     const struct sip_client_spec *spec)
{
	struct sip_client *client = calloc(1, sizeof(*client));
	int r;

	if (!client || !spec->message) {
		free(client);
		if (spec->message)
			msg_destroy(spec->message);
		return -ENOMEM;
	}
	client->agent = agent;
	client->leg = spec->leg;
	client_list(client);
	client->template = spec->message;
	r = prepare(client, spec);
	if (!r) {
		r = client_transmit(client, false);
		if (r)
			r = client_hop_unsent(client, r);
	}
	if (r) {
		sip_client_free(client);
		return r;
	}
	*out = client;
	return 0;
}

bool sip_client_is_live(const struct sip_agent *agent, const char *call_id,
			const char *tag)
{
	/* What strangers send names none: as in dialog_is_live(). */
	bool known = nta_leg_by_call_id(agent->nta, call_id) != NULL;
	const struct sip_client *c;

	TAILQ_FOREACH(c, &agent->clients, entry) {
		if (!known && c->leg)
			break; /* so have all behind it */
		const sip_t *sip = c->sent ? sip_object(c->sent) : NULL;

		if (sip && sip->sip_call_id && sip->sip_from &&
		    sip->sip_from->a_tag &&
		    !strcmp(sip->sip_call_id->i_id, call_id) &&
		    !strcmp(sip->sip_from->a_tag, tag))
			return true;
	}
	return false;
}

struct sip_client *sip_client_free(struct sip_client *client)
{
	if (!client)
		return NULL;
	TAILQ_REMOVE(&client->agent->clients, client, entry);
	if (client->orq)
		nta_outgoing_destroy(client->orq);
	if (client->template)
		msg_destroy(client->template);
	msg_destroy(client->sent);
	client_hop_fini(client);
	client_auth_fini(client);
	free(client->cancel_reason);
	free(client->method);
	free(client->uri);
	free(client->contact_user);
	free(client->tls_name);
	free(client);
	return NULL;
}

void sip_clients_orphan(struct sip_agent *agent, struct nta_leg_s *leg)
{
	struct sip_client *client, *next;

	TAILQ_FOREACH_SAFE(client, &agent->clients, entry, next) {
		if (client->leg != leg)
			continue;
		client->leg = NULL;
		TAILQ_REMOVE(&agent->clients, client, entry);
		client_list(client);
		if (!client->own_account)
			client->account = NULL;
		client->fn = NULL;
	}
}

void sip_clients_forget(struct sip_agent *agent, const struct sip_hops *hops,
			const struct sip_digest_account *account)
{
	struct sip_client *client;

	TAILQ_FOREACH(client, &agent->clients, entry) {
		/* A dialog's requests have it without the hops. */
		if (client->account == account)
			client->account = NULL;
		if (client->hops != hops)
			continue;
		client->hops = NULL;
		client->stats = NULL;
	}
}

bool sip_clients_left(const struct sip_agent *agent)
{
	const struct sip_client *client;

	TAILQ_FOREACH(client, &agent->clients, entry)
		if (client->keeps_account)
			return true;
	return false;
}

/* Only a dialog knows the peer's tag. */
bool sip_clients_in_dialog(const struct sip_agent *agent)
{
	const struct sip_client *client;

	TAILQ_FOREACH(client, &agent->clients, entry)
		if (!client->final && client->leg &&
		    nta_leg_get_rtag(client->leg))
			return true;
	return false;
}

void sip_clients_free(struct sip_agent *agent)
{
	struct sip_client *client;

	while ((client = TAILQ_FIRST(&agent->clients)))
		sip_client_free(client);
}

void sip_client_forget_account(struct sip_client *client)
{
	if (client)
		client->account = NULL;
}

uint32_t sip_client_cseq(const struct sip_client *client)
{
	return client->cseq;
}

const struct sip_hop *sip_client_hop(const struct sip_client *client)
{
	return &client->hop;
}

bool sip_client_is_final(const struct sip_client *client)
{
	return client->final;
}

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
