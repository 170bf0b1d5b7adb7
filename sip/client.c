/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/client.h"

#include <stdlib.h>
#include <string.h>

#define NTA_OUTGOING_MAGIC_T struct sip_client
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/tport_tag.h>
#include <sofia-sip/url.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "sip/agent_int.h"
#include "sip/listen.h"

enum {
	VIA_CAP = ADDR_TEXT_CAP + 32,
	HOP_CAP = ADDR_TEXT_CAP + 32,
	CNONCE_LEN = 22,
	AUTH_WWW = 0, /* Authorization */
	AUTH_PROXY = 1,
	NAUTHS = 2,
};

#define TAG_WAY(way) \
	TAG_IF((way)->ident, TPTAG_IDENT((way)->ident)), NTATAG_USER_VIA(1)

struct sip_client {
	TAILQ_ENTRY(sip_client) entry;
	struct sip_agent *agent;
	nta_leg_t *leg;
	nta_outgoing_t *orq;
	msg_t *template;
	char *method, *uri;
	sip_method_t code;
	struct sip_hop hop;
	const struct sip_digest_account *account;
	char *auth[NAUTHS];
	unsigned answers;
	uint32_t cseq;
	bool provisional, final, cancel, cancelled;
	char *cancel_reason;
	sip_client_fn fn;
	void *arg;
};

static int hop_url(char out[static HOP_CAP], const struct sip_hop *hop)
{
	return text_format(out, HOP_CAP, "sip:%s;transport=%s",
			   addr_text(&hop->addr).s,
			   hop->transport == SIP_TCP ? "tcp" : "udp");
}

/* Where a request goes, and what it leaves from. */
struct way {
	char url[HOP_CAP];
	const char *ident; /* NULL: sofia may choose */
};

