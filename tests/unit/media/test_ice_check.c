/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/mock/ice_robot.h"

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

static void a_copy_of_a_response_from_elsewhere_means_nothing(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_known(&r);
	robot_check(&r, 0, false);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.requests, 1);
	r.answer_from = net_addr("192.0.2.3:3000");
	robot_answer(&r, &r.host.addrs[0], &r.agent.host.addrs[0],
		     &r.last_request);
	net_run(&r.net, 100, NULL);
	robot_check(&r, 0, true);
	net_run(&r.net, 100, NULL);
	assert_true(is_selected(&r.agent)); /* it was valid all the time */
	assert_int_equal(r.requests, 1);
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
		cmocka_unit_test(an_answer_of_487_switches_the_role),
		cmocka_unit_test(
			a_peer_that_always_refuses_the_role_is_given_up),
		cmocka_unit_test(a_response_from_elsewhere_fails_the_check),
		cmocka_unit_test(
			a_copy_of_a_response_from_elsewhere_means_nothing),
		cmocka_unit_test(
			a_response_with_a_wrong_password_means_nothing),
		cmocka_unit_test(new_checks_keep_the_pace),
		cmocka_unit_test(nothing_is_due_before_the_deadline),
		cmocka_unit_test(forbidden_places_are_not_checked),
		cmocka_unit_test(transaction_ids_carry_the_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
