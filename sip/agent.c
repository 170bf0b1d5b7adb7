/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The agent: addresses and the loop. nta runs as a bare transaction
 * layer (NTATAG_UA(0)): what it does for user agents by itself would send an
 * ACK and a BYE to wherever a stray 2xx points, by its own resolver.
 */
#include "sip/agent_int.h"

#include <stdlib.h>

#define NTA_AGENT_MAGIC_T struct sip_agent
#include <sofia-sip/nta.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "sip/client.h"
#include "sip/connection.h"
#include "sip/dialog_int.h"
#include "sip/door.h"
#include "sip/fence.h"
#include "sip/listen.h"
#include "sip/message.h"
#include "sip/odd.h"
#include "sip/root.h"
#include "sip/server.h"
#include "sip/share.h"
#include "sip/stranger.h"
#include "sip/tls.h"

enum {
	PUMP_ROUNDS = 16,
	/* No CANCEL by nta's own timer C: how long to ring is the gateway's. */
	TIMER_C_MS = 24 * 3600 * 1000,
};

/* ---- addresses ---- */

/* Who is on a network of ours does not reach us at the public address. */
static bool is_outside(const struct sip_agent *agent, const struct addr *peer)
{
	const struct addr *public = &agent->public_ip;

	return addr_is_set(public) && addr_is_v6(public) == addr_is_v6(peer) &&
	       (addr_classify(peer) == ADDR_PUBLIC ||
		addr_classify(public) != ADDR_PUBLIC);
}

/* The address that peers of @hop's kind reach us at; the port included. */
static struct addr reachable(const struct sip_agent *agent,
			     const struct sip_hop *hop)
{
	const struct sip_bound *l =
		sip_listen_towards(agent, hop->transport, &hop->addr);
	struct addr ip = is_outside(agent, &hop->addr) ? agent->public_ip
			 : l                           ? l->addr
			     : sip_routed_source(&hop->addr);

	addr_set_port(&ip, l ? addr_port(&l->addr)
			     : sip_transport_port(hop->transport));
	return ip;
}

int sip_agent_contact(const struct sip_agent *agent, const struct sip_hop *hop,
		      const char *user, char out[static SIP_CONTACT_CAP])
{
	struct addr at = reachable(agent, hop);
	char escaped[SIP_USER_TEXT_CAP];
	int r = sip_user_format(escaped, *user ? user : agent->token);

	if (r)
		return r;
	bool udp = hop->transport == SIP_UDP;

	return text_format(out, SIP_CONTACT_CAP, "sip:%s@%s%s%s", escaped,
			   addr_text(&at).s, udp ? "" : ";transport=",
			   udp ? "" : sip_transport_name(hop->transport));
}

int sip_agent_via(const struct sip_agent *agent, const struct sip_hop *hop,
		  char *out, size_t cap)
{
	static const char *const names[] = {
		[SIP_UDP] = "UDP", [SIP_TCP] = "TCP", [SIP_TLS] = "TLS"
	};
	struct addr at = reachable(agent, hop);

	return text_format(out, cap, "SIP/2.0/%s %s;rport",
			   names[hop->transport], addr_text(&at).s);
}

void sip_agent_set_public(struct sip_agent *agent, const struct addr *ip)
{
	agent->public_ip = *ip;
	addr_set_port(&agent->public_ip, 0);
}

struct addr sip_agent_bound(const struct sip_agent *agent, size_t i)
{
	struct addr none = { .sa.sa_family = ADDR_NONE };

	for (size_t k = 0; k < agent->nbounds; k++)
		if (agent->bounds[k].listen == i)
			return agent->bounds[k].addr;
	return none;
}

/* ---- life ---- */

static int create_nta(struct sip_agent *agent)
{
	/* -1: no transport yet. */
	agent->nta = nta_agent_create(
		sip_root_su(agent->root), (url_string_t *)-1, sip_server_recv,
		agent, NTATAG_UA(0), NTATAG_MERGE_482(1), NTATAG_CANCEL_487(0),
		NTATAG_EXTRA_100(0), NTATAG_MAXSIZE(SIP_MESSAGE_MAX),
		NTATAG_MAX_FORWARDS(SIP_MAX_FORWARDS), NTATAG_RPORT(1),
		NTATAG_SERVER_RPORT(1), NTATAG_TCP_RPORT(1),
		NTATAG_TIMER_C(TIMER_C_MS), NTATAG_USE_NAPTR(0),
		NTATAG_USE_SRV(0), NTATAG_USER_VIA(1), NTATAG_PASS_100(1),
		NTATAG_TIMEOUT_408(1), TAG_END());
	return agent->nta ? 0 : -ENOMEM;
}

