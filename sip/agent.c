/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The agent: transports, addresses and the loop. nta runs as a bare transaction
 * layer (NTATAG_UA(0)): what it does for user agents by itself would send an
 * ACK and a BYE to wherever a stray 2xx points, by its own resolver.
 */
#include "sip/agent_int.h"

#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NTA_AGENT_MAGIC_T struct sip_agent
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "sip/client.h"
#include "sip/dialog_int.h"
#include "sip/root.h"
#include "sip/server.h"
#include "sip/stranger.h"

enum {
	PUMP_ROUNDS = 16,
	BIND_URL_CAP = 128,
	TCP_IDLE_MS = 900 * 1000,
	TCP_MESSAGE_MS = 10 * 1000, /* from a message's first octet */
	/* No CANCEL by nta's own timer C: how long to ring is the gateway's. */
	TIMER_C_MS = 24 * 3600 * 1000,
	STUN_FIRST_OCTETS = 4, /* RFC 7983: 0..3 */
	/* A burst of calls fits; the kernel counts twice a packet's size. */
	RECEIVE_BUFFER = 4 * 1024 * 1024,
	FD_SCAN = 4096,
};

static const char *transport_name(enum sip_transport transport)
{
	return transport == SIP_TCP ? "tcp" : "udp";
}

/* ---- transports ---- */

/*
 * sofia answers STUN on the SIP port with an old parser, even when told not to:
 * the kernel drops what is no SIP.
 */
static int drop_stun(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 8, 0, 2),
		/* The UDP header comes first. */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, STUN_FIRST_OCTETS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, SIP_MESSAGE_MAX * 2),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		return -errno;
	return 0;
}

/* As much as we may have. */
static void widen(int fd)
{
	int size = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		log_warn("event=sip_listen what=\"small receive buffer\"");
}

static bool is_bound_to(int fd, int type, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int is = 0;
	socklen_t is_len = sizeof(is);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &is, &is_len) || is != type)
		return false;
	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return false;
	return !addr_from(out, (struct sockaddr *)&ss) && addr_port(out);
}

/* Sockets of @type that are there now, as bits. */
static void list_sockets(uint8_t set[static FD_SCAN], int type)
{
	struct addr bound;

	for (int fd = 0; fd < FD_SCAN; fd++)
		set[fd] = is_bound_to(fd, type, &bound);
}

/* What add_tport() opened; the library tells nobody its descriptor. */
static int take_new_sockets(struct sip_agent *agent, const uint8_t *before,
			    enum sip_transport transport)
{
	int type = transport == SIP_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int found = 0;

	for (int fd = 0; fd < FD_SCAN; fd++) {
		struct sip_listen *l = &agent->listens[agent->nlistens];
		struct addr bound;
		int r = 0;

		if (before[fd] || !is_bound_to(fd, type, &bound))
			continue;
		if (transport == SIP_UDP) {
			widen(fd);
			r = drop_stun(fd);
		}
		if (r)
			return r;
		if (found++)
			continue;
		l->transport = transport;
		l->addr = bound;
		agent->nlistens++;
	}
	return found ? 0 : -EBADF;
}

static int add_listen(struct sip_agent *agent, const struct sip_listen *listen)
{
	uint8_t before[FD_SCAN];
	char url[BIND_URL_CAP], port[8] = "*";
	const char *ip = addr_ip_text(&listen->addr).s;
	bool v6 = addr_is_v6(&listen->addr);
	struct addr_text text = addr_ip_text(&listen->addr);
	int r = 0;

	ip = text.s;
	if (agent->nlistens == SIP_LISTENS_MAX)
		return -E2BIG;
	if (addr_port(&listen->addr))
		r = text_format(port, sizeof(port), "%u",
				addr_port(&listen->addr));
	if (!r)
		r = text_format(url, sizeof(url), "sip:%s%s%s:%s;transport=%s",
				v6 ? "[" : "", ip, v6 ? "]" : "", port,
				transport_name(listen->transport));
	if (r)
		return r;
	list_sockets(before,
		     listen->transport == SIP_UDP ? SOCK_DGRAM : SOCK_STREAM);
	errno = 0;
	if (nta_agent_add_tport(agent->nta, URL_STRING_MAKE(url),
				TPTAG_STUN_SERVER(0), TPTAG_REUSE(1),
				TPTAG_IDLE(TCP_IDLE_MS),
				TPTAG_TIMEOUT(TCP_MESSAGE_MS), TAG_END())) {
		r = errno ? -errno : -EADDRINUSE;
		log_error("event=sip_listen at=%s transport=%s error=%d",
			  addr_text(&listen->addr).s,
			  transport_name(listen->transport), -r);
		return r;
	}
	return take_new_sockets(agent, before, listen->transport);
}

/* ---- addresses ---- */

