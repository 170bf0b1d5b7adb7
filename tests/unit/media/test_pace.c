/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/pace.h"

#include "tests/test.h"

/* @n turns of @received packets, @step_us apart, up to @now_us. */
static void run(struct pace *pace, uint64_t *now_us, unsigned n,
		uint64_t step_us, size_t received)
{
	for (unsigned i = 0; i < n; i++) {
		*now_us += step_us;
		(void)pace_is_many(pace, *now_us);
		pace_turn(pace, received, 0, false);
	}
}

static void with_few_packets_a_worker_waits_for_what_comes(void **state)
{
	struct pace pace = { 0 };
	uint64_t now_us = 1;

	(void)state;
	run(&pace, &now_us, 100, 2 * PACE_US, 1);
	assert_int_equal(pace_next_us(&pace, now_us, now_us + 10), 0);
}

static void with_many_packets_turns_are_apart(void **state)
{
	struct pace pace = { 0 };
	uint64_t now_us = 1;

	(void)state;
	run(&pace, &now_us, 100, PACE_US, PACE_LESS);
	assert_true(pace_is_many(&pace, now_us));
	assert_int_equal(pace_next_us(&pace, now_us, now_us + 10),
			 now_us + PACE_US);
	/* and with less to gather further apart */
	run(&pace, &now_us, 100, PACE_US, PACE_FROM);
	assert_true(pace_is_many(&pace, now_us));
	assert_int_equal(pace_next_us(&pace, now_us, now_us + 10),
			 now_us + PACE_LESS_US);
	/* and no longer when they end */
	run(&pace, &now_us, 100, PACE_US, 0);
	assert_int_equal(pace_next_us(&pace, now_us, now_us + 10), 0);
}

static void who_is_behind_goes_on_at_once(void **state)
{
	struct pace pace = { 0 };
	uint64_t now_us = 1;

	(void)state;
	run(&pace, &now_us, 100, PACE_US, PACE_FROM);
	pace_turn(&pace, 256, 0, true);
	assert_int_equal(pace_next_us(&pace, now_us, now_us + 10), 0);
}

/* How long a worker that is always behind goes without a rest. */
static uint64_t until_rest(size_t received, size_t foreign)
{
	enum { TURN_US = 100 };
	struct pace pace = { 0 };
	uint64_t now_us = 1000, next_us;

	do {
		now_us += TURN_US;
		pace_turn(&pace, received, foreign, true);
		next_us = pace_next_us(&pace, now_us - TURN_US, now_us);
	} while (!next_us && now_us < 10 * PACE_BEHIND_US);
	assert_int_equal(next_us, now_us + PACE_REST_US);
	/* and then it may go on for as long again */
	pace_turn(&pace, received, foreign, true);
	assert_int_equal(pace_next_us(&pace, now_us, now_us + TURN_US), 0);
	return now_us - 1000;
}

static void who_stays_behind_rests(void **state)
{
	(void)state;
	assert_in_range(until_rest(256, 0), PACE_BEHIND_US,
			PACE_BEHIND_US + 200);
}

static void a_flood_of_strangers_gets_less(void **state)
{
	(void)state;
	assert_in_range(until_rest(256, 200), PACE_FLOOD_US,
			PACE_FLOOD_US + 200);
	/* their part in the packets of our calls is none */
	assert_in_range(until_rest(256, 100), PACE_BEHIND_US,
			PACE_BEHIND_US + 200);
}

/* When a worker with turns of @turn_us that are all behind becomes late. */
static uint64_t until_late(struct pace *pace, uint64_t turn_us, size_t foreign)
{
	uint64_t from_us = 1000, now_us = from_us;

	pace_turn(pace, 256, foreign, true);
	while (!pace_is_late(pace, now_us) &&
	       now_us - from_us < 10 * PACE_LATE_US) {
		pace_turn(pace, 256, foreign, true);
		(void)pace_next_us(pace, now_us, now_us + turn_us);
		now_us += turn_us;
	}
	return now_us - from_us;
}

static void who_does_not_catch_up_lets_go_of_media(void **state)
{
	struct pace pace = { 0 };

	(void)state;
	assert_false(pace_is_late(&pace, 1000));
	assert_int_equal(until_late(&pace, 1000, 0), PACE_LATE_US);
	/* until it has */
	pace_turn(&pace, 256, 0, true);
	assert_true(pace_is_late(&pace, 2 * PACE_LATE_US));
	pace_turn(&pace, 10, 0, false);
	assert_false(pace_is_late(&pace, 2 * PACE_LATE_US));
	assert_int_equal(until_late(&pace, 1000, 0), PACE_LATE_US);
}

static void a_flood_of_strangers_costs_no_media_of_calls(void **state)
{
	struct pace pace = { 0 };

	(void)state;
	assert_int_equal(until_late(&pace, 1000, 200), 10 * PACE_LATE_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			with_few_packets_a_worker_waits_for_what_comes),
		cmocka_unit_test(with_many_packets_turns_are_apart),
		cmocka_unit_test(who_is_behind_goes_on_at_once),
		cmocka_unit_test(who_does_not_catch_up_lets_go_of_media),
		cmocka_unit_test(a_flood_of_strangers_costs_no_media_of_calls),
		cmocka_unit_test(who_stays_behind_rests),
		cmocka_unit_test(a_flood_of_strangers_gets_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