static int create_resolver(struct sip_agent *agent, const char *nameservers)
{
	struct sip_resolver_config config = { .servers = nameservers };
	bool *const may[] = { [SIP_UDP] = &config.udp,
			      [SIP_TCP] = &config.tcp,
			      [SIP_TLS] = &config.tls };

	for (unsigned i = 0; i < SIP_NTRANSPORTS; i++) {
		bool v4 = sip_listens_on(agent, (enum sip_transport)i, false);
		bool v6 = sip_listens_on(agent, (enum sip_transport)i, true);

		*may[i] = v4 || v6;
		config.v4 = config.v4 || v4;
		config.v6 = config.v6 || v6;
	}
	config.tls = agent->tls != NULL;
	return sip_resolver_new(&agent->resolver, agent->base, &config);
}

static int open_agent(struct sip_agent *agent,
		      const struct sip_agent_config *config)
{
	const struct sip_share_limits limits = {
		.ringing = config->max_half_open,
		.ringing_each = config->max_half_open_each,
		.requests_each = config->max_requests_each,
	};
	int r = sip_root_new(&agent->root, agent->base);

	if (!r)
		r = sip_strangers_new(&agent->strangers);
	if (!r)
		r = sip_shares_new(&agent->shares, &limits);
	if (!r)
		r = sip_odds_new(&agent->odds);
	if (!r)
		r = sip_connections_new(agent);
	if (!r)
		r = sip_fence_new(agent);
	if (!r)
		r = create_nta(agent);
	if (!r && config->tls)
		r = sip_tls_new(agent, config->tls);
	if (!r)
		r = sip_listens_open(agent, config->listens, config->nlistens);
	if (!r)
		r = create_resolver(agent, config->nameservers);
	return r;
}

int sip_agent_new(struct sip_agent **out, const struct sip_agent_config *config,
		  struct event_base *base,
		  const struct sip_agent_handlers *handlers, void *arg)
{
	struct sip_agent *agent = calloc(1, sizeof(*agent));
	int r;

	if (!agent)
		return -ENOMEM;
	agent->base = base;
	agent->handlers = handlers;
	agent->arg = arg;
	sip_agent_set_public(agent, &config->public_address);
	rand_token(agent->token, SIP_TOKEN_LEN);
	TAILQ_INIT(&agent->clients);
	TAILQ_INIT(&agent->messages);
	TAILQ_INIT(&agent->dialogs);
	TAILQ_INIT(&agent->due);
	r = open_agent(agent, config);
	if (r) {
		sip_agent_free(agent);
		return r;
	}
	sip_door_watch(agent);
	*out = agent;
	return 0;
}

struct sip_agent *sip_agent_free(struct sip_agent *agent)
{
	if (!agent)
		return NULL;
	sip_door_watch(NULL);
	if (agent->root)
		sip_root_pump(agent->root);
	sip_dialogs_free(agent);
	sip_messages_free(agent);
	sip_clients_free(agent);
	sip_resolver_free(agent->resolver);
	sip_listens_close(agent);
	if (agent->nta)
		nta_agent_destroy(agent->nta);
	sip_tls_free(agent);
	sip_root_free(agent->root);
	sip_fence_free(agent);
	sip_connections_free(agent);
	sip_odds_free(agent->odds);
	sip_strangers_free(agent->strangers);
	sip_shares_free(agent->shares);
	free(agent);
	return NULL;
}

void sip_agent_pump(struct sip_agent *agent)
{
	for (int i = 0; i < PUMP_ROUNDS; i++) {
		sip_root_pump(agent->root);
		if (!sip_dialogs_run(agent))
			return;
	}
}

bool sip_agent_is_busy(const struct sip_agent *agent)
{
	return !TAILQ_EMPTY(&agent->dialogs) || sip_clients_left(agent);
}

bool sip_agent_is_asking(const struct sip_agent *agent)
{
	return sip_dialogs_are_ending(agent) || sip_clients_in_dialog(agent);
}
