/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Two agents, or an agent and a scripted peer, over a network in memory.
 */
#include "media/ice.h"

#include <malloc.h>
#include <stdio.h>

#include "media/cand.h"
#include "media/stun.h"
#include "tests/mock/net.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* An agent on a host, and what it has reported. */
struct peer {
	struct host host; /* first: handlers get it back */
	struct ice *ice;
	unsigned selections, failures, lost;
	uint64_t selected_ms, lost_ms;
	struct addr local, remote;
	unsigned valid;
};

static void on_send(const struct addr *local, const struct addr *remote,
		    const uint8_t *p, size_t n, void *arg)
{
	struct peer *peer = arg;

	host_send(&peer->host, local, remote, p, n);
}

static void on_valid(const struct addr *local, const struct addr *remote,
		     void *arg)
{
	struct peer *peer = arg;

	(void)local;
	(void)remote;
	peer->valid++;
}

static void on_selected(const struct addr *local, const struct addr *remote,
			void *arg)
{
	struct peer *peer = arg;

	peer->selections++;
	peer->selected_ms = peer->host.net->now_ms;
	peer->local = *local;
	peer->remote = *remote;
}

static void on_failed(enum ice_failure why, void *arg)
{
	struct peer *peer = arg;

	if (why == ICE_CONSENT_LOST) {
		peer->lost++;
		peer->lost_ms = peer->host.net->now_ms;
	} else {
		peer->failures++;
	}
}

static const struct ice_handlers handlers = { on_send, on_valid, on_selected,
					      on_failed };

static void peer_recv(struct host *host, const struct addr *local,
		      const struct addr *remote, const uint8_t *p, size_t n)
{
	struct peer *peer = (struct peer *)host;

	ice_recv(peer->ice, local, remote, p, n, host->net->now_ms);
}

static uint64_t peer_tick(struct host *host)
{
	struct peer *peer = (struct peer *)host;

	return ice_tick(peer->ice, host->net->now_ms);
}

static void peer_init(struct peer *peer, struct net *net, bool controlling)
{
	struct ice_config config = { .controlling = controlling,
				     .now_ms = net->now_ms };

	*peer = (struct peer){ .host = { .recv = peer_recv,
					 .tick = peer_tick } };
	net_join(net, &peer->host);
	assert_int_equal(ice_new(&peer->ice, &config, &handlers, peer), 0);
}

static struct media_cand candidate(enum media_cand_type type, const char *text,
				   uint16_t preference)
{
	return (struct media_cand){ .type = type,
				    .component = 1,
				    .priority =
					    cand_priority(type, preference, 1),
				    .addr = net_addr(text),
				    .foundation = "1" };
}

/* Give @peer an address and its agent the candidate for it. */
static struct media_cand peer_add(struct peer *peer, const char *text)
{
	size_t i = peer->host.naddrs;
	struct media_cand c =
		candidate(MEDIA_CAND_HOST, text, (uint16_t)(65535 - i));
	const struct addr *base = host_add(&peer->host, text);

	assert_int_equal(ice_add_local(peer->ice, &c, base), 0);
	return c;
}

static void tell(struct peer *to, enum media_cand_type type, const char *text,
		 uint16_t preference)
{
	struct media_cand c = candidate(type, text, preference);

	assert_int_equal(ice_add_remote(to->ice, &c), 0);
}

static void tell_credentials(struct peer *to, const struct peer *from)
{
	assert_int_equal(ice_set_remote(to->ice, ice_ufrag(from->ice),
					ice_pwd(from->ice), false),
			 0);
}

/* @to learns @from's credentials and its addresses as host candidates. */
static void describe(struct peer *to, const struct peer *from)
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
static void pair_init(struct pair *t)
{
	net_init(&t->net);
	peer_init(&t->a, &t->net, true);
	peer_init(&t->b, &t->net, false);
}

static void pair_hosts(struct pair *t, const char *a, const char *b)
{
	pair_init(t);
	peer_add(&t->a, a);
	peer_add(&t->b, b);
}

static void pair_fini(struct pair *t)
{
	ice_free(t->a.ice);
	ice_free(t->b.ice);
	net_fini(&t->net);
}

static void pair_describe(struct pair *t)
{
	describe(&t->a, &t->b);
	describe(&t->b, &t->a);
}

static bool is_selected(const struct peer *peer)
{
	struct addr local, remote;

	return ice_selected(peer->ice, &local, &remote);
}

static bool both_selected(const struct net *net)
{
	return is_selected((const struct peer *)net->hosts[0]) &&
	       is_selected((const struct peer *)net->hosts[1]);
}

/* What each sends to is where the other's packets come from. */
static void expect_joined(const struct pair *t)
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

static void expect_connected(struct pair *t, uint64_t within_ms)
{
	uint64_t start_ms = t->net.now_ms;

	if (!net_run(&t->net, within_ms, both_selected))
		fail_msg("not connected");
	assert_true(t->net.now_ms - start_ms <= within_ms);
	/* Let an aggressive start settle. */
	net_run(&t->net, 1000, NULL);
	expect_joined(t);
}

/* --- two agents --- */

static void two_hosts_connect(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	assert_int_equal(t.a.selections, 1);
	assert_int_equal(t.b.selections, 1);
	assert_true(t.a.valid >= 1 && t.b.valid >= 1);
	pair_fini(&t);
}

static void two_hosts_connect_over_ipv6(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "[2001:db8::1]:1000", "[2001:db8::2]:2000");
	peer_add(&t.a, "192.0.2.1:1000"); /* b has no IPv4 */
	pair_describe(&t);
	expect_connected(&t, 100);
	assert_true(addr_is_v6(&t.a.remote));
	pair_fini(&t);
}

static void the_best_working_pair_is_selected(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "[2001:db8::1]:1000", "[2001:db8::2]:2000");
	peer_add(&t.a, "192.0.2.1:1000");
	peer_add(&t.b, "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 200);
	assert_true(addr_is_v6(&t.a.remote));
	pair_fini(&t);
}

