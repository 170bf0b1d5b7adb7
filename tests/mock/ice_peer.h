/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * ICE agents on the hosts of tests/mock/net.h: one, or two that know of each
 * other. Include it in one test program.
 */
#pragma once

#include "media/cand.h"
#include "media/ice.h"
#include "tests/mock/net.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* An agent on a host, and what it has reported. */
struct peer {
	struct host host; /* first: handlers get it back */
	struct ice *ice;
	unsigned selections, failures, rests, lost;
	uint64_t selected_ms, lost_ms;
	struct addr local, remote;
	unsigned valid;
};

static inline void on_send(const struct addr *local, const struct addr *remote,
			   const uint8_t *p, size_t n, void *arg)
{
	struct peer *peer = arg;

	host_send(&peer->host, local, remote, p, n);
}

static inline void on_valid(const struct addr *local, const struct addr *remote,
			    void *arg)
{
	struct peer *peer = arg;

	(void)local;
	(void)remote;
	peer->valid++;
}

static inline void on_selected(const struct addr *local,
			       const struct addr *remote, void *arg)
{
	struct peer *peer = arg;

	peer->selections++;
	peer->selected_ms = peer->host.net->now_ms;
	peer->local = *local;
	peer->remote = *remote;
}

static inline void on_failed(enum ice_failure why, void *arg)
{
	struct peer *peer = arg;

	if (why == ICE_CONSENT_RESTS) {
		peer->rests++;
	} else if (why == ICE_CONSENT_LOST) {
		peer->lost++;
		peer->lost_ms = peer->host.net->now_ms;
	} else {
		peer->failures++;
	}
}

static const struct ice_handlers peer_handlers = { on_send, on_valid,
						   on_selected, on_failed,
						   NULL };

static inline void peer_recv(struct host *host, const struct addr *local,
			     const struct addr *remote, const uint8_t *p,
			     size_t n)
{
	struct peer *peer = (struct peer *)host;

	ice_recv(peer->ice, local, remote, p, n, host->net->now_ms);
}

static inline uint64_t peer_tick(struct host *host)
{
	struct peer *peer = (struct peer *)host;

	return ice_tick(peer->ice, host->net->now_ms);
}

static inline void peer_init(struct peer *peer, struct net *net,
			     bool controlling)
{
	struct ice_config config = { .controlling = controlling,
				     .now_ms = net->now_ms };

	*peer = (struct peer){ .host = { .recv = peer_recv,
					 .tick = peer_tick } };
	net_join(net, &peer->host);
	assert_int_equal(ice_new(&peer->ice, &config, &peer_handlers, peer), 0);
}

static inline struct media_cand candidate(enum media_cand_type type,
					  const char *text, uint16_t preference)
{
	return (struct media_cand){ .type = type,
				    .component = 1,
				    .priority =
					    cand_priority(type, preference, 1),
				    .addr = net_addr(text),
				    .foundation = "1" };
}

/* Give @peer an address and its agent the candidate for it. */
static inline struct media_cand peer_add(struct peer *peer, const char *text)
{
	size_t i = peer->host.naddrs;
	struct media_cand c =
		candidate(MEDIA_CAND_HOST, text, (uint16_t)(65535 - i));
	const struct addr *base = host_add(&peer->host, text);

	assert_int_equal(ice_add_local(peer->ice, &c, base), 0);
	return c;
}

static inline void tell(struct peer *to, enum media_cand_type type,
			const char *text, uint16_t preference)
{
	struct media_cand c = candidate(type, text, preference);

	assert_int_equal(ice_add_remote(to->ice, &c), 0);
}

static inline void tell_credentials(struct peer *to, const struct peer *from)
{
	assert_int_equal(ice_set_remote(to->ice, ice_ufrag(from->ice),
					ice_pwd(from->ice), false),
			 0);
}

/* @to learns @from's credentials and its addresses as host candidates. */
static inline void describe(struct peer *to, const struct peer *from)
{
	tell_credentials(to, from);
	for (size_t i = 0; i < from->host.naddrs; i++) {
		const struct addr *a = &from->host.addrs[i];

		tell(to, MEDIA_CAND_HOST, addr_text(a).s,
		     (uint16_t)(65535 - i));
	}
}

struct pair {
	struct net net;
	struct peer a, b;
};

/* a offers and controls; both have one address and know nothing yet. */
static inline void pair_init(struct pair *t)
{
	net_init(&t->net);
	peer_init(&t->a, &t->net, true);
	peer_init(&t->b, &t->net, false);
}

static inline void pair_hosts(struct pair *t, const char *a, const char *b)
{
	pair_init(t);
	peer_add(&t->a, a);
	peer_add(&t->b, b);
}

static inline void pair_fini(struct pair *t)
{
	ice_free(t->a.ice);
	ice_free(t->b.ice);
	net_fini(&t->net);
}

static inline void pair_describe(struct pair *t)
{
	describe(&t->a, &t->b);
	describe(&t->b, &t->a);
}

static inline bool is_selected(const struct peer *peer)
{
	struct addr local, remote;

	return ice_selected(peer->ice, &local, &remote);
}

static inline bool both_selected(const struct net *net)
{
	return is_selected((const struct peer *)net->hosts[0]) &&
	       is_selected((const struct peer *)net->hosts[1]);
}

/* What each sends to is where the other's packets come from. */
static inline void expect_joined(const struct pair *t)
{
	struct addr local, remote;

	assert_true(ice_selected(t->a.ice, &local, &remote));
	if (!t->b.host.nat)
		assert_true(addr_equal(&remote, &t->b.local));
	assert_true(ice_selected(t->b.ice, &local, &remote));
	if (!t->a.host.nat)
		assert_true(addr_equal(&remote, &t->a.local));
	assert_int_not_equal(ice_is_controlling(t->a.ice),
			     ice_is_controlling(t->b.ice));
}

static inline void expect_connected(struct pair *t, uint64_t within_ms)
{
	uint64_t start_ms = t->net.now_ms;

	if (!net_run(&t->net, within_ms, both_selected))
		fail_msg("not connected");
	assert_true(t->net.now_ms - start_ms <= within_ms);
	/* Let an aggressive start settle. */
	net_run(&t->net, 1000, NULL);
	expect_joined(t);
}
