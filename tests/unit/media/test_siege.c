/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/siege.h"

#include "media/sieve.h"
#include "tests/test.h"

struct counts {
	struct siege siege;
	uint64_t now_ms, dropped, foreign;
};

/* @looks looks later, with so many a second dropped and let through. */
static bool run(struct counts *c, unsigned looks, uint64_t dropped_s,
		uint64_t foreign_s)
{
	bool wanted = false;

	for (unsigned i = 0; i < looks; i++) {
		c->now_ms += SIEGE_LOOK_MS;
		c->dropped += dropped_s * SIEGE_LOOK_MS / 1000;
		c->foreign += foreign_s * SIEGE_LOOK_MS / 1000;
		wanted = siege_look(&c->siege, c->now_ms, c->dropped,
				    c->foreign) ||
			 wanted;
	}
	return wanted;
}

static struct counts begin(void)
{
	struct counts c = { .now_ms = 1000000, .dropped = 99999999 };

	assert_false(run(&c, 1, 0, 0));
	return c;
}

static void a_few_strangers_are_no_flood(void **state)
{
	struct counts c = begin();

	(void)state;
	assert_false(run(&c, 100, SIEGE_FROM / 2, SIEGE_FROM / 2 - 100));
	assert_false(c.siege.flooded);
}

static void a_flood_begins_with_what_is_dropped_or_let_through(void **state)
{
	(void)state;
	struct counts c = begin();
	assert_true(run(&c, 1, SIEGE_FROM, 0));
	assert_true(c.siege.flooded);
	c = begin();
	assert_true(run(&c, 1, 0, SIEGE_FROM));
	assert_true(c.siege.flooded);
}

/* All send what has the form of a check: the share is what is borne of it. */
static void of_strangers_checks_a_share_comes_through(void **state)
{
	enum { SENT = 100000 };
	struct counts c = begin();
	uint64_t passed = SENT;

	(void)state;
	assert_true(run(&c, 1, 0, passed));
	for (int i = 0; i < 20; i++) {
		passed = (uint64_t)SENT * c.siege.share / SIEVE_ALL;
		(void)run(&c, 1, SENT - passed, passed);
	}
	assert_in_range(passed, SIEGE_BEARS / 2, SIEGE_BEARS);
	assert_false(run(&c, 8, SENT - passed, passed));
	/* others flood on without checks: those that come are all heard */
	(void)run(&c, 20, SENT, 10);
	assert_int_equal(c.siege.share, SIEVE_ALL);
}

/* From a call's address, or in its name: no share keeps that away. */
static void what_passes_anyway_takes_nothing_from_the_share(void **state)
{
	enum { SENT = 50000 };
	const uint32_t least =
		(uint32_t)((uint64_t)SIEVE_ALL * SIEGE_BEARS / SENT);
	struct counts c = begin();

	(void)state;
	(void)run(&c, 100, 0, SENT);
	assert_in_range(c.siege.share, least - least / 100, SIEVE_ALL);
	/* less of it, before the flood is over */
	(void)run(&c, 4, 0, SIEGE_TO);
	assert_true(c.siege.flooded);
	assert_int_equal(c.siege.share, SIEVE_ALL);
}

static void it_is_over_after_a_while_of_calm(void **state)
{
	enum { CALM_LOOKS = SIEGE_CALM_MS / SIEGE_LOOK_MS };
	struct counts c = begin();

	(void)state;
	assert_true(run(&c, 1, 100000, 0));
	assert_false(run(&c, CALM_LOOKS - 1, SIEGE_TO / 2, 0));
	(void)run(&c, 1, SIEGE_TO, 0);
	assert_false(run(&c, CALM_LOOKS - 1, 0, 0));
	assert_true(c.siege.flooded);
	assert_true(run(&c, 1, 0, 0));
	assert_false(c.siege.flooded);
}

/* Nothing wakes a worker while all is dropped. */
static void a_worker_that_slept_sees_that_it_is_over(void **state)
{
	struct counts c = begin();

	(void)state;
	assert_true(run(&c, 1, 100000, 0));
	c.now_ms += 60000;
	assert_true(run(&c, 1, 1000, 0));
	assert_false(c.siege.flooded);
}

static void it_looks_only_when_it_is_due(void **state)
{
	struct counts c = begin();

	(void)state;
	assert_false(siege_is_due(&c.siege, c.now_ms + SIEGE_LOOK_MS - 1));
	assert_false(siege_look(&c.siege, c.now_ms + 1, UINT32_MAX, 0));
	assert_true(siege_is_due(&c.siege, c.now_ms + SIEGE_LOOK_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_few_strangers_are_no_flood),
		cmocka_unit_test(
			a_flood_begins_with_what_is_dropped_or_let_through),
		cmocka_unit_test(of_strangers_checks_a_share_comes_through),
		cmocka_unit_test(
			what_passes_anyway_takes_nothing_from_the_share),
		cmocka_unit_test(it_is_over_after_a_while_of_calm),
		cmocka_unit_test(a_worker_that_slept_sees_that_it_is_over),
		cmocka_unit_test(it_looks_only_when_it_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