static void two_that_control_agree_on_one(void **state)
{
	(void)state;

	for (int i = 0; i < 8; i++) {
		struct pair t;

		net_init(&t.net);
		peer_init(&t.a, &t.net, true);
		peer_init(&t.b, &t.net, true);
		peer_add(&t.a, "192.0.2.1:1000");
		peer_add(&t.b, "192.0.2.2:2000");
		pair_describe(&t);
		expect_connected(&t, 300);
		pair_fini(&t);
	}
}

static void two_that_are_controlled_agree_on_one(void **state)
{
	(void)state;

	for (int i = 0; i < 8; i++) {
		struct pair t;

		net_init(&t.net);
		peer_init(&t.a, &t.net, false);
		peer_init(&t.b, &t.net, false);
		peer_add(&t.a, "192.0.2.1:1000");
		peer_add(&t.b, "192.0.2.2:2000");
		pair_describe(&t);
		expect_connected(&t, 300);
		pair_fini(&t);
	}
}

static void candidates_may_trickle_in_late(void **state)
{
	(void)state;
	struct pair t;

	pair_init(&t);
	tell_credentials(&t.a, &t.b);
	tell_credentials(&t.b, &t.a);
	net_run(&t.net, 3000, NULL);
	struct media_cand a = peer_add(&t.a, "192.0.2.1:1000");
	net_run(&t.net, 3000, NULL);
	struct media_cand b = peer_add(&t.b, "192.0.2.2:2000");
	net_run(&t.net, 3000, NULL);
	assert_int_equal(ice_add_remote(t.b.ice, &a), 0);
	assert_int_equal(ice_add_remote(t.a.ice, &b), 0);
	expect_connected(&t, 100);
	pair_fini(&t);
}

static void candidates_may_come_before_credentials(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	tell(&t.a, MEDIA_CAND_HOST, "192.0.2.2:2000", 65535);
	tell(&t.b, MEDIA_CAND_HOST, "192.0.2.1:1000", 65535);
	net_run(&t.net, 2000, NULL);
	assert_int_equal(t.a.host.sent + t.b.host.sent, 0);
	tell_credentials(&t.a, &t.b);
	tell_credentials(&t.b, &t.a);
	expect_connected(&t, 100);
	pair_fini(&t);
}

static void checks_before_the_credentials_are_remembered(void **state)
{
	(void)state;
	struct pair t;

	/* b's candidates never reach a, and b checks before a knows who it is:
	 * what b sent then is all that a has. */
	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	describe(&t.b, &t.a);
	net_run(&t.net, 200, NULL);
	assert_int_equal(t.a.valid, 1);
	assert_false(is_selected(&t.a));
	t.b.host.cut = true; /* none come any more */
	tell_credentials(&t.a, &t.b);
	size_t before = t.a.host.sent;
	net_run(&t.net, 15, NULL);
	assert_int_equal(t.a.host.sent, before + 1);
	t.b.host.cut = false;
	expect_connected(&t, 2000);
	pair_fini(&t);
}

static void a_side_without_candidates_is_reached_by_its_checks(void **state)
{
	(void)state;

	for (int controlling = 0; controlling < 2; controlling++) {
		struct pair t;

		net_init(&t.net);
		peer_init(&t.a, &t.net, controlling);
		peer_init(&t.b, &t.net, !controlling);
		peer_add(&t.a, "192.0.2.1:1000");
		peer_add(&t.b, "192.0.2.2:2000");
		tell_credentials(&t.a, &t.b);
		describe(&t.b, &t.a);
		expect_connected(&t, 200);
		pair_fini(&t);
	}
}

static void dead_candidates_do_not_delay(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	for (unsigned i = 0; i < 3; i++) {
		char text[32];

		snprintf(text, sizeof(text), "203.0.113.%u:9", i + 1);
		tell(&t.a, MEDIA_CAND_HOST, text, 65535);
		tell(&t.b, MEDIA_CAND_HOST, text, 65535);
	}
	tell_credentials(&t.a, &t.b);
	tell_credentials(&t.b, &t.a);
	tell(&t.a, MEDIA_CAND_SRFLX, "192.0.2.2:2000", 1);
	tell(&t.b, MEDIA_CAND_SRFLX, "192.0.2.1:1000", 1);
	expect_connected(&t, 500);
	pair_fini(&t);
}

static void forty_dead_candidates_are_survived(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	for (unsigned i = 0; i < 40; i++) {
		char text[32];

		snprintf(text, sizeof(text), "203.0.113.%u:9", i + 1);
		tell(&t.a, MEDIA_CAND_HOST, text, 65535);
		tell(&t.b, MEDIA_CAND_HOST, text, 65535);
	}
	tell_credentials(&t.a, &t.b);
	tell_credentials(&t.b, &t.a);
	tell(&t.a, MEDIA_CAND_SRFLX, "192.0.2.2:2000", 1);
	tell(&t.b, MEDIA_CAND_SRFLX, "192.0.2.1:1000", 1);
	expect_connected(&t, 2000);
	pair_fini(&t);
}

static void a_client_behind_nat(enum nat_behaviour mapping,
				enum nat_behaviour filtering, bool controlling)
{
	struct pair t;
	struct nat nat;

	net_init(&t.net);
	peer_init(&t.a, &t.net, controlling);
	peer_init(&t.b, &t.net, !controlling);
	nat_init(&nat, "198.51.100.1", mapping, filtering);
	t.b.host.nat = &nat;
	peer_add(&t.a, "192.0.2.1:1000");
	peer_add(&t.b, "10.0.0.2:2000");
	pair_describe(&t);
	expect_connected(&t, 300);
	assert_string_equal(addr_ip_text(&t.a.remote).s, "198.51.100.1");
	pair_fini(&t);
}

static void clients_behind_nats_are_reached(void **state)
{
	(void)state;
	static const enum nat_behaviour both[] = { NAT_ENDPOINT_INDEPENDENT,
						   NAT_ADDRESS_PORT_DEPENDENT };

	for (size_t i = 0; i < 8; i++)
		a_client_behind_nat(both[i & 1], both[i >> 1 & 1], i >> 2);
}

