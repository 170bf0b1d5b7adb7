/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/text_file.h"

#include <string.h>

#include "tests/fail_alloc.h"
#include "tests/test.h"

static void what_is_written_is_the_text(void **state)
{
	struct text_file file;
	char *text = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(text_file_open(&file), 0);
	fprintf(file.to, "%s %d", "a", 1);
	fputc('\0', file.to);
	assert_int_equal(text_file_close(&file, &text, &n), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(text, "a 1\0", 5);
	free(text);
}

static void nothing_is_an_empty_string(void **state)
{
	struct text_file file;
	char *text = NULL;

	(void)state;
	assert_int_equal(text_file_open(&file), 0);
	assert_int_equal(text_file_close(&file, &text, NULL), 0);
	assert_string_equal(text, "");
	free(text);
}

static int build(char **out, size_t *n)
{
	struct text_file file;
	int r = text_file_open(&file);

	if (r)
		return r;
	for (int i = 0; i < 10000; i++)
		fprintf(file.to, "line %d\n", i);
	return text_file_close(&file, out, n);
}

static void without_memory_there_is_no_part_of_it(void **state)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	(void)state;
	FAIL_EACH_ALLOCATION(r, build(&text, &n))
	{
		assert_int_equal(strlen(text), n);
		assert_string_equal(text + n - 10, "line 9999\n");
		free(text);
		text = NULL;
	}
}

static void what_nobody_wants_is_gone(void **state)
{
	struct text_file file;

	(void)state;
	assert_int_equal(text_file_open(&file), 0);
	fputs("text", file.to);
	text_file_drop(&file);
	assert_null(file.to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_the_text),
		cmocka_unit_test(nothing_is_an_empty_string),
		cmocka_unit_test(without_memory_there_is_no_part_of_it),
		cmocka_unit_test(what_nobody_wants_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
