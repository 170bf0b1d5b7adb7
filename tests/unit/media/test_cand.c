/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/cand.h"
#include "tests/test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static bool usable(const char *text, bool allow_loopback, uint8_t component)
{
	struct media_cand c = { .component = component };

	assert_int_equal(addr_parse_port(&c.addr, slice_of(text)), 0);
	return cand_is_usable(&c, allow_loopback);
}

static void remote_candidates_must_be_places_to_send_to(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"0.0.0.0:9",          "0.1.2.3:9",
		"224.0.0.1:9",        "255.255.255.255:9",
		"240.0.0.1:9",        "169.254.0.1:9",
		"192.0.2.1:0",        "[::]:9",
		"[fe80::1]:9",        "[ff02::1]:9",
		"[::ffff:0.0.0.0]:9", "[::127.0.0.1]:9",
	};

	for (size_t i = 0; i < LENGTH(bad); i++)
		if (usable(bad[i], true, 1))
			fail_msg("usable: %s", bad[i]);
	assert_true(usable("192.0.2.1:9", false, 1));
	assert_true(usable("10.0.0.1:9", false, 1));
	assert_true(usable("[2001:db8::1]:9", false, 1));
	assert_false(usable("192.0.2.1:9", false, 2));
}

static void remote_loopback_needs_leave(void **state)
{
	(void)state;
	static const char *const loopback[] = { "127.0.0.1:9", "127.255.0.1:9",
						"[::1]:9",
						"[::ffff:127.0.0.1]:9" };

	for (size_t i = 0; i < LENGTH(loopback); i++) {
		assert_false(usable(loopback[i], false, 1));
		assert_true(usable(loopback[i], true, 1));
	}
}

static void priorities_are_those_of_the_formula(void **state)
{
	(void)state;
	assert_int_equal(cand_priority(MEDIA_CAND_HOST, 65535, 1), 2130706431);
	assert_int_equal(cand_priority(MEDIA_CAND_SRFLX, 65535, 1), 1694498815);
	assert_int_equal(cand_priority(MEDIA_CAND_PRFLX, 0, 2),
			 (110u << 24) + 254);
	assert_int_equal(cand_priority(MEDIA_CAND_RELAY, 1, 1), 256 + 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remote_candidates_must_be_places_to_send_to),
		cmocka_unit_test(remote_loopback_needs_leave),
		cmocka_unit_test(priorities_are_those_of_the_formula),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