static int find_way(struct way *out, const struct sip_agent *agent,
		    const struct sip_hop *hop)
{
	const struct sip_bound *from =
		sip_listen_towards(agent, hop->transport, &hop->addr);

	out->ident = from ? from->ident : NULL;
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

static void add_auth(msg_t *msg, char *const auth[static NAUTHS])
{
	sip_add_tl(msg, sip_object(msg),
		   TAG_IF(auth[AUTH_WWW],
			  SIPTAG_AUTHORIZATION_STR(auth[AUTH_WWW])),
		   TAG_IF(auth[AUTH_PROXY],
			  SIPTAG_PROXY_AUTHORIZATION_STR(auth[AUTH_PROXY])),
		   TAG_END());
}

static int on_response(struct sip_client *client, nta_outgoing_t *orq,
		       sip_t const *sip);

/* One try: a copy of the template with Via, credentials and the next CSeq. */
static int transmit(struct sip_client *client)
{
	char via[VIA_CAP];
	struct way way;
	msg_t *msg = msg_copy(client->template);
	sip_t *sip = sip_object(msg);
	int r = -ENOMEM;

	if (!msg)
		return -ENOMEM;
	if (find_way(&way, client->agent, &client->hop) ||
	    sip_agent_via(client->agent, &client->hop, via, sizeof(via)))
		goto failed;
	if (sip_add_tl(msg, sip, SIPTAG_VIA_STR(via), TAG_END()) < 0)
		goto failed;
	add_auth(msg, client->auth);
	r = -EINVAL;
	if (nta_msg_request_complete(msg, client->leg, client->code,
				     client->method,
				     (url_string_t *)client->uri) < 0)
		goto failed;
	client->cseq = sip->sip_cseq->cs_seq;
	client->orq = nta_outgoing_mcreate(client->agent->nta, on_response,
					   client, URL_STRING_MAKE(way.url),
					   msg, TAG_WAY(&way), TAG_END());
	if (client->orq)
		return 0;
	r = -EIO;
failed:
	msg_destroy(msg);
	return r;
}

/* The Request-URI as it was sent: digest covers it. */
static int answer_one(struct sip_client *client, const msg_auth_t *au,
		      int which)
{
	char out[SIP_CREDENTIALS_CAP], cnonce[CNONCE_LEN + 1];
	struct sip_challenge c;
	msg_t *msg = nta_outgoing_getrequest(client->orq);
	sip_t *sip = sip_object(msg);
	char *uri = NULL;
	int r = sip_challenge_parse(&c, au->au_scheme, au->au_params);

	if (!r && !sip_challenge_is_for(&c, client->account))
		r = SIP_E_NO_CHALLENGE;
	if (!r)
		uri = url_as_string(msg_home(msg), sip->sip_request->rq_url);
	if (!r && !uri)
		r = -ENOMEM;
	rand_token(cnonce, CNONCE_LEN);
	if (!r)
		r = sip_credentials_format(out, &c, client->account,
					   client->method, uri, cnonce);
	msg_destroy(msg);
	if (r)
		return r;
	free(client->auth[which]);
	client->auth[which] = text_dup(slice_of(out));
	return client->auth[which] ? 0 : -ENOMEM;
}

/* The first of several that we can answer (RFC 8760, 2.4: topmost first). */
static bool answer_any(struct sip_client *client, const msg_auth_t *au,
		       int which)
{
	for (; au; au = au->au_next)
		if (!answer_one(client, au, which))
			return true;
	return false;
}

static bool answer_challenge(struct sip_client *client, unsigned status,
			     const sip_t *sip)
{
	bool answered = false;

	if (status != 401 && status != 407)
		return false;
	if (!client->account || client->cancel ||
	    client->answers >= SIP_CLIENT_ANSWERS_MAX)
		return false;
	if (sip->sip_www_authenticate)
		answered =
			answer_any(client, sip->sip_www_authenticate, AUTH_WWW);
	if (sip->sip_proxy_authenticate)
		answered = answer_any(client, sip->sip_proxy_authenticate,
				      AUTH_PROXY) ||
			   answered;
	if (!answered)
		return false;
	client->answers++;
	nta_outgoing_destroy(client->orq);
	client->orq = NULL;
	client->provisional = false;
	return !transmit(client);
}

static void add_copy(msg_t *msg, sip_t *sip, const void *header)
{
	if (header)
		sip_add_dup(msg, sip, (const sip_header_t *)header);
}

static void send_cancel(struct sip_client *client)
{
	struct way way;
	msg_t *invite = nta_outgoing_getrequest(client->orq);
	sip_t *old = sip_object(invite);
	msg_t *msg = nta_msg_create(client->agent->nta, 0);
	sip_t *sip = sip_object(msg);
	sip_via_t via;
	nta_outgoing_t *orq = NULL;

	if (!old || !sip || find_way(&way, client->agent, &client->hop))
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
		send_cancel(client);
}

static void finish(struct sip_client *client)
{
	client->final = true;
	nta_outgoing_destroy(client->orq);
	client->orq = NULL;
	msg_destroy(client->template);
	client->template = NULL;
}

static int on_response(struct sip_client *client, nta_outgoing_t *orq,
		       sip_t const *sip)
{
	unsigned status = (unsigned)nta_outgoing_status(orq);
	bool local = nta_sip_is_internal(sip);
	/* The transaction, and @sip with it, may go before we are done. */
	msg_t *response = nta_outgoing_getresponse(orq);

	if (orq != client->orq ||
	    (!local && answer_challenge(client, status, sip))) {
		msg_destroy(response);
		return 0;
	}
	if (status < 200)
		client->provisional = true;
	else if (client->orq)
		finish(client);
	else
		client->final = true;
	if (status < 200 && client->cancel && !client->cancelled)
		send_cancel(client);
	if (client->fn)
		client->fn(client, status, sip, local, client->arg);
	else if (status >= 200)
		sip_client_free(client);
	msg_destroy(response);
	return 0;
}

static int prepare(struct sip_client *client,
		   const struct sip_client_spec *spec)
{
	client->leg = spec->leg;
	client->code = sip_method_code(spec->method);
	client->hop = spec->hop;
	client->account = spec->account;
	client->fn = spec->fn;
	client->arg = spec->arg;
	client->method = text_dup(slice_of(spec->method));
	if (spec->uri)
		client->uri = text_dup(slice_of(spec->uri));
	return client->method && (!spec->uri || client->uri) ? 0 : -ENOMEM;
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
	TAILQ_INSERT_TAIL(&agent->clients, client, entry);
	client->template = spec->message;
	r = prepare(client, spec);
	if (!r)
		r = transmit(client);
	if (r) {
		sip_client_free(client);
		return r;
	}
	*out = client;
	return 0;
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
	for (int i = 0; i < NAUTHS; i++)
		free(client->auth[i]);
	free(client->cancel_reason);
	free(client->method);
	free(client->uri);
	free(client);
	return NULL;
}

void sip_clients_orphan(struct sip_agent *agent, struct nta_leg_s *leg)
{
	struct sip_client *client;

	TAILQ_FOREACH(client, &agent->clients, entry) {
		if (client->leg != leg)
			continue;
		client->leg = NULL;
		client->account = NULL;
		client->fn = NULL;
	}
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

	if (!sip || find_way(&way, invite->agent, hop) ||
	    sip_agent_via(invite->agent, hop, via, sizeof(via)))
		goto done;
	cseq = sip_cseq_create(msg_home(msg), invite->cseq, SIP_METHOD_ACK);
	if (!cseq || sip_add_tl(msg, sip, SIPTAG_CSEQ(cseq),
				SIPTAG_VIA_STR(via), TAG_END()) < 0)
		goto done;
	add_auth(msg, invite->auth);
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
