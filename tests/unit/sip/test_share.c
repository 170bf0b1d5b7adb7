/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/share.h"

#include <stdio.h>

#include "gateway/base/slice.h"
#include "tests/test.h"

enum {
	S_US = 1000000,
	RING_ALL = 8,
	RING_EACH = 6,
	RATE = 500,
	AT_ONCE = 2 * RATE,
};

static struct addr host(unsigned n)
{
	struct addr out;
	char text[32];

	snprintf(text, sizeof(text), "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255,
		 n & 255);
	assert_int_equal(addr_parse(&out, slice_of(text), 5060), 0);
	return out;
}

static enum sip_share_verdict ask(struct sip_shares *s, unsigned n,
				  uint64_t now_us)
{
	struct addr peer = host(n);

	return sip_share_ask(s, &peer, now_us);
}

static bool is_spent(struct sip_shares *s, unsigned n, uint64_t now_us)
{
	struct addr peer = host(n);

	return sip_share_is_spent(s, &peer, now_us);
}

static unsigned serve_all(struct sip_shares *s, unsigned n, uint64_t now_us)
{
	unsigned served = 0;

	while (ask(s, n, now_us) == SIP_SHARE_SERVE)
		served++;
	return served;
}

static int set_up(void **state)
{
	const struct sip_share_limits limits = { .ringing = RING_ALL,
						 .ringing_each = RING_EACH,
						 .requests_each = RATE };
	struct sip_shares *s;

	assert_int_equal(sip_shares_new(&s, &limits), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	sip_shares_free(*state);
	return 0;
}

static void who_asks_too_often_is_refused_and_then_ignored(void **state)
{
	struct sip_shares *s = *state;
	uint64_t now_us = 5;

	assert_int_equal(serve_all(s, 1, now_us), AT_ONCE);
	assert_false(is_spent(s, 1, now_us));
	for (unsigned i = 1; i < AT_ONCE; i++)
		assert_int_equal(ask(s, 1, now_us), SIP_SHARE_REFUSE);
	assert_int_equal(ask(s, 1, now_us), SIP_SHARE_IGNORE);
	assert_true(is_spent(s, 1, now_us));
	now_us += S_US;
	assert_false(is_spent(s, 1, now_us));
	assert_int_equal(serve_all(s, 1, now_us), RATE);
}

static void who_asks_no_more_than_its_share_never_is(void **state)
{
	struct sip_shares *s = *state;

	for (uint64_t i = 0; i < 20 * RATE; i++)
		assert_int_equal(ask(s, 1, i * S_US / RATE), SIP_SHARE_SERVE);
}

static void one_that_floods_leaves_some_for_others(void **state)
{
	struct sip_shares *s = *state;

	for (uint64_t us = 0; us < 10 * S_US; us += 100) {
		ask(s, 1, us);
		if (us % 10000 == 0)
			assert_int_equal(ask(s, 2, us), SIP_SHARE_SERVE);
	}
}

/* What is remembered of requests is bounded whoever sends them. */
static void all_together_have_a_limit(void **state)
{
	struct sip_shares *s = *state;
	unsigned served = 0;

	for (unsigned i = 0; i < 3 * SIP_SHARES_MAX; i++)
		served += ask(s, i, 0) == SIP_SHARE_SERVE;
	assert_int_equal(served, 2 * AT_ONCE);
}

static void all_ports_of_an_address_are_one(void **state)
{
	struct sip_shares *s = *state;
	struct addr peer = host(1);

	serve_all(s, 1, 0);
	addr_set_port(&peer, 7);
	assert_int_equal(sip_share_ask(s, &peer, 0), SIP_SHARE_REFUSE);
}

/* All that may ring do. */
static void assert_none_rings(struct sip_shares *s, const struct addr *one,
			      const struct addr *other)
{
	for (unsigned i = 0; i < RING_ALL; i++) {
		const struct addr *who = i < RING_EACH ? one : other;

		assert_true(sip_share_may_ring(s, who));
		assert_non_null(sip_share_ring(s, who));
	}
	assert_false(sip_share_may_ring(s, other));
}

static void calls_that_ring_are_limited_for_one_and_for_all(void **state)
{
	struct sip_shares *s = *state;
	struct sip_share *ringing[RING_ALL];
	struct addr one = host(1), other = host(2);

	for (unsigned i = 0; i < RING_ALL; i++) {
		const struct addr *who = i < RING_EACH ? &one : &other;

		assert_true(sip_share_may_ring(s, who));
		ringing[i] = sip_share_ring(s, who);
		assert_non_null(ringing[i]);
		if (i == RING_EACH - 1)
			assert_false(sip_share_may_ring(s, &one));
	}
	assert_false(sip_share_may_ring(s, &other));
	sip_share_ring_over(s, ringing[RING_EACH]);
	assert_true(sip_share_may_ring(s, &other));
	assert_false(sip_share_may_ring(s, &one));
	for (unsigned i = 0; i < RING_ALL; i++)
		if (i != RING_EACH)
			sip_share_ring_over(s, ringing[i]);
	sip_share_ring_over(s, NULL);
	assert_none_rings(s, &one, &other);
}

static void who_rings_is_not_forgotten_for_others(void **state)
{
	struct sip_shares *s = *state;
	struct addr one = host(0), other = host(1);
	struct sip_share *ringing = sip_share_ring(s, &one);

	for (unsigned i = 1; i < 3 * SIP_SHARES_MAX; i++)
		ask(s, i, 0);
	for (unsigned i = 1; i < RING_EACH; i++)
		assert_ptr_equal(sip_share_ring(s, &one), ringing);
	assert_false(sip_share_may_ring(s, &one));
	for (unsigned i = 0; i < RING_EACH; i++)
		sip_share_ring_over(s, ringing);
	assert_none_rings(s, &one, &other);
}

#define SHARE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARE_TEST(who_asks_too_often_is_refused_and_then_ignored),
		SHARE_TEST(who_asks_no_more_than_its_share_never_is),
		SHARE_TEST(one_that_floods_leaves_some_for_others),
		SHARE_TEST(all_together_have_a_limit),
		SHARE_TEST(all_ports_of_an_address_are_one),
		SHARE_TEST(calls_that_ring_are_limited_for_one_and_for_all),
		SHARE_TEST(who_rings_is_not_forgotten_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
