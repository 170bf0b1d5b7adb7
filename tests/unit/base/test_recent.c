/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/recent.h"

#include "tests/test.h"

enum { MAX = 3, LIFETIME_MS = 1000 };

static int set_up(void **state)
{
	struct recent *recent;
	int r = recent_new(&recent, MAX, LIFETIME_MS);

	*state = recent;
	return r;
}

static int tear_down(void **state)
{
	*state = recent_free(*state);
	return 0;
}

static void a_name_is_known_for_its_time(void **state)
{
	struct recent *recent = *state;

	assert_false(recent_has(recent, "a", 5));
	recent_add(recent, "a", 5);
	assert_true(recent_has(recent, "a", 5));
	assert_true(recent_has(recent, "a", 4 + LIFETIME_MS));
	assert_false(recent_has(recent, "a", 5 + LIFETIME_MS));
	assert_false(recent_has(recent, "b", 5));
}

static void a_name_again_is_known_from_then_on(void **state)
{
	struct recent *recent = *state;

	recent_add(recent, "a", 0);
	recent_add(recent, "a", 500);
	assert_true(recent_has(recent, "a", 499 + LIFETIME_MS));
}

static void the_oldest_gives_way(void **state)
{
	struct recent *recent = *state;

	recent_add(recent, "a", 0);
	recent_add(recent, "b", 1);
	recent_add(recent, "c", 2);
	recent_add(recent, "a", 3);
	recent_add(recent, "d", 4);
	assert_true(recent_has(recent, "a", 4));
	assert_false(recent_has(recent, "b", 4));
	assert_true(recent_has(recent, "c", 4));
	assert_true(recent_has(recent, "d", 4));
}

static void a_dropped_name_is_not_known(void **state)
{
	struct recent *recent = *state;

	recent_add(recent, "a", 0);
	recent_drop(recent, "a");
	recent_drop(recent, "never there");
	assert_false(recent_has(recent, "a", 0));
}

static void a_name_is_known_by_how_it_begins(void **state)
{
	struct recent *recent = *state;

	recent_add(recent, "b 1", 0);
	recent_add(recent, "b 2", 500);
	assert_true(recent_has_prefix(recent, "b ", 500));
	assert_true(recent_has_prefix(recent, "b 2", LIFETIME_MS));
	assert_true(recent_has_prefix(recent, "b ", LIFETIME_MS));
	assert_false(recent_has_prefix(recent, "b 1", LIFETIME_MS));
	assert_false(recent_has_prefix(recent, "a", 500));
	assert_false(recent_has_prefix(recent, "b 20", 500));
	assert_false(recent_has_prefix(recent, "c", 500));
	assert_false(recent_has_prefix(recent, "b ", 500 + LIFETIME_MS));
}

static void a_name_is_counted_until_its_time_is_over(void **state)
{
	struct recent *recent = *state;

	assert_int_equal(recent_count(recent, "a", 0), 1);
	assert_int_equal(recent_count(recent, "a", 600), 2);
	assert_int_equal(recent_count(recent, "b", 600), 1);
	assert_int_equal(recent_count(recent, "a", LIFETIME_MS), 1);
	assert_int_equal(recent_count(recent, "b", LIFETIME_MS), 2);
}

#define RECENT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECENT_TEST(a_name_is_known_for_its_time),
		RECENT_TEST(a_name_again_is_known_from_then_on),
		RECENT_TEST(the_oldest_gives_way),
		RECENT_TEST(a_dropped_name_is_not_known),
		RECENT_TEST(a_name_is_known_by_how_it_begins),
		RECENT_TEST(a_name_is_counted_until_its_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