static void two_nats_are_crossed_by_their_outside_addresses(void **state)
{
	(void)state;
	struct pair t;
	struct nat a, b;

	pair_hosts(&t, "10.0.0.1:1000", "10.0.0.2:2000");
	nat_init(&a, "198.51.100.1", NAT_ENDPOINT_INDEPENDENT,
		 NAT_ADDRESS_PORT_DEPENDENT);
	nat_init(&b, "203.0.113.1", NAT_ENDPOINT_INDEPENDENT,
		 NAT_ADDRESS_PORT_DEPENDENT);
	t.a.host.nat = &a;
	t.b.host.nat = &b;
	/* What a STUN server would have told. */
	struct addr server = net_addr("192.0.2.9:3478");
	struct addr srflx_a = nat_out(&a, &t.a.host.addrs[0], &server);
	struct addr srflx_b = nat_out(&b, &t.b.host.addrs[0], &server);
	pair_describe(&t);
	tell(&t.a, MEDIA_CAND_SRFLX, addr_text(&srflx_b).s, 1);
	tell(&t.b, MEDIA_CAND_SRFLX, addr_text(&srflx_a).s, 1);
	expect_connected(&t, 1000);
	assert_true(addr_equal(&t.a.remote, &srflx_b));
	pair_fini(&t);
}

static void loss_only_delays(void **state)
{
	(void)state;

	for (uint32_t seed = 1; seed <= 20; seed++) {
		struct pair t;

		pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
		t.net.seed = seed * 7919;
		t.net.loss_percent = 30;
		pair_describe(&t);
		if (!net_run(&t.net, 15000, both_selected))
			fail_msg("seed %u", seed);
		pair_fini(&t);
	}
}

static void a_relayed_pair_waits_for_a_better_one(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	host_add(&t.b.host, "203.0.113.5:7777"); /* as if relayed to b */
	tell_credentials(&t.a, &t.b);
	tell_credentials(&t.b, &t.a);
	tell(&t.a, MEDIA_CAND_RELAY, "203.0.113.5:7777", 65535);
	net_run(&t.net, 25, NULL); /* the relay's check has succeeded */
	tell(&t.a, MEDIA_CAND_HOST, "192.0.2.2:2000", 65535);
	tell(&t.b, MEDIA_CAND_HOST, "192.0.2.1:1000", 65535);
	expect_connected(&t, 400);
	assert_int_equal(addr_port(&t.a.remote), 2000);
	pair_fini(&t);
}

static void a_relayed_pair_alone_is_selected(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	tell_credentials(&t.a, &t.b);
	tell_credentials(&t.b, &t.a);
	tell(&t.a, MEDIA_CAND_HOST, "203.0.113.9:9", 65535); /* dead */
	tell(&t.a, MEDIA_CAND_RELAY, "192.0.2.2:2000", 65535);
	expect_connected(&t, 100 + ICE_GRACE_MS);
	pair_fini(&t);
}

static void without_a_way_it_fails_in_time(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	t.b.host.cut = true;
	net_run(&t.net, ICE_FAIL_MS - 1, NULL);
	assert_int_equal(t.a.failures, 0);
	net_run(&t.net, 2, NULL);
	assert_int_equal(t.a.failures, 1);
	net_run(&t.net, 60000, NULL);
	assert_int_equal(t.a.failures, 1);
	assert_false(is_selected(&t.a));
	pair_fini(&t);
}

static void after_failure_a_peer_that_comes_is_still_taken(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	describe(&t.a, &t.b);
	t.b.host.cut = true;
	net_run(&t.net, ICE_FAIL_MS + 1000, NULL);
	assert_int_equal(t.a.failures, 1);
	t.b.host.cut = false;
	describe(&t.b, &t.a);
	expect_connected(&t, 500);
	pair_fini(&t);
}

/* --- restart --- */

static void expect_restart(struct pair *t, struct peer *first,
			   struct peer *second)
{
	char ufrag[64];

	snprintf(ufrag, sizeof(ufrag), "%s", ice_ufrag(first->ice));
	assert_int_equal(ice_restart(first->ice, t->net.now_ms), 0);
	assert_string_not_equal(ufrag, ice_ufrag(first->ice));
	assert_string_equal(ufrag, ice_old_ufrag(first->ice));
	/* The signalling takes a while: media and consent go on meanwhile. */
	net_run(&t->net, ICE_CONSENT_LOST_MS * 2, NULL);
	assert_true(is_selected(&t->a) && is_selected(&t->b));
	describe(second, first);
	assert_int_equal(ice_restart(second->ice, t->net.now_ms), 0);
	describe(first, second);
	assert_true(is_selected(&t->a) && is_selected(&t->b));
	unsigned a = t->a.selections, b = t->b.selections;
	net_run(&t->net, 500, NULL);
	assert_int_equal(t->a.selections, a + 1);
	assert_int_equal(t->b.selections, b + 1);
	assert_null(ice_old_ufrag(t->a.ice));
	assert_null(ice_old_ufrag(t->b.ice));
	assert_int_equal(t->a.lost + t->b.lost, 0);
	expect_joined(t);
}

static void either_side_may_restart(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	expect_restart(&t, &t.a, &t.b);
	assert_true(ice_is_controlling(t.a.ice));
	expect_restart(&t, &t.b, &t.a);
	assert_true(ice_is_controlling(t.a.ice));
	assert_int_equal(ice_generation(t.a.ice), 2);
	/* The new pair has consent of its own. */
	net_run(&t.net, ICE_CONSENT_LOST_MS * 2, NULL);
	assert_true(is_selected(&t.a) && is_selected(&t.b));
	pair_fini(&t);
}

static void a_restart_follows_the_peer_to_a_new_address(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	t.b.host.naddrs = 0; /* moved */
	assert_int_equal(ice_restart(t.b.ice, t.net.now_ms), 0);
	peer_add(&t.b, "198.51.100.2:3000");
	/* Conversations sends new credentials and no candidates. */
	tell_credentials(&t.a, &t.b);
	assert_int_equal(ice_restart(t.a.ice, t.net.now_ms), 0);
	describe(&t.b, &t.a);
	net_run(&t.net, 300, NULL);
	expect_joined(&t);
	assert_string_equal(addr_text(&t.a.remote).s, "198.51.100.2:3000");
	pair_fini(&t);
}

