/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/service/service.h"

#include <string.h>

#include "gateway/admin/registration.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "xmpp/stanza.h"

#define NS_EXTDISCO "urn:xmpp:extdisco:2"
#define NS_BLOCKING "urn:xmpp:blocking"

static const struct service {
	const char *name, *ns;
	bool everywhere; /* not of the domain alone */
	int (*answer)(struct stanza **reply, const struct service_query *query);
} services[] = {
	{ "query", "jabber:iq:gateway", false, service_prompt },
	{ "query", NS_REGISTER, false, service_registration },
	{ "services", NS_EXTDISCO, false, service_telephones },
	{ "credentials", NS_EXTDISCO, false, service_telephones },
	{ "blocklist", NS_BLOCKING, false, service_block },
	{ "block", NS_BLOCKING, false, service_block },
	{ "unblock", NS_BLOCKING, false, service_block },
	{ "vcard", "urn:ietf:params:xml:ns:vcard-4.0", true, service_card },
	{ "vCard", "vcard-temp", true, service_old_card },
	{ "pubsub", "http://jabber.org/protocol/pubsub", true, service_items },
};

static const struct service *find(const struct service_query *query)
{
	const struct stanza *payload = stanza_first(query->iq);

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		const struct service *service = &services[i];

		if (stanza_is(payload, service->name, service->ns) &&
		    (service->everywhere || query->entity == DISCO_GATEWAY))
			return service;
	}
	return NULL;
}

int service_answer(struct stanza **reply, const struct service_query *query)
{
	const struct service *service = find(query);
	struct service_query full = *query;
	const char *type = stanza_attr(query->iq, "type");

	if (!service)
		return SERVICE_E_UNKNOWN;
	full.payload = stanza_first(query->iq);
	full.set = type && !strcmp(type, "set");
	return service->answer(reply, &full);
}

int service_finish(struct stanza **reply, struct stanza **st)
{
	if (!stanza_ok(*st))
		return -ENOMEM;
	*reply = *st;
	*st = NULL;
	return 0;
}

static bool owns_a_number(const struct service_query *query)
{
	struct number number;

	return number_of(&number, query->gateway, query->account, NULL);
}

/*
 * XEP-0077, 3.1: accounts are made by an administrator, unless he lets people
 * do so. Who has one is told so; nobody learns of another's.
 */
int service_registration(struct stanza **reply,
			 const struct service_query *query)
{
	AUTO(stanza_freep) struct stanza *st = NULL;

	if (registration_is_for(query->gateway, query->account))
		return registration_answer(reply, query);
	if (query->set || !owns_a_number(query))
		return stanza_error_reply(
			reply, query->iq, NULL, "not-allowed",
			"Numbers are given out by the administrator of this "
			"gateway.");
	int r = stanza_result(&st, query->iq);
	if (r)
		return r;
	struct stanza *form = stanza_child(st, "query", NS_REGISTER);
	stanza_child(form, "registered", NULL);
	stanza_child_text(form, "instructions", NULL,
			  "You have a number here. The administrator of this "
			  "gateway can change that.");
	return service_finish(reply, &st);
}

/*
 * XEP-0215, 3.2. A text gateway of Cheogram's kind asks this of the component
 * that carries a user's numbers. When there is an answer it announces calls,
 * and sends them to `number\40host` at its voice gateway; that these are ours
 * too is known to gateway/route/route.c.
 */
int service_telephones(struct stanza **reply, const struct service_query *query)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	const char *type = stanza_attr(query->payload, "type");

	if (query->set)
		return stanza_error_reply(reply, query->iq, NULL, "not-allowed",
					  NULL);
	if (!owns_a_number(query))
		return stanza_error_reply(reply, query->iq, NULL, "forbidden",
					  NULL);
	/* 3.3: our host takes nobody's password */
	if (!strcmp(stanza_name(query->payload), "credentials"))
		return stanza_error_reply(reply, query->iq, NULL,
					  "item-not-found", NULL);
	int r = stanza_result(&st, query->iq);
	if (r)
		return r;
	struct stanza *list = stanza_child(st, "services", NS_EXTDISCO);
	stanza_set(list, "type", type);
	if (!type || !strcmp(type, "sip")) {
		struct stanza *sip = stanza_child(list, "service", NULL);
		stanza_set(sip, "type", "sip");
		stanza_set(sip, "host", query->gateway->config->xmpp.domain);
	}
	return service_finish(reply, &st);
}
