/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/stranger.h"

#include <stdio.h>

#include "tests/test.h"

static struct sip_source source(unsigned host)
{
	struct sip_source out = { .transport = SIP_UDP };
	char text[32];

	snprintf(text, sizeof(text), "10.%u.%u.%u", host >> 16 & 255,
		 host >> 8 & 255, host & 255);
	assert_int_equal(addr_parse(&out.addr, slice_of(text), 5060), 0);
	return out;
}

static bool seen(struct sip_strangers *s, unsigned host, uint64_t now_ms)
{
	struct sip_source from = source(host);

	return sip_stranger_seen(s, &from, "OPTIONS", now_ms);
}

static void one_address_gets_one_answer_a_second(void **state)
{
	(void)state;
	struct sip_strangers *s;

	assert_int_equal(sip_strangers_new(&s), 0);
	assert_true(seen(s, 1, 1000));
	for (unsigned i = 0; i < 100; i++)
		assert_false(seen(s, 1, 1000 + i * 9));
	assert_true(seen(s, 2, 1500));
	assert_true(seen(s, 1, 2000));
	sip_strangers_free(s);
}

/* Forged addresses: a reflector has to be worth nothing. */
static void all_addresses_together_get_a_few(void **state)
{
	(void)state;
	struct sip_strangers *s;

	assert_int_equal(sip_strangers_new(&s), 0);
	for (uint64_t second = 1; second < 4; second++) {
		unsigned n = 0;

		for (unsigned i = 0; i < 3 * SIP_STRANGERS_MAX; i++)
			n += seen(s, i, second * 1000 + i % 1000);
		assert_int_equal(n, SIP_STRANGERS_ANSWERS);
	}
	sip_strangers_free(s);
}

static void the_longest_silent_is_forgotten(void **state)
{
	(void)state;
	struct sip_strangers *s;

	assert_int_equal(sip_strangers_new(&s), 0);
	assert_true(seen(s, 0, 100));
	for (unsigned i = 1; i < SIP_STRANGERS_MAX; i++)
		seen(s, i, 200);
	assert_false(seen(s, 0, 300)); /* still known */
	for (unsigned i = 1; i < SIP_STRANGERS_MAX; i++)
		seen(s, SIP_STRANGERS_MAX + i, 400);
	assert_false(seen(s, 0, 500)); /* the newest of the old ones */
	seen(s, 3 * SIP_STRANGERS_MAX, 600);
	sip_strangers_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_gets_one_answer_a_second),
		cmocka_unit_test(all_addresses_together_get_a_few),
		cmocka_unit_test(the_longest_silent_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