static void a_restart_may_be_answered_before_its_credentials_are_set(
	void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	assert_int_equal(ice_restart(t.b.ice, t.net.now_ms), 0);
	assert_int_equal(ice_restart(t.a.ice, t.net.now_ms), 0);
	pair_describe(&t);
	net_run(&t.net, 300, NULL);
	assert_int_equal(t.a.selections, 2);
	expect_joined(&t);
	pair_fini(&t);
}

static void a_restart_that_fails_keeps_the_pair(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	assert_int_equal(ice_restart(t.a.ice, t.net.now_ms), 0);
	assert_int_equal(ice_set_remote(t.a.ice, "nobody",
					"a-password-of-22-chars", false),
			 0);
	tell(&t.a, MEDIA_CAND_HOST, "203.0.113.9:9", 65535);
	net_run(&t.net, ICE_FAIL_MS * 3, NULL);
	assert_true(is_selected(&t.a) && is_selected(&t.b));
	assert_int_equal(t.a.failures, 0);
	/* and the next one works */
	expect_restart(&t, &t.b, &t.a);
	pair_fini(&t);
}

static void the_same_credentials_again_change_nothing(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	pair_describe(&t);
	net_run(&t.net, 1000, NULL);
	assert_int_equal(t.a.selections, 1);
	assert_int_equal(t.b.selections, 1);
	pair_fini(&t);
}

/* --- consent --- */

static void consent_is_lost_after_thirty_seconds(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	net_run(&t.net, 60000, NULL);
	uint64_t cut_ms = t.net.now_ms;
	t.b.host.cut = true;
	net_run(&t.net, ICE_CONSENT_LOST_MS - ICE_CONSENT_MS * 6 / 5 - 1, NULL);
	assert_true(is_selected(&t.a));
	net_run(&t.net, 10000, NULL);
	assert_false(is_selected(&t.a));
	assert_int_equal(t.a.lost, 1);
	assert_true(t.a.lost_ms <= cut_ms + ICE_CONSENT_LOST_MS);
	size_t sent = t.a.host.sent;
	net_run(&t.net, 60000, NULL);
	assert_int_equal(t.a.host.sent, sent);
	assert_int_equal(t.a.lost, 1);
	pair_fini(&t);
}

static void a_short_outage_is_survived(void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	net_run(&t.net, 20000, NULL);
	t.b.host.cut = true;
	/* The last proof before and the first after are 6 s away at most. */
	net_run(&t.net, ICE_CONSENT_LOST_MS - 2 * ICE_CONSENT_MS * 6 / 5 - 100,
		NULL);
	t.b.host.cut = false;
	net_run(&t.net, 2 * ICE_CONSENT_LOST_MS, NULL);
	assert_true(is_selected(&t.a) && is_selected(&t.b));
	assert_int_equal(t.a.lost + t.b.lost, 0);
	assert_int_equal(t.a.selections + t.b.selections, 2);
	pair_fini(&t);
}

struct probe_log {
	uint64_t last_ms;
	unsigned n;
	bool bad;
};

static bool watch_consent(struct net *net, struct net_packet *packet)
{
	struct probe_log *log = net->hook_arg;
	struct stun_head head;
	uint64_t gap_ms = net->now_ms - log->last_ms;

	if (stun_head(&head, packet->p, packet->n) ||
	    head.kind != STUN_REQUEST || addr_port(&packet->to) != 2000)
		return true;
	if (log->last_ms && (gap_ms < ICE_CONSENT_MS * 4 / 5 ||
			     gap_ms > ICE_CONSENT_MS * 6 / 5))
		log->bad = true;
	log->last_ms = net->now_ms;
	log->n++;
	return true;
}

static void consent_is_asked_for_at_random_intervals(void **state)
{
	(void)state;
	struct pair t;
	struct probe_log log = { 0 };

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	t.net.hook = watch_consent;
	t.net.hook_arg = &log;
	net_run(&t.net, 300000, NULL);
	assert_false(log.bad);
	assert_in_range(log.n, 50, 75);
	pair_fini(&t);
}

/* --- a scripted peer: one message at a time --- */

struct robot {
	struct net net;
	struct peer agent;
	struct host host;
	char ufrag[16], pwd[32];
	bool answers;    /* our checks */
	uint16_t refuse; /* answer them with this error instead */
	enum stun_role role;
	uint64_t tie_breaker;
	/* what came */
	unsigned requests, nominations, successes, errors;
	uint16_t last_error;
	struct stun_packet last_request;
	struct addr answer_from; /* set: not from where it was asked */
};

enum { ROBOT_TID = 0x52 };

static void robot_answer(struct robot *r, const struct addr *local,
			 const struct addr *remote,
			 const struct stun_packet *request)
{
	struct stun_packet answer = { .kind = STUN_SUCCESS, .mapped = *remote };
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	if (r->refuse)
		answer = (struct stun_packet){ .kind = STUN_ERROR,
					       .error = r->refuse };
	memcpy(answer.tid, request->tid, STUN_TID_LEN);
	assert_int_equal(
		stun_encode(&answer, slice_of(r->pwd), p, sizeof(p), &n), 0);
	host_send(&r->host,
		  addr_is_set(&r->answer_from) ? &r->answer_from : local,
		  remote, p, n);
}

static void robot_recv(struct host *host, const struct addr *local,
		       const struct addr *remote, const uint8_t *p, size_t n)
{
	struct robot *r =
		(struct robot *)((char *)host - offsetof(struct robot, host));
	struct stun_packet packet;
	struct stun_head head;

	assert_int_equal(stun_head(&head, p, n), 0);
	bool request = head.kind == STUN_REQUEST;
	assert_int_equal(
		stun_decode(&packet, p, n,
			    slice_of(request ? r->pwd : ice_pwd(r->agent.ice))),
		0);
	packet.username = SLICE_NONE;
	if (packet.kind == STUN_SUCCESS)
		r->successes++;
	if (packet.kind == STUN_ERROR) {
		r->errors++;
		r->last_error = packet.error;
	}
	if (!request)
		return;
	r->requests++;
	r->nominations += packet.use_candidate;
	r->last_request = packet;
	if (r->answers)
		robot_answer(r, local, remote, &packet);
}

