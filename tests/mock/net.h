/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A network in memory with a clock of its own: hosts with addresses, NATs in
 * front of them, delay, loss and cut paths. Deterministic: the same seed loses
 * the same packets. Include it in one test program.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/addr.h"
#include "tests/test.h"

enum {
	NET_MAX_HOSTS = 4,
	NET_HOST_ADDRS = 16,
	NET_NAT_MAPPINGS = 64,
	NET_START_MS = 1000,
};

/* RFC 4787, 4.1 and 5: whether the remote address plays a part. */
enum nat_behaviour { NAT_ENDPOINT_INDEPENDENT, NAT_ADDRESS_PORT_DEPENDENT };

struct nat_mapping {
	struct addr inside, remote, outside;
};

struct nat {
	struct addr outside; /* its IP */
	enum nat_behaviour mapping, filtering;
	struct nat_mapping mappings[NET_NAT_MAPPINGS];
	size_t n;
	uint16_t next_port;
};

struct net;

struct host {
	struct net *net;
	struct nat *nat; /* NULL: none in front */
	struct addr addrs[NET_HOST_ADDRS];
	size_t naddrs;
	bool cut; /* nothing gets in or out */
	uint64_t due_ms;
	size_t sent;
	void (*recv)(struct host *host, const struct addr *local,
		     const struct addr *remote, const uint8_t *p, size_t n);
	uint64_t (*tick)(struct host *host);
};

struct net_packet {
	TAILQ_ENTRY(net_packet) entry;
	uint64_t due_ms;
	struct addr from, to;
	struct nat *inside_of; /* where it was sent, for private addresses */
	size_t n;
	uint8_t p[1500];
};

struct net {
	uint64_t now_ms;
	uint32_t delay_ms, loss_percent, seed;
	struct host *hosts[NET_MAX_HOSTS];
	size_t nhosts;
	TAILQ_HEAD(, net_packet) packets;
	/* May look at and change what is on its way; false: drop it. */
	bool (*hook)(struct net *net, struct net_packet *packet);
	void *hook_arg;
};

static inline struct addr net_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_port(&a, slice_of(text)), 0);
	return a;
}

static inline void net_init(struct net *net)
{
	*net = (struct net){ .now_ms = NET_START_MS,
			     .delay_ms = 10,
			     .seed = 1 };
	TAILQ_INIT(&net->packets);
}

static inline void net_fini(struct net *net)
{
	struct net_packet *packet;

	while ((packet = TAILQ_FIRST(&net->packets))) {
		TAILQ_REMOVE(&net->packets, packet, entry);
		free(packet);
	}
}

static inline void net_join(struct net *net, struct host *host)
{
	assert_true(net->nhosts < NET_MAX_HOSTS);
	host->net = net;
	host->due_ms = UINT64_MAX;
	net->hosts[net->nhosts++] = host;
}

static inline struct addr *host_add(struct host *host, const char *text)
{
	assert_true(host->naddrs < NET_HOST_ADDRS);
	host->addrs[host->naddrs] = net_addr(text);
	return &host->addrs[host->naddrs++];
}

static inline void nat_init(struct nat *nat, const char *outside,
			    enum nat_behaviour mapping,
			    enum nat_behaviour filtering)
{
	*nat = (struct nat){ .mapping = mapping,
			     .filtering = filtering,
			     .next_port = 40000 };
	assert_int_equal(addr_parse(&nat->outside, slice_of(outside), 0), 0);
}

/* Forget all, as after a reboot or a long silence; new ports from now on. */
static inline void nat_expire(struct nat *nat)
{
	nat->n = 0;
}

static inline struct addr nat_out(struct nat *nat, const struct addr *inside,
				  const struct addr *remote)
{
	bool by_remote = nat->mapping == NAT_ADDRESS_PORT_DEPENDENT;
	struct addr outside = nat->outside;
	bool mapped = false;

	for (size_t i = 0; i < nat->n; i++) {
		const struct nat_mapping *m = &nat->mappings[i];

		if (!addr_equal(&m->inside, inside))
			continue;
		if (addr_equal(&m->remote, remote))
			return m->outside;
		if (!by_remote) {
			outside = m->outside;
			mapped = true;
		}
	}
	assert_true(nat->n < NET_NAT_MAPPINGS);
	if (!mapped)
		addr_set_port(&outside, nat->next_port++);
	nat->mappings[nat->n++] =
		(struct nat_mapping){ *inside, *remote, outside };
	return outside;
}

