/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XEP-0215 (External Service Discovery) from the domain our component belongs
 * to, and RFC 8489 by the media workers.
 */
#include "gateway/public.h"

#include <event2/dns.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "media/bridge.h"
#include "sip/agent.h"
#include "sip/trunk.h"
#include "xmpp/iq.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define NS_EXTDISCO "urn:xmpp:extdisco:2"

enum {
	STUN_PORT = 3478,
	PORT_TEXT_CAP = 6,
};

struct public_address {
	struct gateway *gateway;
	struct evdns_base *dns;
	struct evdns_getaddrinfo_request *request;
	struct addr known;
};

static bool is_automatic(const struct public_address *public)
{
	return public->gateway->config->media.public_address.automatic;
}

/* ---- the STUN server ---- */

static void on_resolved(int error, struct evutil_addrinfo *found, void *arg)
{
	struct public_address *public = arg;
	struct addr server;

	public->request = NULL;
	if (error || !found || addr_from(&server, found->ai_addr)) {
		log_warn("stun=not-found why=%s: set media.stun, or "
			 "media.public_address to an address",
			 evutil_gai_strerror(error));
	} else {
		log_info("stun=%s: asked for our public address",
			 addr_text(&server).s);
		media_set_stun(public->gateway->media, &server);
	}
	if (found)
		evutil_freeaddrinfo(found);
}

static void use_server(struct public_address *public, const char *host,
		       unsigned port)
{
	struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
					 .ai_socktype = SOCK_DGRAM };
	const struct addr *bound = &public->gateway->config->media.address;
	char service[PORT_TEXT_CAP];

	if (public->request ||
	    text_format(service, sizeof(service), "%u", port))
		return;
	if (addr_classify(bound) != ADDR_UNSPECIFIED)
		hints.ai_family = bound->sa.sa_family;
	public->request = evdns_getaddrinfo(public->dns, host, service, &hints,
					    on_resolved, public);
}

static void on_services(enum iq_answer answer, const struct stanza *reply,
			void *arg)
{
	const struct stanza *services =
		answer == IQ_RESULT
			? stanza_find(reply, "services", NS_EXTDISCO)
			: NULL;
	const struct stanza *service;

	if (answer == IQ_ERROR) {
		/* Prosody's needs external_service_access, and then that of
		 * its users as well. */
		log_warn(
			"stun=refused why=%s: the XMPP server names its "
			"services (XEP-0215) to others alone; let it name them "
			"to us, or set media.stun",
			log_text(slice_of(stanza_error_condition(reply))).s);
		return;
	}
	STANZA_FOREACH(service, services) {
		const char *type = stanza_attr(service, "type");
		const char *host = stanza_attr(service, "host");
		const char *transport = stanza_attr(service, "transport");
		uint64_t port = STUN_PORT;

		if (!type || strcmp(type, "stun") != 0 || !host ||
		    (transport && strcmp(transport, "udp") != 0))
			continue;
		if (stanza_attr(service, "port") &&
		    text_number(slice_of(stanza_attr(service, "port")),
				UINT16_MAX, &port))
			continue;
		use_server(arg, host, (unsigned)port);
		return;
	}
	log_warn("stun=none: the XMPP server names no STUN service "
		 "(XEP-0215); set media.stun, or media.public_address to an "
		 "address");
}

void public_stream_up(struct gateway *gateway)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct public_address *public = gateway->public_address;
	const struct config *config = gateway->config;

	if (!is_automatic(public))
		return;
	const char *dot = strchr(config->xmpp.domain, '.');
	if (*config->media.stun.host || stanza_new(&iq, "iq", NULL))
		return;
	stanza_set(iq, "type", "get");
	stanza_set(iq, "from", config->xmpp.domain);
	stanza_set(iq, "to", dot ? dot + 1 : config->xmpp.domain);
	stanza_set(stanza_child(iq, "services", NS_EXTDISCO), "type", "stun");
	if (!stanza_ok(iq) ||
	    iq_send(public->gateway->iqs, iq, on_services, public))
		log_warn("stun=not-asked: no memory");
}

/* ---- what it said ---- */

/* Also when nothing is automatic: an interface may have changed. */
static void on_addresses(void *arg)
{
	struct gateway *gateway = arg;
	struct public_address *public = gateway->public_address;
	struct addr now = media_public_address(gateway->media);

	if (addr_is_set(&now) && !addr_same_ip(&now, &public->known)) {
		log_info("event=public-address ip=%s", addr_ip_text(&now).s);
		public->known = now;
		if (gateway->config->sip.public_address.automatic)
			sip_agent_set_public(gateway->agent, &now);
	}
	sip_agent_moved(gateway->agent);
	for (size_t i = 0; i < gateway->ntrunks; i++)
		sip_trunk_moved(gateway->trunks[i]);
	xmpp_stream_moved(gateway->stream);
}

static int start_asking(struct public_address *public)
{
	const struct config *config = public->gateway->config;

	public->dns = evdns_base_new(public->gateway->base,
				     EVDNS_BASE_INITIALIZE_NAMESERVERS |
					     EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!public->dns)
		return -ENOMEM;
	if (*config->media.stun.host)
		use_server(public, config->media.stun.host,
			   config->media.stun.port);
	return 0;
}

int public_new(struct gateway *gateway)
{
	struct public_address *public = calloc(1, sizeof(*public));

	gateway->public_address = public;
	if (!public)
		return -ENOMEM;
	public->gateway = gateway;
	/* "auto" for SIP alone is what is configured for media. */
	public->known = media_public_address(gateway->media);
	if (gateway->config->sip.public_address.automatic)
		sip_agent_set_public(gateway->agent, &public->known);
	media_on_addresses(gateway->media, on_addresses, gateway);
	return is_automatic(public) ? start_asking(public) : 0;
}

void public_free(struct gateway *gateway)
{
	struct public_address *public = gateway->public_address;

	if (!public)
		return;
	if (public->request)
		evdns_getaddrinfo_cancel(public->request);
	if (gateway->media)
		media_on_addresses(gateway->media, NULL, NULL);
	if (public->dns)
		evdns_base_free(public->dns, 0);
	if (gateway->iqs)
		iq_cancel(gateway->iqs, public);
	free(public);
	gateway->public_address = NULL;
}
