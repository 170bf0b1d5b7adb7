/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/ice.h"

#include <malloc.h>

#include "tests/fail_alloc.h"
#include "tests/mock/ice_robot.h"

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

static void a_candidate_told_after_its_check_is_one_candidate(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	robot_check(&r, 0, false);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.requests, 1);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, 1000, NULL);
	assert_int_equal(r.requests, 1);
	robot_fini(&r);
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

static int build_agent(struct ice **out)
{
	struct media_cand here = candidate(MEDIA_CAND_HOST, "192.0.2.1:1", 1);
	struct media_cand there = candidate(MEDIA_CAND_HOST, "192.0.2.2:2", 1);
	struct ice_config config = { .now_ms = 1 };
	AUTO(ice_freep) struct ice *ice = NULL;

	int r = ice_new(&ice, &config, &peer_handlers, NULL);
	if (!r)
		r = ice_add_local(ice, &here, &here.addr);
	if (!r)
		r = ice_set_remote(ice, "peer", "a-password-of-22-chars",
				   false);
	if (!r)
		r = ice_add_remote(ice, &there);
	if (!r)
		r = ice_set_remote(ice, "peer2", "a-password-of-22-chars",
				   false);
	if (!r)
		r = ice_resume(ice, &here.addr, &there.addr);
	if (!r)
		r = ice_restart(ice, 2);
	if (r)
		return r;
	*out = ice;
	ice = NULL;
	return 0;
}

static void running_out_of_memory_is_reported(void **state)
{
	(void)state;
	struct ice *ice = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, build_agent(&ice))
	ice = ice_free(ice);
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
			a_candidate_told_after_its_check_is_one_candidate),
		cmocka_unit_test(
			a_side_without_candidates_is_reached_by_its_checks),
		cmocka_unit_test(dead_candidates_do_not_delay),
		cmocka_unit_test(forty_dead_candidates_are_survived),
		cmocka_unit_test(clients_behind_nats_are_reached),
		cmocka_unit_test(
			two_nats_are_crossed_by_their_outside_addresses),
		cmocka_unit_test(loss_only_delays),
		cmocka_unit_test(without_a_way_it_fails_in_time),
		cmocka_unit_test(
			after_failure_a_peer_that_comes_is_still_taken),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(a_good_pair_displaces_a_hundred_bad_ones),
		cmocka_unit_test(a_connected_agent_is_small),
		cmocka_unit_test(running_out_of_memory_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
