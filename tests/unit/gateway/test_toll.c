/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/toll.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/gateway.h"
#include "tests/test.h"
#include "tests/unit/gateway/noon.h"

#define ALICE "alice@example.org"
#define BOB   "bob@example.org"

enum { MINUTE_MS = 60000, HOUR_S = 3600, DAY_S = 24 * HOUR_S, SLACK_MS = 5000 };

/* ---- clocks that pass, or are set ---- */

static int64_t passed_s, set_s;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ts);

	ts->tv_sec += passed_s + (clock == CLOCK_REALTIME ? set_s : 0);
	return r;
}

static struct gateway gateway;
static struct usage_row stored; /* the last */
static struct usage_row before; /* what an earlier run left; .name NULL */

int usage_put(struct db *db, const struct usage_row *row, db_done_fn done,
	      void *arg)
{
	(void)db;
	(void)done;
	(void)arg;
	stored = *row;
	return 0;
}

int usage_load_all(struct db *db, db_row_fn fn, void *arg)
{
	(void)db;
	if (before.name)
		fn(&before, arg);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	noon();
	before.name = NULL;
	passed_s = set_s = 0;
	gateway = (struct gateway){ .base = event_base_new() };
	return toll_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	toll_free(&gateway);
	event_base_free(gateway.base);
	return 0;
}

static unsigned calls(const char *account)
{
	return toll_calls(&gateway, TOLL_ACCOUNT, account);
}

static int64_t used_ms(const char *account)
{
	return toll_used_ms(&gateway, TOLL_ACCOUNT, account);
}

static void start(struct toll_meter *meter, const char *account, int64_t ago_ms)
{
	assert_int_equal(toll_start(&gateway, meter, TOLL_ACCOUNT, account,
				    (int64_t)clock_ms() - ago_ms),
			 0);
}

/* ---- calls ---- */

static void a_call_gives_its_count_back_once(void **state)
{
	struct toll_line one = { .of = NULL }, two = { .of = NULL };

	(void)state;
	toll_drop(&one);
	assert_int_equal(calls(ALICE), 0);
	assert_int_equal(toll_take(&gateway, &one, TOLL_ACCOUNT, ALICE), 0);
	assert_int_equal(
		toll_take(&gateway, &two, TOLL_ACCOUNT, "ALICE@Example.org/x"),
		0);
	assert_int_equal(calls(ALICE), 2);
	assert_int_equal(toll_calls(&gateway, TOLL_TRUNK, ALICE), 0);
	toll_drop(&one);
	toll_drop(&one);
	assert_int_equal(calls(ALICE), 1);
	toll_drop(&two);
	assert_int_equal(calls(ALICE), 0);
}

/* Whatever comes and goes, in whatever order. */
static void the_counts_are_those_of_walking(void **state)
{
	enum { N = 200, STEPS = 20000, NAMES = 7 };
	static struct toll_line lines[N];
	static int of[N]; /* whose; 0: nobody's */
	char name[16];

	(void)state;
	srand(1);
	for (int step = 0; step < STEPS; step++) {
		int i = rand() % N, who = 1 + rand() % NAMES, n = 0;

		snprintf(name, sizeof(name), "trunk%d", who);
		if (lines[i].of) {
			toll_drop(&lines[i]);
			of[i] = 0;
		} else {
			assert_int_equal(toll_take(&gateway, &lines[i],
						   TOLL_TRUNK, name),
					 0);
			of[i] = who;
		}
		for (int k = 0; k < N; k++)
			n += of[k] == who;
		assert_int_equal(toll_calls(&gateway, TOLL_TRUNK, name), n);
	}
	for (int i = 0; i < N; i++)
		toll_drop(&lines[i]);
}

/* What only tried is forgotten when others come. */
static void those_who_tried_take_no_room_for_ever(void **state)
{
	enum { MINUTES = 15, EACH = 20000 };
	struct toll_line line = { .of = NULL };
	char name[32];

	(void)state;
	assert_int_equal(toll_take(&gateway, &line, TOLL_ACCOUNT, ALICE), 0);
	for (int minute = 0; minute < MINUTES; minute++) {
		passed_s = 61 * minute;
		for (int i = 0; i < EACH; i++) {
			snprintf(name, sizeof(name), "u%d-%d@example.net",
				 minute, i);
			assert_int_equal(toll_try(&gateway, TOLL_ACCOUNT, name),
					 1);
		}
	}
	assert_int_equal(toll_tries(&gateway, TOLL_ACCOUNT, name), 1);
	assert_int_equal(calls(ALICE), 1);
	toll_drop(&line);
}

/* ---- minutes ---- */

