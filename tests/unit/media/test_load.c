/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/load.h"

#include "tests/test.h"

enum { SECOND_US = 1000000 };

/* @permille of a processor for one second more. */
static enum load_change pass(struct load *load, unsigned permille)
{
	return load_look(load, load->cpu_us + permille * SECOND_US / 1000,
			 load->packets + 50,
			 load->at_us ? load->at_us + SECOND_US : 7);
}

static void the_first_look_tells_nothing(void **state)
{
	struct load load = { 0 };

	(void)state;
	assert_int_equal(load_look(&load, 900 * SECOND_US, 1000, SECOND_US),
			 LOAD_SAME);
	assert_int_equal(load.busy_permille, 0);
	assert_int_equal(load.packets_s, 0);
}

static void what_was_used_between_two_looks_is_what_counts(void **state)
{
	struct load load = { 0 };

	(void)state;
	assert_int_equal(pass(&load, 700), LOAD_SAME);
	assert_int_equal(pass(&load, 700), LOAD_SAME);
	assert_int_equal(load.busy_permille, 700);
	assert_int_equal(load.packets_s, 50);
	assert_int_equal(pass(&load, 3), LOAD_SAME);
	assert_int_equal(load.busy_permille, 3);
	/* twice as long, as much */
	assert_int_equal(load_look(&load, load.cpu_us + SECOND_US / 2,
				   load.packets + 50,
				   load.at_us + 2 * SECOND_US),
			 LOAD_SAME);
	assert_int_equal(load.busy_permille, 250);
	assert_int_equal(load.packets_s, 25);
}

/* On a busy machine a look comes late, and that is no news. */
static void a_loop_that_stood_still_is_known_by_a_late_look(void **state)
{
	enum { AT_MS = 5000, DUE_MS = AT_MS + LOAD_LOOK_MS };

	(void)state;
	assert_int_equal(load_still_ms(AT_MS, DUE_MS), 0);
	assert_int_equal(load_still_ms(AT_MS, DUE_MS + LOAD_STILL_MS - 1), 0);
	assert_int_equal(load_still_ms(AT_MS, DUE_MS + LOAD_STILL_MS),
			 LOAD_STILL_MS);
	assert_int_equal(load_still_ms(AT_MS, DUE_MS + 10000), 10000);
}

static void high_load_is_said_once_and_its_end_once(void **state)
{
	struct load load = { 0 };

	(void)state;
	assert_int_equal(pass(&load, 0), LOAD_SAME);
	assert_int_equal(pass(&load, LOAD_HIGH_PERMILLE - 1), LOAD_SAME);
	assert_int_equal(pass(&load, LOAD_HIGH_PERMILLE), LOAD_HIGH);
	assert_int_equal(pass(&load, 999), LOAD_SAME);
	assert_int_equal(pass(&load, LOAD_LOW_PERMILLE), LOAD_SAME);
	assert_int_equal(pass(&load, LOAD_HIGH_PERMILLE), LOAD_SAME);
	assert_int_equal(pass(&load, LOAD_LOW_PERMILLE - 1), LOAD_LOW);
	assert_int_equal(pass(&load, 0), LOAD_SAME);
}

static void a_call_goes_where_there_is_room(void **state)
{
	struct load_place places[] = {
		{ .busy_permille = 100, .calls = 90 },
		{ .busy_permille = 100 + LOAD_MARGIN_PERMILLE, .calls = 10 },
	};

	(void)state;
	/* however many calls each has: they may be silent */
	assert_int_equal(load_choose(places, 2), 0);
	/* about the same: by their number */
	places[1].busy_permille--;
	assert_int_equal(load_choose(places, 2), 1);
	places[1].busy_permille = 0;
	assert_int_equal(load_choose(places, 2), 1);
	assert_int_equal(load_choose(places, 1), 0);
}

static void many_small_steps_lead_to_no_busy_worker(void **state)
{
	const struct load_place places[] = {
		{ .busy_permille = 0, .calls = 5 },
		{ .busy_permille = LOAD_MARGIN_PERMILLE - 10, .calls = 3 },
		{ .busy_permille = 2 * (LOAD_MARGIN_PERMILLE - 10),
		  .calls = 1 },
	};

	(void)state;
	assert_int_equal(load_choose(places, 3), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_look_tells_nothing),
		cmocka_unit_test(
			what_was_used_between_two_looks_is_what_counts),
		cmocka_unit_test(
			a_loop_that_stood_still_is_known_by_a_late_look),
		cmocka_unit_test(high_load_is_said_once_and_its_end_once),
		cmocka_unit_test(a_call_goes_where_there_is_room),
		cmocka_unit_test(many_small_steps_lead_to_no_busy_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