static void robot_init(struct robot *r, bool agent_controls)
{
	*r = (struct robot){ .host = { .recv = robot_recv },
			     .ufrag = "robot",
			     .pwd = "the-robot's-password-22",
			     .answers = true,
			     .role = agent_controls ? STUN_CONTROLLED
						    : STUN_CONTROLLING };
	net_init(&r->net);
	peer_init(&r->agent, &r->net, agent_controls);
	net_join(&r->net, &r->host);
	peer_add(&r->agent, "192.0.2.1:1000");
	host_add(&r->host, "192.0.2.2:2000");
	host_add(&r->host, "192.0.2.3:3000");
}

static void robot_known(struct robot *r)
{
	assert_int_equal(ice_set_remote(r->agent.ice, r->ufrag, r->pwd, false),
			 0);
}

static void robot_fini(struct robot *r)
{
	ice_free(r->agent.ice);
	net_fini(&r->net);
}

/* The request that a well-behaved peer would send. */
static struct stun_packet robot_request(const struct robot *r)
{
	struct stun_packet request = {
		.kind = STUN_REQUEST,
		.has_priority = true,
		.priority = cand_priority(MEDIA_CAND_PRFLX, 1, 1),
		.role = r->role,
		.tie_breaker = r->tie_breaker,
	};

	memset(request.tid, ROBOT_TID, sizeof(request.tid));
	return request;
}

static void robot_send_as(struct robot *r, size_t from,
			  struct stun_packet *request, const char *username,
			  const char *pwd)
{
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	request->username = slice_of(username);
	assert_int_equal(stun_encode(request, slice_of(pwd), p, sizeof(p), &n),
			 0);
	host_send(&r->host, &r->host.addrs[from], &r->agent.host.addrs[0], p,
		  n);
}

static void robot_send(struct robot *r, size_t from,
		       struct stun_packet *request)
{
	char username[64];

	snprintf(username, sizeof(username), "%s:%s", ice_ufrag(r->agent.ice),
		 r->ufrag);
	robot_send_as(r, from, request, username, ice_pwd(r->agent.ice));
}

static void robot_check(struct robot *r, size_t from, bool use_candidate)
{
	struct stun_packet request = robot_request(r);

	request.use_candidate = use_candidate;
	robot_send(r, from, &request);
}

static void requests_that_are_not_authentic_get_silence(void **state)
{
	(void)state;
	struct robot r;
	char good[64], stranger[64], half[64];

	robot_init(&r, false);
	robot_known(&r);
	const char *ufrag = ice_ufrag(r.agent.ice);
	const char *pwd = ice_pwd(r.agent.ice);
	snprintf(good, sizeof(good), "%s:robot", ufrag);
	snprintf(stranger, sizeof(stranger), "%s:rob0t", ufrag);
	snprintf(half, sizeof(half), "%s", ufrag);
	struct stun_packet request = robot_request(&r);

	robot_send_as(&r, 0, &request, good, "a wrong password");
	robot_send_as(&r, 0, &request, good, ""); /* no MESSAGE-INTEGRITY */
	robot_send_as(&r, 0, &request, stranger, pwd);
	robot_send_as(&r, 0, &request, half, pwd);
	robot_send_as(&r, 0, &request, "nobody:robot", pwd);
	robot_send_as(&r, 0, &request, "", pwd);
	net_run(&r.net, 1000, NULL);
	assert_int_equal(r.agent.host.sent, 0);
	assert_int_equal(r.agent.valid, 0);

	robot_send_as(&r, 0, &request, good, pwd);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.successes, 1);
	assert_int_equal(r.agent.valid, 1);
	robot_fini(&r);
}

static void a_check_without_priority_from_nowhere_is_a_bad_request(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	struct stun_packet request = robot_request(&r);
	request.has_priority = false;
	robot_send(&r, 0, &request);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.last_error, STUN_BAD_REQUEST);
	assert_int_equal(r.requests, 0);
	/* A consent check (RFC 7675) needs none: its pair is known. */
	robot_check(&r, 0, true);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.successes, 1);
	robot_send(&r, 0, &request);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.successes, 2);
	robot_fini(&r);
}

static void the_larger_tie_breaker_controls(void **state)
{
	(void)state;
	static const struct {
		bool agent_controls, robot_larger, switches;
		uint16_t error;
	} rows[] = {
		{ true, true, true, 0 },
		{ true, false, false, STUN_ROLE_CONFLICT },
		{ false, true, false, STUN_ROLE_CONFLICT },
		{ false, false, true, 0 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct robot r;

		robot_init(&r, rows[i].agent_controls);
		robot_known(&r);
		r.role = rows[i].agent_controls ? STUN_CONTROLLING
						: STUN_CONTROLLED;
		r.tie_breaker = rows[i].robot_larger ? UINT64_MAX : 0;
		robot_check(&r, 0, false);
		net_run(&r.net, 15, NULL);
		net_run(&r.net, 15, NULL);
		assert_int_equal(r.last_error, rows[i].error);
		assert_int_equal(r.successes, rows[i].error ? 0 : 1);
		assert_int_equal(ice_is_controlling(r.agent.ice),
				 rows[i].agent_controls != rows[i].switches);
		robot_fini(&r);
	}
}

static void an_answer_of_487_switches_the_role(void **state)
{
	(void)state;

	for (int controls = 0; controls < 2; controls++) {
		struct robot r;

		robot_init(&r, controls);
		robot_known(&r);
		r.refuse = STUN_ROLE_CONFLICT;
		tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
		net_run(&r.net, 15, NULL);
		assert_int_equal(r.last_request.role,
				 controls ? STUN_CONTROLLING : STUN_CONTROLLED);
		r.refuse = 0;
		net_run(&r.net, 40, NULL);
		assert_int_equal(r.requests >= 2, 1);
		assert_int_equal(r.last_request.role,
				 controls ? STUN_CONTROLLED : STUN_CONTROLLING);
		robot_fini(&r);
	}
}

static void a_peer_that_always_refuses_the_role_is_given_up(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, true);
	robot_known(&r);
	r.refuse = STUN_ROLE_CONFLICT;
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, ICE_FAIL_MS + 1, NULL);
	assert_true(r.requests < 20);
	assert_int_equal(r.agent.failures, 1);
	robot_fini(&r);
}

