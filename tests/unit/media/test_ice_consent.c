/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/mock/ice_robot.h"

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
	/* an answer may have been on its way */
	assert_true(t.a.lost_ms <=
		    cut_ms + t.net.delay_ms + ICE_CONSENT_LOST_MS);
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

static void consent_may_be_lost_during_a_restart(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, true);
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, 500, NULL);
	assert_true(is_selected(&r.agent));
	assert_int_equal(ice_restart(r.agent.ice, r.net.now_ms), 0);
	r.host.cut = true;
	net_run(&r.net, ICE_CONSENT_LOST_MS + 1, NULL);
	assert_int_equal(r.agent.lost, 1);
	assert_false(is_selected(&r.agent));
	/* The peer is back, and answers the restart. */
	r.host.cut = false;
	snprintf(r.ufrag, sizeof(r.ufrag), "robot2");
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r.net, 500, NULL);
	assert_true(is_selected(&r.agent));
	assert_int_equal(r.agent.selections, 2);
	assert_int_equal(r.agent.failures, 0);
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

static void hear(struct robot *r, uint64_t ms)
{
	for (uint64_t t = 0; t < ms; t += 500) {
		ice_heard(r->agent.ice, r->net.now_ms);
		net_run(&r->net, 500, NULL);
	}
}

