/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* ICE restart (RFC 8445, 9), by either side and in any order. */
#include <stdio.h>

#include "tests/mock/ice_robot.h"

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

/* The order in which a session's owner does it. */
static void a_restart_may_bring_credentials_and_candidates_of_its_own(
	void **state)
{
	(void)state;
	struct pair t;

	pair_hosts(&t, "192.0.2.1:1000", "192.0.2.2:2000");
	pair_describe(&t);
	expect_connected(&t, 100);
	assert_int_equal(ice_restart(t.b.ice, t.net.now_ms), 0);
	describe(&t.a, &t.b);
	assert_int_equal(ice_restart(t.a.ice, t.net.now_ms), 0);
	assert_int_equal(
		ice_set_local(t.a.ice, "chosen", "a-password-of-22-chars"), 0);
	t.a.host.naddrs = 0; /* the old address does not work any more */
	struct media_cand c = peer_add(&t.a, "192.0.2.7:7000");
	assert_int_equal(ice_add_local(t.a.ice, &c, &c.addr), 0);
	describe(&t.b, &t.a);
	net_run(&t.net, 300, NULL);
	expect_joined(&t);
	assert_string_equal(addr_text(&t.b.remote).s, "192.0.2.7:7000");
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

static void addresses_of_before_a_restart_are_dropped(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, true);
	for (unsigned i = 0; i < 3 * ICE_MAX_LOCAL; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.0.0.%u:1000", i + 1);
		struct media_cand c = candidate(MEDIA_CAND_HOST, text, 1);
		assert_int_equal(ice_restart(r.agent.ice, r.net.now_ms), 0);
		assert_int_equal(ice_add_local(r.agent.ice, &c, &c.addr), 0);
	}
	robot_fini(&r);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(either_side_may_restart),
		cmocka_unit_test(a_restart_follows_the_peer_to_a_new_address),
		cmocka_unit_test(
			a_restart_may_be_answered_before_its_credentials_are_set),
		cmocka_unit_test(
			a_restart_may_bring_credentials_and_candidates_of_its_own),
		cmocka_unit_test(a_restart_that_fails_keeps_the_pair),
		cmocka_unit_test(addresses_of_before_a_restart_are_dropped),
		cmocka_unit_test(the_same_credentials_again_change_nothing),
		cmocka_unit_test(
			old_credentials_are_answered_during_a_restart_only),
		cmocka_unit_test(a_session_taken_up_again_needs_no_nomination),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
