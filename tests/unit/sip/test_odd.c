/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/odd.h"

#include <stdio.h>

#include "tests/test.h"

enum { NOW_MS = 5000 };

static struct addr peer(const char *ip)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, slice_of(ip), 5060), 0);
	return addr;
}

static void each_thing_has_one_line(void **state)
{
	struct sip_odds *odds;
	struct addr one = peer("192.0.2.1"), two = peer("192.0.2.2");

	(void)state;
	assert_int_equal(sip_odds_new(&odds), 0);
	for (int i = 0; i < 3; i++) {
		sip_odd(odds, &one, "FROB", "", "", NOW_MS);
		sip_odd(odds, &one, "SUBSCRIBE", "event", "x", NOW_MS);
		sip_odd(odds, &two, "FROB", "", "", NOW_MS);
	}
	assert_int_equal(sip_odds_told(odds), 3);
	sip_odds_free(odds);
}

static void say_new_things(struct sip_odds *odds, const struct addr *who,
			   unsigned from, uint64_t now_ms)
{
	char value[16];

	for (unsigned i = from; i < from + 1000; i++) {
		snprintf(value, sizeof(value), "x%u", i);
		sip_odd(odds, who, "SUBSCRIBE", "event", value, now_ms);
	}
}

static void ever_new_things_of_one_peer_are_not_told_for_an_hour(void **state)
{
	struct sip_odds *odds;
	struct addr one = peer("192.0.2.1"), two = peer("192.0.2.2");

	(void)state;
	assert_int_equal(sip_odds_new(&odds), 0);
	say_new_things(odds, &one, 0, NOW_MS);
	assert_int_equal(sip_odds_told(odds), SIP_ODDS_EACH);
	/* others are heard */
	sip_odd(odds, &two, "FROB", "", "", NOW_MS);
	assert_int_equal(sip_odds_told(odds), SIP_ODDS_EACH + 1);
	say_new_things(odds, &one, 5000, NOW_MS + SIP_ODDS_MS - 1);
	assert_int_equal(sip_odds_told(odds), SIP_ODDS_EACH + 1);
	say_new_things(odds, &one, 9000, NOW_MS + SIP_ODDS_MS);
	assert_int_equal(sip_odds_told(odds), 2 * SIP_ODDS_EACH + 1);
	sip_odds_free(odds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_thing_has_one_line),
		cmocka_unit_test(
			ever_new_things_of_one_peer_are_not_told_for_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
