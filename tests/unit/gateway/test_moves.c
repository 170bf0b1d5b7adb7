/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accounts that are about to get another JID. */
#include "gateway/admin/moves.h"

#include <stdio.h>
#include <string.h>

#include "tests/test.h"

static struct moves *moves;
static char code[MOVE_CODE_LEN + 1], from[JID_CAP];

static int setup(void **state)
{
	(void)state;
	return moves_new(&moves);
}

static int teardown(void **state)
{
	(void)state;
	moves = moves_free(moves);
	return 0;
}

static void the_code_proves_which_account_moves(void **state)
{
	(void)state;
	assert_false(moves_await(moves, "new@x"));
	assert_int_equal(moves_open(moves, "old@x", "new@x", code), 0);
	assert_int_equal(strlen(code), MOVE_CODE_LEN);
	assert_true(moves_await(moves, "new@x"));
	assert_false(moves_await(moves, "old@x"));
	assert_int_equal(moves_prove(moves, "other@x", code, from),
			 MOVE_E_OVER);
	assert_int_equal(moves_prove(moves, "new@x", code, from), 0);
	assert_string_equal(from, "old@x");
	assert_false(moves_await(moves, "new@x"));
	assert_int_equal(moves_prove(moves, "new@x", code, from), MOVE_E_OVER);
}

static void wrong_codes_end_it(void **state)
{
	(void)state;
	assert_int_equal(moves_open(moves, "old@x", "new@x", code), 0);
	for (int i = 1; i < MOVE_TRIES; i++)
		assert_int_equal(moves_prove(moves, "new@x", "wrong", from),
				 MOVE_E_CODE);
	assert_int_equal(moves_prove(moves, "new@x", "", from), MOVE_E_OVER);
	assert_int_equal(moves_prove(moves, "new@x", code, from), MOVE_E_OVER);
}

static void the_last_wish_of_an_account_counts(void **state)
{
	char second[MOVE_CODE_LEN + 1];

	(void)state;
	assert_int_equal(moves_open(moves, "old@x", "new@x", code), 0);
	assert_int_equal(moves_open(moves, "old@x", "newer@x", second), 0);
	assert_false(moves_await(moves, "new@x"));
	assert_int_equal(moves_prove(moves, "newer@x", code, from),
			 MOVE_E_CODE);
	assert_int_equal(moves_prove(moves, "newer@x", second, from), 0);
}

static void the_oldest_give_way(void **state)
{
	(void)state;
	for (int i = 0; i <= MOVES_MAX; i++) {
		char old[32], new[32];

		snprintf(old, sizeof(old), "old%d@x", i);
		snprintf(new, sizeof(new), "new%d@x", i);
		assert_int_equal(moves_open(moves, old, new, code), 0);
	}
	assert_false(moves_await(moves, "new0@x"));
	assert_true(moves_await(moves, "new1@x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_code_proves_which_account_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_codes_end_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			the_last_wish_of_an_account_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(the_oldest_give_way, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
