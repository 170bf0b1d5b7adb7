/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/client_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_OUTGOING_MAGIC_T struct sip_client
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>

#include "gateway/base/text.h"

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

bool sip_client_is_too_long(const struct sip_client *client)
{
	return client->too_long;
}

bool sip_client_went_back(const struct sip_client *client)
{
	return client->went_back;
}
