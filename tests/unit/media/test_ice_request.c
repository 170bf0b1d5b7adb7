/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "gateway/base/cursor.h"
#include "media/ice_agent.h"
#include "tests/mock/ice_robot.h"

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

/* A request with an attribute 0x7abc, which stun_encode() cannot write. */
static size_t write_odd_request(const struct robot *r, uint8_t *p)
{
	char username[64];
	uint8_t mac[20];

	snprintf(username, sizeof(username), "%s:%s", ice_ufrag(r->agent.ice),
		 r->ufrag);
	size_t n = strlen(username), padded = (n + 3) / 4 * 4;
	struct cursor c = cursor_over(p, STUN_PACKET_MAX);
	cursor_put_u16(&c, 0x0001);
	cursor_put_u16(&c, (uint16_t)(4 + 4 + padded + 24));
	cursor_put_u32(&c, 0x2112a442);
	cursor_put(&c, "transaction!", STUN_TID_LEN);
	cursor_put_u32(&c, 0x7abc0000);
	cursor_put_u16(&c, 0x0006);
	cursor_put_u16(&c, (uint16_t)n);
	cursor_put(&c, username, n);
	cursor_put(&c, "\0\0\0", padded - n);
	HMAC(EVP_sha1(), ice_pwd(r->agent.ice),
	     (int)strlen(ice_pwd(r->agent.ice)), p, (size_t)(c.p - p), mac,
	     NULL);
	cursor_put_u32(&c, 0x00080014);
	cursor_put(&c, mac, sizeof(mac));
	assert_true(cursor_ok(&c));
	return (size_t)(c.p - p);
}

/* As RFC 8445, 7.1 has a check, that is with FINGERPRINT: nobody gets more than
 * was sent in his name. With an IPv6 address a success has 12 octets more. */
static void no_answer_is_longer_than_its_request(void **state)
{
	enum { V6_MORE = 12 };
	static const struct {
		bool priority, role_conflict;
	} rows[] = { { true, false }, { false, false }, { true, true } };

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct robot r;

		robot_init(&r, rows[i].role_conflict);
		robot_known(&r);
		struct stun_packet request = robot_request(&r);
		request.has_priority = rows[i].priority;
		if (rows[i].role_conflict) {
			request.role = STUN_CONTROLLING;
			request.tie_breaker = 0;
		} else {
			request.role = STUN_NO_ROLE;
		}
		robot_send(&r, 0, &request);
		net_run(&r.net, 100, NULL);
		assert_int_equal(r.errors, i > 0);
		assert_int_equal(r.successes, i == 0);
		assert_in_range(r.answer_len, 1,
				r.asked_len - (i == 0 ? V6_MORE : 0));
		robot_fini(&r);
	}
}

static unsigned answered(struct robot *r, size_t from, unsigned n)
{
	unsigned before = r->successes;

	for (unsigned i = 0; i < n; i++)
		robot_check(r, from, false);
	net_run(&r->net, 100, NULL);
	return r->successes - before;
}

/* An authentic check, recorded and sent again in somebody else's name. */
static void answers_are_limited_and_the_selected_pair_has_its_own(void **state)
{
	struct robot r;

	(void)state;
	robot_init(&r, false);
	robot_known(&r);
	robot_check(&r, 0, true);
	net_run(&r.net, 1000, NULL);
	assert_int_equal(r.agent.selections, 1);
	assert_in_range(answered(&r, 1, 5000), ICE_ANSWERS_AT_ONCE,
			ICE_ANSWERS_AT_ONCE + 20);
	assert_int_equal(answered(&r, 0, 20), 20);
	net_run(&r.net, 1000, NULL);
	assert_int_equal(answered(&r, 1, 20), 20);
	robot_fini(&r);
}

static void unknown_required_attributes_are_refused(void **state)
{
	(void)state;
	struct robot r;
	uint8_t p[STUN_PACKET_MAX];

	robot_init(&r, false);
	robot_known(&r);
	size_t n = write_odd_request(&r, p);
	host_send(&r.host, &r.host.addrs[0], &r.agent.host.addrs[0], p, n);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.last_error, STUN_UNKNOWN_ATTRIBUTE);
	assert_in_range(r.answer_len, 1, n);
	assert_int_equal(r.agent.valid, 0);
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

static void early_checks_are_bounded_and_one_a_source(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	while (r.host.naddrs < NET_HOST_ADDRS) {
		char text[32];

		snprintf(text, sizeof(text), "192.0.2.%zu:9",
			 100 + r.host.naddrs);
		host_add(&r.host, text);
	}
	for (size_t i = 0; i < 2 * NET_HOST_ADDRS; i++)
		robot_check(&r, i % NET_HOST_ADDRS, false);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.successes, 2 * NET_HOST_ADDRS); /* all answered */
	robot_known(&r);
	net_run(&r.net, 1000, NULL);
	assert_int_equal(r.requests, ICE_MAX_EARLY);
	robot_fini(&r);
}

static void early_checks_of_another_do_not_count(void **state)
{
	(void)state;
	struct robot r;

	robot_init(&r, false);
	robot_check(&r, 0, true);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.successes, 1);
	snprintf(r.ufrag, sizeof(r.ufrag), "forked");
	robot_known(&r);
	net_run(&r.net, 1000, NULL);
	assert_int_equal(r.requests, 0);
	robot_fini(&r);
}

static void a_keepalive_is_not_answered(void **state)
{
	(void)state;
	struct robot r;
	struct stun_packet indication = { .kind = STUN_INDICATION };

	robot_init(&r, false);
	robot_known(&r);
	robot_send(&r, 0, &indication);
	net_run(&r.net, 100, NULL);
	assert_int_equal(r.agent.host.sent, 0);
	robot_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_that_are_not_authentic_get_silence),
		cmocka_unit_test(
			a_check_without_priority_from_nowhere_is_a_bad_request),
		cmocka_unit_test(no_answer_is_longer_than_its_request),
		cmocka_unit_test(
			answers_are_limited_and_the_selected_pair_has_its_own),
		cmocka_unit_test(unknown_required_attributes_are_refused),
		cmocka_unit_test(the_larger_tie_breaker_controls),
		cmocka_unit_test(early_checks_are_bounded_and_one_a_source),
		cmocka_unit_test(early_checks_of_another_do_not_count),
		cmocka_unit_test(a_keepalive_is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
