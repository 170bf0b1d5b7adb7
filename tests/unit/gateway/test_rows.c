/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/rows.h"

#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

static struct request request;

static int set_up(void **state)
{
	(void)state;
	return form_values_new(&request.values) || answer_new(&request.answer);
}

static int tear_down(void **state)
{
	(void)state;
	form_values_free(request.values);
	answer_free(request.answer);
	return 0;
}

/* Of @n rows, 1 and so on, those that are shown; and what is said of them. */
static void expect(size_t n, const char *shown, const char *note)
{
	static const char *const columns[] = { "Row" };
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	struct rows rows;

	assert_non_null(to);
	rows_start(&rows, &request, columns, 1);
	for (size_t i = 1; i <= n; i++) {
		if (rows_take(&rows))
			answer_cell(request.answer, "%zu", i);
	}
	rows_end(&rows, "things");
	answer_print(request.answer, ANSWER_TABS, to);
	assert_int_equal(fclose(to), 0);
	assert_memory_equal(text, note, strlen(note));
	assert_string_equal(text + strlen(note), shown);
	free(text);
}

static void ask(const char *from, const char *count)
{
	assert_int_equal(form_values_add(request.values, "from", from), 0);
	assert_int_equal(form_values_add(request.values, "count", count), 0);
}

static void a_short_list_is_shown_whole(void **state)
{
	(void)state;
	ask("1", "3");
	expect(3, "1\n2\n3\n", "");
}

static void of_a_long_one_the_next_are_told(void **state)
{
	(void)state;
	ask("1", "2");
	expect(5, "1\n2\n",
	       "1 to 2 of 5 such things; the next come with from=3.\n");
}

static void it_goes_on_where_it_was_left(void **state)
{
	(void)state;
	ask("3", "2");
	expect(5, "3\n4\n",
	       "3 to 4 of 5 such things; the next come with from=5.\n");
}

static void the_last_of_it_is_the_end(void **state)
{
	(void)state;
	ask("4", "2");
	expect(5, "4\n5\n", "");
}

static void behind_its_end_it_is_told_how_long_it_is(void **state)
{
	(void)state;
	ask("6", "2");
	expect(5, "", "There are 5 such things, and none from 6 on.\n");
}

static void an_empty_one_is_said_to_be(void **state)
{
	(void)state;
	ask("1", "2");
	expect(0, "", "There are no such things.\n");
}

static void who_asks_for_no_part_has_all(void **state)
{
	(void)state;
	expect(4, "1\n2\n3\n4\n", "");
}

#define ROWS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROWS_TEST(a_short_list_is_shown_whole),
		ROWS_TEST(of_a_long_one_the_next_are_told),
		ROWS_TEST(it_goes_on_where_it_was_left),
		ROWS_TEST(the_last_of_it_is_the_end),
		ROWS_TEST(behind_its_end_it_is_told_how_long_it_is),
		ROWS_TEST(an_empty_one_is_said_to_be),
		ROWS_TEST(who_asks_for_no_part_has_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