/* It is heard, and answers nothing for longer than consent lasts. */
static void come_to_rest(struct robot *r)
{
	robot_init(r, true);
	robot_known(r);
	tell(&r->agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
	net_run(&r->net, 8000, NULL);
	r->answers = false;
	hear(r, ICE_CONSENT_LOST_MS + 8000);
	assert_int_equal(r->agent.rests, 1);
}

/* Checks are lost in an overload, and so is what they ask for. */
static void a_peer_that_is_heard_has_time_to_come_back(void **state)
{
	(void)state;
	struct robot r;

	come_to_rest(&r);
	assert_int_equal(r.agent.lost, 0);
	assert_false(is_selected(&r.agent));
	unsigned asked = r.requests;
	hear(&r, 10000);
	assert_int_equal(r.requests, asked); /* nothing is sent */
	r.answers = true;
	robot_check(&r, 0, false);
	hear(&r, 2000);
	assert_true(is_selected(&r.agent));
	hear(&r, 2 * ICE_CONSENT_LOST_MS);
	assert_int_equal(r.agent.lost, 0);
	robot_fini(&r);
}

static void who_is_heard_and_does_not_answer_is_given_up(void **state)
{
	(void)state;

	for (int silent = 0; silent < 2; silent++) {
		struct robot r;

		come_to_rest(&r);
		if (silent)
			net_run(&r.net, ICE_HEARD_MS + 500, NULL);
		else
			hear(&r, ICE_CONSENT_LOST_MS);
		assert_int_equal(r.agent.lost, 1);
		net_run(&r.net, 60000, NULL);
		assert_int_equal(r.agent.lost, 1);
		robot_fini(&r);
	}
}

/* Its media may pause meanwhile. */
static void a_restart_has_its_own_time_to_end_the_rest(void **state)
{
	(void)state;

	for (int back = 0; back < 2; back++) {
		struct robot r;

		come_to_rest(&r);
		assert_int_equal(ice_restart(r.agent.ice, r.net.now_ms), 0);
		snprintf(r.ufrag, sizeof(r.ufrag), "robot2");
		robot_known(&r);
		tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
		net_run(&r.net, ICE_HEARD_MS + 2000, NULL);
		assert_int_equal(r.agent.lost, 0);
		r.answers = back;
		robot_check(&r, 0, false);
		net_run(&r.net, ICE_FAIL_MS, NULL);
		assert_int_equal(is_selected(&r.agent), back);
		assert_int_equal(r.agent.failures, !back);
		robot_fini(&r);
	}
}

/* SIGSTOP for longer than consent lasts: nobody has asked in between. */
static void who_stood_still_asks_before_the_peer_is_given_up(void **state)
{
	(void)state;

	for (int alive = 0; alive < 2; alive++) {
		struct robot r;

		robot_init(&r, true);
		robot_known(&r);
		tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.2:2000", 1);
		net_run(&r.net, 8000, NULL);
		assert_true(is_selected(&r.agent));
		r.net.now_ms += 2 * ICE_CONSENT_LOST_MS;
		r.answers = alive;
		unsigned asked = r.requests;
		net_run(&r.net, 2000, NULL);
		assert_true(r.requests > asked);
		assert_int_equal(r.agent.lost, !alive);
		assert_int_equal(is_selected(&r.agent), alive);
		net_run(&r.net, 60000, NULL);
		assert_int_equal(r.agent.lost, !alive);
		robot_fini(&r);
	}
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

static void a_nomination_of_a_valid_pair_challenges_a_dead_one(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.3:3000", 1);
	robot_check(&r, 0, false);
	net_run(&r.net, 200, NULL);
	robot_check(&r, 1, true);
	net_run(&r.net, 8000, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 3000);
	r.net.hook = port_3000_is_dead;
	net_run(&r.net, 1000, NULL);
	robot_check(&r, 0, true); /* valid since the beginning */
	net_run(&r.net, 1500, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 2000);
	robot_fini(&r);
}

/* libwebrtc keeps further pairs alive, and may be called: it cannot nominate.
 */
static void a_check_of_a_pair_in_reserve_challenges_a_dead_one(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, true);
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.3:3000", 1);
	robot_check(&r, 1, false);
	net_run(&r.net, 8000, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 3000);
	robot_check(&r, 0, false);
	net_run(&r.net, 8000, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 3000);
	r.net.hook = port_3000_is_dead;
	net_run(&r.net, 1500, NULL);
	robot_check(&r, 0, false);
	net_run(&r.net, 1500, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 2000);
	assert_int_equal(r.agent.lost, 0);
	net_run(&r.net, 60000, NULL);
	assert_true(is_selected(&r.agent));
	robot_fini(&r);
}

static void a_way_that_was_left_must_prove_itself_again(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	tell(&r.agent, MEDIA_CAND_HOST, "192.0.2.3:3000", 1);
	robot_check(&r, 1, true);
	net_run(&r.net, 8000, NULL);
	r.net.hook = port_3000_is_dead;
	robot_check(&r, 0, true);
	net_run(&r.net, 4000, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 2000);
	/* The old way is back, and preferred: checked before it is used. */
	r.net.hook = NULL;
	r.answers = false;
	robot_check(&r, 1, true);
	net_run(&r.net, 500, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 2000);
	r.answers = true;
	net_run(&r.net, 1000, NULL);
	assert_int_equal(addr_port(&r.agent.remote), 3000);
	robot_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(consent_is_lost_after_thirty_seconds),
		cmocka_unit_test(a_short_outage_is_survived),
		cmocka_unit_test(consent_is_asked_for_at_random_intervals),
		cmocka_unit_test(consent_may_be_lost_during_a_restart),
		cmocka_unit_test(after_consent_is_lost_a_check_brings_it_back),
		cmocka_unit_test(a_peer_that_is_heard_has_time_to_come_back),
		cmocka_unit_test(who_is_heard_and_does_not_answer_is_given_up),
		cmocka_unit_test(a_restart_has_its_own_time_to_end_the_rest),
		cmocka_unit_test(
			who_stood_still_asks_before_the_peer_is_given_up),
		cmocka_unit_test(a_peer_that_moves_without_restart_is_followed),
		cmocka_unit_test(
			a_nomination_of_a_valid_pair_challenges_a_dead_one),
		cmocka_unit_test(
			a_check_of_a_pair_in_reserve_challenges_a_dead_one),
		cmocka_unit_test(a_way_that_was_left_must_prove_itself_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
