/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/call_resume.h"

#include "db/session.h"
#include "tests/test.h"

enum { STARTED_MS = 1000000, ANSWERED_MS = 1004000, BEGUN_MS = 70000 };

static const struct session_row answered = { .started_ms = STARTED_MS,
					     .ringing_ms = 1002000,
					     .answered_ms = ANSWERED_MS,
					     .begun_ms = BEGUN_MS };

/* For how long it has lasted since it was answered, in a run of the machine
 * that is @now_ms old. */
static int64_t talked_ms(const struct session_row *row, int64_t now_ms,
			 int64_t wall_ms)
{
	int64_t begun_ms = call_begun_ms(row, now_ms, wall_ms);

	return row->started_ms + now_ms - begun_ms - row->answered_ms;
}

static void in_the_same_run_the_wall_clock_says_nothing(void **state)
{
	struct session_row row = answered;

	(void)state;
	row.same_boot = true;
	assert_int_equal(talked_ms(&row, BEGUN_MS + 5000, 0), 1000);
	assert_int_equal(talked_ms(&row, BEGUN_MS + 5000, 9000000), 1000);
}

static void in_another_run_it_is_the_wall_clock_that_knows(void **state)
{
	(void)state;
	assert_int_equal(talked_ms(&answered, 300, ANSWERED_MS + 60000), 60000);
}

/* A machine that has no battery for its clock. */
static void a_clock_that_was_set_back_makes_no_time_negative(void **state)
{
	struct session_row rang = answered;

	(void)state;
	assert_int_equal(talked_ms(&answered, 300, ANSWERED_MS - 1), 0);
	assert_int_equal(talked_ms(&answered, 300, 0), 0);
	rang.answered_ms = 0;
	assert_int_equal(rang.started_ms + 300 - call_begun_ms(&rang, 300, 0),
			 rang.ringing_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_same_run_the_wall_clock_says_nothing),
		cmocka_unit_test(
			in_another_run_it_is_the_wall_clock_that_knows),
		cmocka_unit_test(
			a_clock_that_was_set_back_makes_no_time_negative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