/* The source address that routing chooses towards @peer. */
static struct addr routed_source(const struct addr *peer)
{
	struct addr found = { .sa.sa_family = ADDR_NONE };
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = socket(peer->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return found;
	if (!connect(fd, &peer->sa, addr_len(peer)) &&
	    !getsockname(fd, (struct sockaddr *)&ss, &len) &&
	    addr_from(&found, (struct sockaddr *)&ss))
		found.sa.sa_family = ADDR_NONE;
	close(fd);
	addr_set_port(&found, 0);
	return found;
}

static const struct sip_listen *find_listen(const struct sip_agent *agent,
					    enum sip_transport transport,
					    bool v6)
{
	for (size_t i = 0; i < agent->nlistens; i++) {
		const struct sip_listen *l = &agent->listens[i];

		if (l->transport == transport && addr_is_v6(&l->addr) == v6)
			return l;
	}
	return NULL;
}

struct addr sip_agent_local(const struct sip_agent *agent,
			    const struct addr *peer)
{
	const struct sip_listen *l =
		find_listen(agent, SIP_UDP, addr_is_v6(peer));
	struct addr ip;

	if (addr_is_set(&agent->public_ip) &&
	    addr_is_v6(&agent->public_ip) == addr_is_v6(peer))
		return agent->public_ip;
	if (l && addr_classify(&l->addr) != ADDR_UNSPECIFIED)
		ip = l->addr;
	else
		ip = routed_source(peer);
	addr_set_port(&ip, 0);
	return ip;
}

struct addr sip_agent_reachable(const struct sip_agent *agent,
				const struct sip_hop *hop)
{
	const struct sip_listen *l =
		find_listen(agent, hop->transport, addr_is_v6(&hop->addr));
	struct addr ip = sip_agent_local(agent, &hop->addr);

	addr_set_port(&ip, l ? addr_port(&l->addr) : SIP_PORT);
	return ip;
}

int sip_agent_contact(const struct sip_agent *agent, const struct sip_hop *hop,
		      const char *user, char out[static SIP_CONTACT_CAP])
{
	struct addr at = sip_agent_reachable(agent, hop);
	char escaped[SIP_USER_TEXT_CAP];
	int r = sip_user_format(escaped, *user ? user : agent->token);

	if (r)
		return r;
	return text_format(out, SIP_CONTACT_CAP, "sip:%s@%s%s", escaped,
			   addr_text(&at).s,
			   hop->transport == SIP_TCP ? ";transport=tcp" : "");
}

int sip_agent_via(const struct sip_agent *agent, const struct sip_hop *hop,
		  char *out, size_t cap)
{
	struct addr at = sip_agent_reachable(agent, hop);

	return text_format(out, cap, "SIP/2.0/%s %s;rport",
			   hop->transport == SIP_TCP ? "TCP" : "UDP",
			   addr_text(&at).s);
}

void sip_agent_set_public(struct sip_agent *agent, const struct addr *ip)
{
	agent->public_ip = *ip;
	addr_set_port(&agent->public_ip, 0);
}

struct addr sip_agent_bound(const struct sip_agent *agent, size_t i)
{
	struct addr none = { .sa.sa_family = ADDR_NONE };

	return i < agent->nlistens ? agent->listens[i].addr : none;
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
	struct sip_resolver_config config = {
		.servers = nameservers,
		.v4 = find_listen(agent, SIP_UDP, false) ||
		      find_listen(agent, SIP_TCP, false),
		.v6 = find_listen(agent, SIP_UDP, true) ||
		      find_listen(agent, SIP_TCP, true),
		.tcp = find_listen(agent, SIP_TCP, false) ||
		       find_listen(agent, SIP_TCP, true),
	};

	return sip_resolver_new(&agent->resolver, agent->base, &config);
}

static int open_agent(struct sip_agent *agent,
		      const struct sip_agent_config *config)
{
	int r = sip_root_new(&agent->root, agent->base);

	if (!r)
		r = sip_strangers_new(&agent->strangers);
	if (!r)
		r = create_nta(agent);
	for (size_t i = 0; !r && i < config->nlistens; i++)
		r = add_listen(agent, &config->listens[i]);
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
	agent->max_half_open = config->max_half_open;
	sip_agent_set_public(agent, &config->public_address);
	rand_token(agent->token, SIP_TOKEN_LEN);
	TAILQ_INIT(&agent->clients);
	TAILQ_INIT(&agent->dialogs);
	TAILQ_INIT(&agent->due);
	r = open_agent(agent, config);
	if (r) {
		sip_agent_free(agent);
		return r;
	}
	*out = agent;
	return 0;
}

struct sip_agent *sip_agent_free(struct sip_agent *agent)
{
	if (!agent)
		return NULL;
	if (agent->root)
		sip_root_pump(agent->root);
	sip_dialogs_free(agent);
	sip_clients_free(agent);
	sip_resolver_free(agent->resolver);
	if (agent->nta)
		nta_agent_destroy(agent->nta);
	sip_root_free(agent->root);
	sip_strangers_free(agent->strangers);
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

bool sip_agent_has_dialogs(const struct sip_agent *agent)
{
	return !TAILQ_EMPTY(&agent->dialogs);
}
