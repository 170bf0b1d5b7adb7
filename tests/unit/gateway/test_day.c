/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/day.h"

#include <stdlib.h>
#include <time.h>

#include "tests/test.h"

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* 2026-03-10 00:00 UTC, and its day. */
static const int64_t march_ms = 1773100800000;
enum { MARCH_DAY = 20522 };

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

static void a_day_begins_at_midnight(void **state)
{
	struct day day = { 0 };

	(void)state;
	assert_true(day_turn(&day, march_ms + HOUR_MS, 5 * HOUR_MS));
	assert_int_equal(day.number, MARCH_DAY);
	assert_int_equal(day.since_ms, 4 * HOUR_MS);
	assert_false(day_turn(&day, march_ms + DAY_MS - 1, 28 * HOUR_MS - 1));
	assert_true(day_turn(&day, march_ms + DAY_MS + 1, 28 * HOUR_MS + 1));
	assert_int_equal(day.number, MARCH_DAY + 1);
	assert_int_equal(day.since_ms, 28 * HOUR_MS);
}

static void it_is_the_operators(void **state)
{
	struct day day = { 0 };

	(void)state;
	setenv("TZ", "WEST5", 1);
	tzset();
	day_turn(&day, march_ms + HOUR_MS, 0);
	assert_int_equal(day.number, MARCH_DAY - 1);
	assert_int_equal(day.since_ms, -20 * (int64_t)HOUR_MS);
	assert_true(day_turn(&day, march_ms + 5 * HOUR_MS, 4 * HOUR_MS));
	assert_int_equal(day.number, MARCH_DAY);
}

static void a_day_may_have_23_hours(void **state)
{
	struct day day = { 0 };

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	/* 2026-03-29 00:00 there */
	day_turn(&day, march_ms + 19 * (int64_t)DAY_MS - HOUR_MS, 0);
	assert_int_equal(day.number, MARCH_DAY + 19);
	assert_int_equal(day.ends_ms - day.began_ms, 23 * HOUR_MS);
}

/* No more of the new day is over than has passed since it was another. */
static void a_clock_that_is_set_makes_no_time(void **state)
{
	struct day day = { 0 };

	(void)state;
	day_turn(&day, march_ms + HOUR_MS, 100 * HOUR_MS);
	assert_true(day_turn(&day, march_ms + DAY_MS + 5 * HOUR_MS,
			     100 * HOUR_MS + 10));
	assert_int_equal(day.since_ms, 100 * HOUR_MS);
	assert_true(day_turn(&day, march_ms + 2 * HOUR_MS, 100 * HOUR_MS + 20));
	assert_int_equal(day.number, MARCH_DAY);
	assert_int_equal(day.since_ms, 100 * HOUR_MS + 10);
}

#define DAY_TEST(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAY_TEST(a_day_begins_at_midnight),
		DAY_TEST(it_is_the_operators),
		DAY_TEST(a_day_may_have_23_hours),
		DAY_TEST(a_clock_that_is_set_makes_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