static void what_lasts_is_used(void **state)
{
	struct toll_meter one = { .over = NULL }, two = { .over = NULL };

	(void)state;
	toll_stop(&one);
	start(&one, ALICE, 2 * MINUTE_MS);
	start(&two, ALICE, MINUTE_MS);
	assert_in_range(used_ms(ALICE), 3 * MINUTE_MS,
			3 * MINUTE_MS + SLACK_MS);
	toll_stop(&one);
	toll_stop(&one);
	assert_in_range(used_ms(ALICE), 3 * MINUTE_MS,
			3 * MINUTE_MS + SLACK_MS);
	assert_string_equal(stored.name, ALICE);
	assert_in_range(stored.seconds, 120, 126);
	toll_stop(&two);
	assert_in_range(stored.seconds, 180, 186);
	assert_int_equal(used_ms(BOB), 0);
}

static unsigned ended;

static void on_over(void *arg)
{
	ended++;
	toll_stop(arg);
}

static void start_cut(struct toll_meter *meter, const char *account,
		      int64_t ago_ms)
{
	*meter = (struct toll_meter){ .over = on_over, .arg = meter };
	start(meter, account, ago_ms);
}

static void wait_for(unsigned n)
{
	ended = 0;
	while (ended < n)
		event_base_loop(gateway.base, EVLOOP_ONCE);
}

/* Two calls use up two minutes in one. */
static void calls_at_once_share_what_is_left(void **state)
{
	uint64_t began = clock_ms();
	struct toll_meter one, two;

	(void)state;
	start_cut(&one, ALICE, MINUTE_MS);
	start_cut(&two, ALICE, MINUTE_MS);
	toll_allow(&gateway, TOLL_ACCOUNT, ALICE, 2 * MINUTE_MS + 400);
	wait_for(2);
	assert_in_range(clock_ms() - began, 190, 10000);
	assert_in_range(used_ms(ALICE), 2 * MINUTE_MS + 390,
			2 * MINUTE_MS + 400 + SLACK_MS);
}

static void what_is_allowed_may_change(void **state)
{
	struct toll_meter one;

	(void)state;
	start_cut(&one, ALICE, 5 * MINUTE_MS);
	toll_allow(&gateway, TOLL_ACCOUNT, ALICE, 3600 * 1000);
	toll_allow(&gateway, TOLL_ACCOUNT, ALICE, MINUTE_MS);
	assert_non_null(one.of); /* not in the midst of a command */
	wait_for(1);
	assert_null(one.of);
}

static void help_is_not_cut_off(void **state)
{
	struct toll_meter help = { .over = NULL }, other;

	(void)state;
	start(&help, ALICE, 5 * MINUTE_MS);
	start_cut(&other, ALICE, 0);
	toll_allow(&gateway, TOLL_ACCOUNT, ALICE, MINUTE_MS);
	wait_for(1);
	assert_non_null(help.of);
	toll_stop(&help);
}

static void another_name_has_all_of_it(void **state)
{
	struct toll_line line = { .of = NULL };
	struct toll_meter meter = { .over = NULL };

	(void)state;
	start(&meter, ALICE, MINUTE_MS);
	assert_int_equal(toll_take(&gateway, &line, TOLL_ACCOUNT, ALICE), 0);
	toll_try(&gateway, TOLL_ACCOUNT, ALICE);
	assert_int_equal(toll_prepare(&gateway, BOB), 0);
	toll_move(&gateway, ALICE, BOB);
	assert_int_equal(calls(ALICE), 0);
	assert_int_equal(calls(BOB), 1);
	assert_int_equal(used_ms(ALICE), 0);
	assert_in_range(used_ms(BOB), MINUTE_MS, MINUTE_MS + SLACK_MS);
	assert_int_equal(toll_tries(&gateway, TOLL_ACCOUNT, BOB), 1);
	toll_drop(&line);
	toll_stop(&meter);
	assert_string_equal(stored.name, BOB);
	assert_int_equal(calls(BOB), 0);
}

/* Calls outlive an account that is removed, whose name another may take. */
static void what_the_name_has_still_counts(void **state)
{
	struct toll_line lines[2] = { 0 };
	struct toll_meter meters[2] = { 0 };

	(void)state;
	start(&meters[0], ALICE, MINUTE_MS);
	start(&meters[1], BOB, MINUTE_MS);
	assert_int_equal(toll_take(&gateway, &lines[0], TOLL_ACCOUNT, ALICE),
			 0);
	assert_int_equal(toll_take(&gateway, &lines[1], TOLL_ACCOUNT, BOB), 0);
	toll_move(&gateway, ALICE, BOB);
	assert_int_equal(calls(BOB), 2);
	assert_in_range(used_ms(BOB), 2 * MINUTE_MS, 2 * MINUTE_MS + SLACK_MS);
	for (size_t i = 0; i < 2; i++) {
		toll_drop(&lines[i]);
		toll_stop(&meters[i]);
		assert_int_equal(calls(BOB), 1 - i);
	}
	assert_int_equal(calls(ALICE), 0);
	assert_in_range(used_ms(BOB), 2 * MINUTE_MS, 2 * MINUTE_MS + SLACK_MS);
}

/* ---- days ---- */

