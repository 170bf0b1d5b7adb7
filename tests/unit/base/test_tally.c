/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/tally.h"

#include "tests/test.h"

static void each_has_its_own(void **state)
{
	struct tally *tally = NULL;

	(void)state;
	assert_int_equal(tally_new(&tally), 0);
	assert_int_equal(tally_of(tally, "a"), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tally_add(tally, "a", 10), 0);
	assert_int_equal(tally_add(tally, "b", 7), 0);
	assert_int_equal(tally_of(tally, "a"), 3);
	assert_int_equal(tally_of(tally, "b"), 1);
	assert_int_equal(tally_octets(tally, "a"), 30);
	tally_take(tally, "a", 10);
	tally_take(tally, "b", 7);
	assert_int_equal(tally_of(tally, "a"), 2);
	assert_int_equal(tally_octets(tally, "a"), 20);
	assert_int_equal(tally_octets(tally, "b"), 0);
	assert_int_equal(tally_of(tally, "b"), 0);
	tally_free(tally);
}

static void what_was_not_added_cannot_be_taken(void **state)
{
	struct tally *tally = NULL;

	(void)state;
	assert_int_equal(tally_new(&tally), 0);
	tally_take(tally, "a", 10);
	assert_int_equal(tally_of(tally, "a"), 0);
	assert_int_equal(tally_add(tally, "a", 10), 0);
	assert_int_equal(tally_of(tally, "a"), 1);
	tally_free(tally);
	assert_null(tally_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_own),
		cmocka_unit_test(what_was_not_added_cannot_be_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