static void a_response_from_elsewhere_fails_the_check(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, true);
	robot_known(&r);
	r.answer_from = net_addr("192.0.2.3:3000");
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, ICE_FAIL_MS + 1, NULL);
	assert_int_equal(r.requests, 1); /* it failed: not sent again */
	assert_false(is_selected(&r.agent));
	assert_int_equal(r.agent.failures, 1);
	assert_int_equal(r.agent.valid, 0);
	robot_fini(&r);
}

static void a_response_with_a_wrong_password_means_nothing(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, true);
	robot_known(&r);
	r.answers = false;
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, 15, NULL);
	struct stun_packet request = r.last_request;
	memset(r.pwd, 'x', 22);
	robot_answer(&r, &r.host.addrs[0], &r.agent.host.addrs[0], &request);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.agent.valid, 0);
	/* The true answer is still awaited. */
	snprintf(r.pwd, sizeof(r.pwd), "the-robot's-password-22");
	r.answers = true;
	robot_answer(&r, &r.host.addrs[0], &r.agent.host.addrs[0], &request);
	net_run(&r.net, 100, NULL);
	assert_true(is_selected(&r.agent));
	robot_fini(&r);
}

static void a_controlled_agent_waits_for_nomination(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	robot_check(&r, 0, false);
	net_run(&r.net, 500, NULL);
	assert_int_equal(r.requests, 1); /* triggered, answered, valid */
	assert_false(is_selected(&r.agent));
	robot_check(&r, 0, true);
	net_run(&r.net, 15, NULL);
	assert_true(is_selected(&r.agent));
	robot_fini(&r);
}

static void a_valid_pair_is_used_when_nomination_never_comes(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	robot_check(&r, 0, false);
	robot_check(&r, 1, false);
	net_run(&r.net, ICE_UNNOMINATED_MS + 100, NULL);
	assert_true(is_selected(&r.agent));
	/* and left when it comes for the other one */
	size_t other = addr_port(&r.agent.remote) == 2000;
	robot_check(&r, other, true);
	net_run(&r.net, 15, NULL);
	assert_int_equal(addr_port(&r.agent.remote), other ? 3000 : 2000);
	robot_fini(&r);
}

static void a_nomination_may_come_before_our_check_succeeds(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	r.answers = false;
	robot_check(&r, 0, true);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.successes, 1);
	assert_int_equal(r.requests, 1);
	assert_false(is_selected(&r.agent));
	r.answers = true; /* the retransmission gets through */
	net_run(&r.net, ICE_RTO_MS, NULL);
	assert_true(is_selected(&r.agent));
	robot_fini(&r);
}

static void aggressive_nomination_ends_at_the_highest_priority(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_SRFLX, "192.0.2.2:2000", 1);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.3:3000", 1);
	robot_check(&r, 0, true);
	net_run(&r.net, 15, NULL);
	robot_check(&r, 1, true);
	net_run(&r.net, 500, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 3000);
	/* A lower one that follows moves nothing while the better lives. */
	for (int i = 0; i < 5; i++) {
		robot_check(&r, 0, true);
		net_run(&r.net, 2000, NULL);
	}
	assert_int_equal(addr_port(&r.agent.remote), 3000);
	assert_true(r.agent.selections <= 2);
	robot_fini(&r);
}

static bool port_3000_is_dead(struct net *net, struct net_packet *packet)
{
	(void)net;
	return addr_port(&packet->to) != 3000 &&
	       addr_port(&packet->from) != 3000;
}

static void a_peer_that_moves_without_restart_is_followed(void **state)
{
	(void)state;

	for (int controls = 0; controls < 2; controls++) {
		struct robot r;

		robot_init(&r, controls);
		robot_known(&r);
		tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.3:3000", 1);
		robot_check(&r, 1, !controls);
		net_run(&r.net, 8000, NULL);
		assert_int_equal(addr_port(&r.agent.remote), 3000);
		r.net.hook = port_3000_is_dead;
		net_run(&r.net, 1500, NULL);
		/* From an address we never heard of. */
		robot_check(&r, 0, !controls);
		net_run(&r.net, 300, NULL);
		robot_check(&r, 0, !controls);
		net_run(&r.net, 2000, NULL);
		assert_int_equal(addr_port(&r.agent.remote), 2000);
		assert_int_equal(r.agent.lost, 0);
		net_run(&r.net, 60000, NULL);
		assert_true(is_selected(&r.agent));
		robot_fini(&r);
	}
}

static void a_lite_peer_is_controlled(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false); /* it offered, and is lite */
	assert_int_equal(ice_set_remote(r.agent.ice, r.ufrag, r.pwd, true), 0);
	assert_true(ice_is_controlling(r.agent.ice));
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, 200, NULL);
	assert_true(is_selected(&r.agent));
	assert_int_equal(r.nominations, 1);
	robot_fini(&r);
}

static void after_consent_is_lost_a_check_brings_it_back(void **state)
{
	(void)state;

	for (int controls = 0; controls < 2; controls++) {
		struct robot r;

		robot_init(&r, controls);
		robot_known(&r);
		tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
		robot_check(&r, 0, !controls);
		net_run(&r.net, 500, NULL);
		assert_true(is_selected(&r.agent));
		r.answers = false;
		net_run(&r.net, ICE_CONSENT_LOST_MS + 6000, NULL);
		assert_int_equal(r.agent.lost, 1);
		assert_false(is_selected(&r.agent));
		/* It asks, without nominating again as libnice does not; that
		 * alone is answered, and proves nothing yet. */
		unsigned answered = r.successes;
		robot_check(&r, 0, false);
		net_run(&r.net, 30, NULL);
		assert_int_equal(r.successes, answered + 1);
		assert_false(is_selected(&r.agent));
		r.answers = true;
		net_run(&r.net, 2000, NULL);
		assert_true(is_selected(&r.agent));
		assert_int_equal(r.agent.selections, 2);
		robot_fini(&r);
	}
}

