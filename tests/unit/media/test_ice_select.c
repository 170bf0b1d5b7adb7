/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/mock/ice_robot.h"

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
	net_run(&r.net, 100, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 2000);
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

static void an_address_behind_nat_counts_as_peer_reflexive(void **state)
{
	(void)state;

	for (int nat = 0; nat < 2; nat++) {
		struct robot r;

		/* Two ways to one place, the first preferred, unless what the
		 * peer sees there is no candidate of ours. */
		robot_init(&r, false);
		peer_add(&r.agent, "192.0.2.7:1000");
		robot_known(&r);
		if (nat)
			r.mapped = net_addr("198.51.100.1:4000");
		tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
		for (r.to = 0; r.to < 2; r.to++)
			robot_check(&r, 0, true);
		net_run(&r.net, 500, NULL);
		assert_string_equal(addr_text(&r.agent.local).s,
				    nat ? "192.0.2.7:1000" : "192.0.2.1:1000");
		robot_fini(&r);
	}
}

static void once_selected_worse_pairs_are_left_alone(void **state)
{
	(void)state;

	for (int controls = 0; controls < 2; controls++) {
		struct robot r;

		robot_init(&r, controls);
		robot_known(&r);
		tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 65535);
		for (unsigned i = 1; i < 20; i++) {
			char text[32];

			snprintf(text, sizeof(text), "203.0.113.%u:9", i);
			tell(&r.agent, MEDIA_CAND_SRFLX, text, 1);
		}
		robot_check(&r, 0, !controls);
		net_run(&r.net, 200, NULL);
		assert_true(is_selected(&r.agent));
		size_t sent = r.agent.host.sent;
		net_run(&r.net, ICE_CONSENT_MS * 2, NULL);
		assert_true(r.agent.host.sent - sent <= 2); /* consent */
		robot_fini(&r);
	}
}

static void a_better_pair_that_is_dead_changes_nothing(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_HOST, "203.0.113.9:9", 65535);
	tell(&r.agent, MEDIA_CAND_SRFLX, "192.0.2.2:2000", 1);
	robot_check(&r, 0, true);
	net_run(&r.net, 30000, NULL);
	assert_true(is_selected(&r.agent));
	assert_int_equal(r.agent.selections, 1);
	assert_int_equal(r.agent.failures, 0);
	robot_fini(&r);
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

/* A check of the robot's that comes from @port. */
static void check_from(struct robot *r, uint16_t port)
{
	struct stun_packet request = robot_request(r);
	struct addr from = r->host.addrs[0];
	char username[64];
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	addr_set_port(&from, port);
	snprintf(username, sizeof(username), "%s:%s", ice_ufrag(r->agent.ice),
		 r->ufrag);
	request.username = slice_of(username);
	assert_int_equal(stun_encode(&request, slice_of(ice_pwd(r->agent.ice)),
				     p, sizeof(p), &n),
			 0);
	ice_recv(r->agent.ice, &r->agent.host.addrs[0], &from, p, n,
		 r->net.now_ms);
}

/*
 * A peer that nominates nothing, makes us control, leaves our nomination
 * without an answer and then checks from everywhere: consent alone ends the
 * pair that is used.
 */
static void the_pair_in_use_outlives_a_check_that_failed(void **state)
{
	(void)state;
	struct robot r;
	struct addr local, remote;

	robot_init(&r, false);
	robot_known(&r);
	robot_check(&r, 0, false);
	net_run(&r.net, ICE_UNNOMINATED_MS + 500, NULL);
	assert_true(is_selected(&r.agent));
	r.answers = false;
	r.role = STUN_CONTROLLED;
	robot_check(&r, 0, false);
	net_run(&r.net, ICE_RC * ICE_RTO_MAX_MS, NULL);
	assert_true(ice_is_controlling(r.agent.ice));
	assert_true(r.nominations > 0);
	for (int i = 0; i <= ICE_MAX_PAIRS; i++)
		check_from(&r, (uint16_t)(4000 + i));
	assert_true(ice_selected(r.agent.ice, &local, &remote));
	assert_true(addr_equal(&remote, &r.host.addrs[0]));
	net_run(&r.net, ICE_CONSENT_LOST_MS, NULL);
	assert_int_equal(r.agent.lost, 1);
	robot_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_relayed_pair_waits_for_a_better_one),
		cmocka_unit_test(a_relayed_pair_alone_is_selected),
		cmocka_unit_test(a_controlled_agent_waits_for_nomination),
		cmocka_unit_test(
			a_valid_pair_is_used_when_nomination_never_comes),
		cmocka_unit_test(
			a_nomination_may_come_before_our_check_succeeds),
		cmocka_unit_test(
			aggressive_nomination_ends_at_the_highest_priority),
		cmocka_unit_test(
			an_address_behind_nat_counts_as_peer_reflexive),
		cmocka_unit_test(once_selected_worse_pairs_are_left_alone),
		cmocka_unit_test(a_better_pair_that_is_dead_changes_nothing),
		cmocka_unit_test(a_lite_peer_is_controlled),
		cmocka_unit_test(the_pair_in_use_outlives_a_check_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