static void load(int64_t day)
{
	before = (struct usage_row){
		.kind = QUOTA_ACCOUNT, .name = ALICE, .day = day, .seconds = 300
	};
	toll_free(&gateway);
	assert_int_equal(toll_new(&gateway), 0);
}

static int64_t today(void)
{
	struct toll_meter meter = { .over = NULL };

	start(&meter, BOB, 0);
	toll_stop(&meter);
	return stored.day;
}

static void what_was_used_outlives_the_process_on_its_day(void **state)
{
	int64_t day = today();

	(void)state;
	load(day);
	assert_int_equal(used_ms(ALICE), 300 * 1000);
	load(day - 1);
	assert_int_equal(used_ms(ALICE), 0);
}

/* Written before the clock was set back: it is no less used for it. */
static void a_day_to_come_counts_for_today_once(void **state)
{
	int64_t day = today();

	(void)state;
	stored.day = 0;
	load(day + 400);
	assert_int_equal(used_ms(ALICE), 300 * 1000);
	assert_string_equal(stored.name, ALICE);
	assert_int_equal(stored.day, day);
}

/* It is between noon and one. */
static void what_lasts_over_midnight_is_of_both_days(void **state)
{
	struct toll_meter meter = { .over = NULL };

	(void)state;
	start(&meter, ALICE, 0);
	passed_s = 11 * HOUR_S;
	assert_in_range(used_ms(ALICE), 11 * HOUR_S * 1000,
			11 * HOUR_S * 1000 + SLACK_MS);
	passed_s = 14 * HOUR_S;
	assert_in_range(used_ms(ALICE), 2 * HOUR_S * 1000, 3 * HOUR_S * 1000);
	toll_stop(&meter);
	assert_in_range(stored.seconds, 2 * HOUR_S, 3 * HOUR_S);
}

/* A day that is set comes with all of its minutes; one that is set back has
 * none the more for it. */
static void a_clock_that_is_set_gives_nothing_back(void **state)
{
	struct toll_meter one = { .over = NULL }, two = { .over = NULL };
	int64_t day = today();

	(void)state;
	start(&one, ALICE, 5 * MINUTE_MS);
	start(&two, ALICE, 2 * MINUTE_MS);
	toll_stop(&one);
	set_s = DAY_S;
	assert_in_range(used_ms(ALICE), 0, SLACK_MS);
	passed_s = 60;
	toll_stop(&two);
	assert_int_equal(stored.day, day + 1);
	assert_in_range(stored.seconds, 60, 66);
	set_s = 0;
	assert_in_range(used_ms(ALICE), 8 * MINUTE_MS,
			8 * MINUTE_MS + SLACK_MS);
	/* nor a second time */
	set_s = DAY_S;
	assert_in_range(used_ms(ALICE), 0, SLACK_MS);
	set_s = 0;
	assert_in_range(used_ms(ALICE), 8 * MINUTE_MS,
			8 * MINUTE_MS + SLACK_MS);
	set_s = -400 * (int64_t)DAY_S;
	assert_in_range(used_ms(ALICE), 8 * MINUTE_MS,
			8 * MINUTE_MS + SLACK_MS);
}

/* Nor is a call that lasts cut off later for it. */
static void a_clock_that_is_set_back_leaves_less(void **state)
{
	struct toll_meter one = { .over = NULL }, two;

	(void)state;
	start(&one, ALICE, 5 * MINUTE_MS);
	set_s = DAY_S;
	assert_in_range(used_ms(ALICE), 0, SLACK_MS);
	toll_stop(&one);
	start_cut(&two, ALICE, 0);
	toll_allow(&gateway, TOLL_ACCOUNT, ALICE, 3 * MINUTE_MS);
	assert_false(event_base_loop(gateway.base, EVLOOP_NONBLOCK) < 0);
	assert_non_null(two.of);
	set_s = 0;
	assert_in_range(used_ms(ALICE), 5 * MINUTE_MS,
			5 * MINUTE_MS + SLACK_MS);
	wait_for(1);
	assert_null(two.of);
}

#define TOLL_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TOLL_TEST(a_call_gives_its_count_back_once),
		TOLL_TEST(the_counts_are_those_of_walking),
		TOLL_TEST(those_who_tried_take_no_room_for_ever),
		TOLL_TEST(what_lasts_is_used),
		TOLL_TEST(calls_at_once_share_what_is_left),
		TOLL_TEST(what_is_allowed_may_change),
		TOLL_TEST(help_is_not_cut_off),
		TOLL_TEST(another_name_has_all_of_it),
		TOLL_TEST(what_the_name_has_still_counts),
		TOLL_TEST(what_was_used_outlives_the_process_on_its_day),
		TOLL_TEST(a_day_to_come_counts_for_today_once),
		TOLL_TEST(what_lasts_over_midnight_is_of_both_days),
		TOLL_TEST(a_clock_that_is_set_gives_nothing_back),
		TOLL_TEST(a_clock_that_is_set_back_leaves_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