static void old_credentials_are_answered_during_a_restart_only(void **state)
{
	(void)state;
	struct robot r;
	char username[64], pwd[64];

	robot_init(&r, true);
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, 500, NULL);
	snprintf(username, sizeof(username), "%s:robot",
		 ice_ufrag(r.agent.ice));
	snprintf(pwd, sizeof(pwd), "%s", ice_pwd(r.agent.ice));
	assert_int_equal(ice_restart(r.agent.ice, r.net.now_ms), 0);
	struct stun_packet request = robot_request(&r);
	size_t sent = r.agent.host.sent;
	uint8_t p[STUN_PACKET_MAX];
	size_t n;
	request.username = slice_of(username);
	assert_int_equal(stun_encode(&request, slice_of(pwd), p, sizeof(p), &n),
			 0);
	ice_recv(r.agent.ice, &r.agent.host.addrs[0], &r.host.addrs[0], p, n,
		 r.net.now_ms);
	assert_int_equal(r.agent.host.sent, sent + 1);
	net_fini(&r.net); /* that answer */
	TAILQ_INIT(&r.net.packets);
	/* The peer answers the restart, and it is over. */
	snprintf(r.ufrag, sizeof(r.ufrag), "robot2");
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, 500, NULL);
	assert_int_equal(r.agent.selections, 2);
	sent = r.agent.host.sent;
	ice_recv(r.agent.ice, &r.agent.host.addrs[0], &r.host.addrs[0], p, n,
		 r.net.now_ms);
	assert_int_equal(r.agent.host.sent, sent);
	robot_fini(&r);
}

static void a_session_taken_up_again_needs_no_nomination(void **state)
{
	(void)state;

	for (int controls = 0; controls < 2; controls++) {
		struct robot r;

		robot_init(&r, controls);
		assert_int_equal(ice_set_local(r.agent.ice, "stored",
					       "the-stored-password-22"),
				 0);
		robot_known(&r);
		assert_int_equal(ice_resume(r.agent.ice, &r.agent.host.addrs[0],
					    &r.host.addrs[0]),
				 0);
		net_run(&r.net, 30, NULL);
		assert_true(is_selected(&r.agent));
		assert_string_equal(ice_ufrag(r.agent.ice), "stored");
		robot_fini(&r);
	}
}

static void new_checks_keep_the_pace(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, true);
	robot_known(&r);
	for (unsigned i = 0; i < ICE_MAX_REMOTE; i++) {
		char text[32];

		snprintf(text, sizeof(text), "203.0.113.%u:9", i + 1);
		tell(&r.agent, MEDIA_CAND_HOST, text, (uint16_t)i);
	}
	net_run(&r.net, 500, NULL);
	assert_in_range(r.agent.host.sent, 500 / ICE_TA_MS - 1,
			500 / ICE_TA_MS + 1);
	/* With what is sent again: never above one in ICE_TA_MS for long. */
	net_run(&r.net, 5000, NULL);
	assert_true(r.agent.host.sent <= 5500 / ICE_TA_MS);
	robot_fini(&r);
}

static void nothing_is_due_before_the_deadline(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, true);
	robot_known(&r);
	r.answers = false;
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	uint64_t now_ms = r.net.now_ms;
	for (int i = 0; i < 20; i++) {
		uint64_t due_ms = ice_tick(r.agent.ice, now_ms);
		size_t sent = r.agent.host.sent;

		if (due_ms == UINT64_MAX)
			break;
		assert_true(due_ms > now_ms);
		assert_true(ice_tick(r.agent.ice, due_ms - 1) == due_ms);
		assert_int_equal(r.agent.host.sent, sent);
		unsigned failures = r.agent.failures;
		now_ms = due_ms;
		ice_tick(r.agent.ice, now_ms);
		bool last_wait = r.agent.host.sent == ICE_RC;
		assert_true(r.agent.host.sent > sent ||
			    r.agent.failures > failures || last_wait);
	}
	assert_int_equal(r.agent.host.sent, ICE_RC);
	assert_int_equal(r.agent.failures, 1);
	robot_fini(&r);
}

static void forbidden_places_are_not_checked(void **state)
{
	(void)state;
	struct robot r;
	static const char *const texts[] = { "127.0.0.1:5060", "[::1]:5060",
					     "0.0.0.0:5060",   "224.0.0.1:5060",
					     "169.254.1.1:9",  "192.0.2.2:0" };

	robot_init(&r, true);
	robot_known(&r);
	for (size_t i = 0; i < LENGTH(texts); i++)
		tell(&r.agent, MEDIA_CAND_HOST, texts[i], 1);
	net_run(&r.net, 5000, NULL);
	assert_int_equal(r.agent.host.sent, 0);
	robot_fini(&r);
}

static void limits_hold(void **state)
{
	(void)state;
	struct robot r;
	struct media_cand c;
	char text[32];

	robot_init(&r, true);
	for (unsigned i = 0; i <= ICE_MAX_REMOTE; i++) {
		snprintf(text, sizeof(text), "203.0.113.%u:9", i + 1);
		c = candidate(MEDIA_CAND_HOST, text, 1);
		assert_int_equal(ice_add_remote(r.agent.ice, &c),
				 i == ICE_MAX_REMOTE ? -E2BIG : 0);
	}
	for (unsigned i = 1; i <= ICE_MAX_LOCAL; i++) {
		snprintf(text, sizeof(text), "10.0.0.%u:9", i);
		c = candidate(MEDIA_CAND_HOST, text, 1);
		assert_int_equal(ice_add_local(r.agent.ice, &c, &c.addr),
				 i == ICE_MAX_LOCAL ? -E2BIG : 0);
	}
	static const struct {
		size_t ufrag, pwd;
	} rows[] = { { 3, 22 }, { 257, 22 }, { 4, 21 }, { 4, 257 }, { 0, 22 } };
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char ufrag[300] = "", pwd[300] = "";

		memset(ufrag, 'u', rows[i].ufrag);
		memset(pwd, 'p', rows[i].pwd);
		assert_int_equal(ice_set_remote(r.agent.ice, ufrag, pwd, false),
				 -EINVAL);
	}
	robot_fini(&r);
}