static inline const struct addr *nat_in(const struct nat *nat,
					const struct addr *to,
					const struct addr *from)
{
	for (size_t i = 0; i < nat->n; i++) {
		const struct nat_mapping *m = &nat->mappings[i];
		bool open = nat->filtering == NAT_ENDPOINT_INDEPENDENT ||
			    addr_equal(&m->remote, from);

		if (addr_equal(&m->outside, to) && open)
			return &m->inside;
	}
	return NULL;
}

static inline bool net_is_lost(struct net *net)
{
	net->seed = net->seed * 1664525u + 1013904223u;
	return (net->seed >> 16) % 100 < net->loss_percent;
}

static inline bool host_has(const struct host *host, const struct addr *a)
{
	for (size_t i = 0; i < host->naddrs; i++)
		if (addr_equal(&host->addrs[i], a))
			return true;
	return false;
}

static inline void host_send(struct host *host, const struct addr *local,
			     const struct addr *remote, const uint8_t *p,
			     size_t n)
{
	struct net *net = host->net;
	bool neighbour = false;

	host->sent++;
	if (host->cut || net_is_lost(net) || !host_has(host, local))
		return;
	for (size_t i = 0; i < net->nhosts; i++)
		neighbour |= net->hosts[i]->nat == host->nat &&
			     host_has(net->hosts[i], remote);

	struct net_packet *packet = calloc(1, sizeof(*packet));
	assert_non_null(packet);
	assert_true(n <= sizeof(packet->p));
	packet->due_ms = net->now_ms + net->delay_ms;
	packet->to = *remote;
	packet->inside_of = neighbour ? host->nat : NULL;
	packet->from = host->nat && !neighbour
			       ? nat_out(host->nat, local, remote)
			       : *local;
	packet->n = n;
	memcpy(packet->p, p, n);
	TAILQ_INSERT_TAIL(&net->packets, packet, entry);
}

static inline void host_tick(struct host *host)
{
	host->due_ms = host->tick ? host->tick(host) : UINT64_MAX;
}

static inline void host_take(struct host *host, const struct addr *local,
			     const struct net_packet *packet)
{
	if (host->cut)
		return;
	host->recv(host, local, &packet->from, packet->p, packet->n);
	host_tick(host);
}

static inline void net_deliver(struct net *net, struct net_packet *packet)
{
	if (net->hook && !net->hook(net, packet))
		return;
	for (size_t i = 0; i < net->nhosts; i++) {
		struct host *host = net->hosts[i];
		const struct addr *inside =
			host->nat
				? nat_in(host->nat, &packet->to, &packet->from)
				: NULL;
		bool here = host->nat == packet->inside_of &&
			    host_has(host, &packet->to);

		if (here || (inside && host_has(host, inside))) {
			struct addr local = here ? packet->to : *inside;
			host_take(host, &local, packet);
			return;
		}
	}
}

static inline uint64_t net_next(const struct net *net)
{
	const struct net_packet *packet = TAILQ_FIRST(&net->packets);
	uint64_t due_ms = packet ? packet->due_ms : UINT64_MAX;

	for (size_t i = 0; i < net->nhosts; i++)
		if (net->hosts[i]->due_ms < due_ms)
			due_ms = net->hosts[i]->due_ms;
	return due_ms;
}

static inline void net_step(struct net *net)
{
	struct net_packet *packet;

	while ((packet = TAILQ_FIRST(&net->packets)) &&
	       packet->due_ms <= net->now_ms) {
		TAILQ_REMOVE(&net->packets, packet, entry);
		net_deliver(net, packet);
		free(packet);
	}
	for (size_t i = 0; i < net->nhosts; i++)
		if (net->hosts[i]->due_ms <= net->now_ms)
			host_tick(net->hosts[i]);
}

/* Let @ms pass, or less when @done says so (it may be NULL). */
static inline bool net_run(struct net *net, uint64_t ms,
			   bool (*done)(const struct net *net))
{
	uint64_t end_ms = net->now_ms + ms;
	unsigned steps = 0;

	for (size_t i = 0; i < net->nhosts; i++)
		host_tick(net->hosts[i]);
	while (!done || !done(net)) {
		uint64_t due_ms = net_next(net);

		if (due_ms > end_ms) {
			net->now_ms = end_ms;
			return false;
		}
		if (due_ms > net->now_ms) {
			net->now_ms = due_ms;
			steps = 0;
		}
		/* A deadline that never moves would hang a worker. */
		assert_true(++steps < 100);
		net_step(net);
	}
	return true;
}