static void a_good_pair_displaces_a_hundred_bad_ones(void **state)
{
	(void)state;
	struct robot r;
	char text[32];

	robot_init(&r, false);
	for (unsigned i = 1; i < 6; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u:1000", i + 100);
		peer_add(&r.agent, text);
	}
	robot_known(&r);
	for (unsigned i = 0; i < ICE_MAX_REMOTE - 1; i++) {
		snprintf(text, sizeof(text), "203.0.113.%u:9", i + 1);
		tell(&r.agent, MEDIA_CAND_SRFLX, text, (uint16_t)i);
	}
	net_run(&r.net, 300, NULL);
	/* A check from an address nobody told of, less preferred than all. */
	struct stun_packet request = robot_request(&r);
	request.use_candidate = true;
	request.priority = 1;
	robot_send(&r, 0, &request);
	net_run(&r.net, 200, NULL);
	assert_true(is_selected(&r.agent));
	robot_fini(&r);
}

static void connect_with_many_candidates(struct robot *r)
{
	char text[32];

	robot_init(r, true);
	for (unsigned i = 1; i < 5; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u:1000", i + 100);
		peer_add(&r->agent, text);
	}
	robot_known(r);
	for (unsigned i = 1; i < 30; i++) {
		snprintf(text, sizeof(text), "203.0.113.%u:9", i);
		tell(&r->agent, MEDIA_CAND_HOST, text, 1);
	}
	tell(&r->agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 65535);
	net_run(&r->net, 2500, NULL);
	assert_true(is_selected(&r->agent));
	net_fini(&r->net);
	TAILQ_INIT(&r->net.packets);
}

static void a_connected_agent_is_small(void **state)
{
	(void)state;
	enum { AGENTS = 64, LIMIT = 8 * 1024 };
	static struct robot robots[AGENTS];

	connect_with_many_candidates(&robots[0]); /* warms malloc's caches */
	size_t before = mallinfo2().uordblks;
	for (size_t i = 1; i < AGENTS; i++)
		connect_with_many_candidates(&robots[i]);
	size_t each = (mallinfo2().uordblks - before) / (AGENTS - 1);
	print_message("%zu octets an agent\n", each);
	assert_true(each < LIMIT);
	for (size_t i = 0; i < AGENTS; i++)
		robot_fini(&robots[i]);
}

static void transaction_ids_carry_the_tag(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, true);
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, 500, NULL);
	assert_int_equal(stun_tag(r.last_request.tid), ice_tag(r.agent.ice));
	robot_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_hosts_connect),
		cmocka_unit_test(two_hosts_connect_over_ipv6),
		cmocka_unit_test(the_best_working_pair_is_selected),
		cmocka_unit_test(two_that_control_agree_on_one),
		cmocka_unit_test(two_that_are_controlled_agree_on_one),
		cmocka_unit_test(candidates_may_trickle_in_late),
		cmocka_unit_test(candidates_may_come_before_credentials),
		cmocka_unit_test(checks_before_the_credentials_are_remembered),
		cmocka_unit_test(
			a_side_without_candidates_is_reached_by_its_checks),
		cmocka_unit_test(dead_candidates_do_not_delay),
		cmocka_unit_test(forty_dead_candidates_are_survived),
		cmocka_unit_test(clients_behind_nats_are_reached),
		cmocka_unit_test(
			two_nats_are_crossed_by_their_outside_addresses),
		cmocka_unit_test(loss_only_delays),
		cmocka_unit_test(a_relayed_pair_waits_for_a_better_one),
		cmocka_unit_test(a_relayed_pair_alone_is_selected),
		cmocka_unit_test(without_a_way_it_fails_in_time),
		cmocka_unit_test(
			after_failure_a_peer_that_comes_is_still_taken),
		cmocka_unit_test(either_side_may_restart),
		cmocka_unit_test(a_restart_follows_the_peer_to_a_new_address),
		cmocka_unit_test(
			a_restart_may_be_answered_before_its_credentials_are_set),
		cmocka_unit_test(a_restart_that_fails_keeps_the_pair),
		cmocka_unit_test(the_same_credentials_again_change_nothing),
		cmocka_unit_test(consent_is_lost_after_thirty_seconds),
		cmocka_unit_test(a_short_outage_is_survived),
		cmocka_unit_test(consent_is_asked_for_at_random_intervals),
		cmocka_unit_test(requests_that_are_not_authentic_get_silence),
		cmocka_unit_test(
			a_check_without_priority_from_nowhere_is_a_bad_request),
		cmocka_unit_test(the_larger_tie_breaker_controls),
		cmocka_unit_test(an_answer_of_487_switches_the_role),
		cmocka_unit_test(
			a_peer_that_always_refuses_the_role_is_given_up),
		cmocka_unit_test(a_response_from_elsewhere_fails_the_check),
		cmocka_unit_test(
			a_response_with_a_wrong_password_means_nothing),
		cmocka_unit_test(a_controlled_agent_waits_for_nomination),
		cmocka_unit_test(
			a_valid_pair_is_used_when_nomination_never_comes),
		cmocka_unit_test(
			a_nomination_may_come_before_our_check_succeeds),
		cmocka_unit_test(
			aggressive_nomination_ends_at_the_highest_priority),
		cmocka_unit_test(a_peer_that_moves_without_restart_is_followed),
		cmocka_unit_test(a_lite_peer_is_controlled),
		cmocka_unit_test(after_consent_is_lost_a_check_brings_it_back),
		cmocka_unit_test(
			old_credentials_are_answered_during_a_restart_only),
		cmocka_unit_test(a_session_taken_up_again_needs_no_nomination),
		cmocka_unit_test(new_checks_keep_the_pace),
		cmocka_unit_test(nothing_is_due_before_the_deadline),
		cmocka_unit_test(forbidden_places_are_not_checked),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(a_good_pair_displaces_a_hundred_bad_ones),
		cmocka_unit_test(a_connected_agent_is_small),
		cmocka_unit_test(transaction_ids_carry_the_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
