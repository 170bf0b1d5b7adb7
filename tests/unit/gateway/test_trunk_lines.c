/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/trunk_lines.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "tests/test.h"

#define KEPT   "(as it is)"
#define KEPT_2 "(as it is, 2)"
#define KEPT_3 "(as it is, 3)"

static const char more[] = "srtp = require\n"
			   "token = \"X-Token: s3cret\"\n"
			   "headers = X-Account: alice\n"
			   "headers = \"X-Key: one\"\n"
			   "headers = \"X-Key: two\"\n"
			   "# headers = X-Old: hidden\n"
			   "short_codes = 411";
static const char covered[] = "srtp = require\n"
			      "token = \"X-Token: " KEPT "\"\n"
			      "headers = X-Account: " KEPT "\n"
			      "headers = \"X-Key: " KEPT "\"\n"
			      "headers = \"X-Key: " KEPT_2 "\"\n"
			      "# headers = X-Old: " KEPT "\n"
			      "short_codes = 411";

static void expect(const char *said, const char *old, const char *expected)
{
	char *text = NULL;

	assert_int_equal(trunk_lines_uncover(&text, said, old),
			 expected ? 0 : TRUNK_LINES_E_UNKNOWN);
	if (expected)
		assert_string_equal(text, expected);
	text_wipe(text);
}

static void names_of_headers_are_shown_alone(void **state)
{
	char *text = trunk_lines_cover(more);

	(void)state;
	assert_string_equal(text, covered);
	free(text);
}

static void what_comes_back_as_it_was_shown_is_what_it_was(void **state)
{
	(void)state;
	expect(covered, more, more);
	expect("", more, "");
	expect("srtp = no", "", "srtp = no");
	expect("token = X-Token: " KEPT, more, "token = \"X-Token: s3cret\"");
}

static void what_is_new_takes_its_place(void **state)
{
	(void)state;
	expect("token = X-Token: other\nheaders = X-Account: " KEPT, more,
	       "token = X-Token: other\nheaders = X-Account: alice");
}

/* Wherever it stands then. */
static void of_two_headers_of_one_name_each_is_its_own(void **state)
{
	(void)state;
	expect("headers = X-Key: new\nheaders = X-Key: " KEPT_2, more,
	       "headers = X-Key: new\nheaders = \"X-Key: two\"");
	expect("headers = X-Key: " KEPT_2, more, "headers = \"X-Key: two\"");
	expect("headers = X-Key: new\nheaders = X-Key: " KEPT, more,
	       "headers = X-Key: new\nheaders = \"X-Key: one\"");
	expect("headers = X-Key: 0\nheaders = X-Key: " KEPT_2
	       "\nheaders = X-Key: " KEPT,
	       more,
	       "headers = X-Key: 0\nheaders = \"X-Key: two\"\n"
	       "headers = \"X-Key: one\"");
	expect("headers = X-Key: " KEPT_3, more, NULL);
	expect("headers = X-Key: " KEPT_2 "\n# headers = X-Key: " KEPT_2, more,
	       NULL);
	expect("headers = X-Key: (as it is, 0)", more,
	       "headers = X-Key: (as it is, 0)");
}

static void it_is_seen_whether_a_value_is_kept(void **state)
{
	(void)state;
	assert_true(trunk_lines_keep(covered));
	assert_true(trunk_lines_keep("srtp = no\n# token = X: " KEPT_2));
	assert_false(trunk_lines_keep(more));
	assert_false(trunk_lines_keep(""));
	assert_false(trunk_lines_keep("from_domain = " KEPT));
}

static void what_is_taken_out_or_put_back_keeps_its_value(void **state)
{
	(void)state;
	expect("# token = \"X-Token: " KEPT "\"\n  headers = X-Old: " KEPT,
	       more,
	       "# token = \"X-Token: s3cret\"\n  headers = X-Old: hidden");
	expect("##\ttoken = X-Token: " KEPT, "token = X-Token: a",
	       "##\ttoken = X-Token: a");
}

static void what_was_never_there_cannot_stay(void **state)
{
	(void)state;
	expect("token = X-Token: " KEPT, "", NULL);
	expect("headers = X-Token: " KEPT, more, NULL);
	expect("headers = X-Account: " KEPT "\nheaders = X-Account: " KEPT,
	       more, NULL);
}

static void short_values_and_odd_lines_have_room(void **state)
{
	static const char *const odd[] = {
		"",           "\n\n",       "token", "token =", "token = :",
		"token = \"", "token = X:", "=",     "# #\n#\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		char *text = trunk_lines_cover(odd[i]);

		assert_non_null(text);
		assert_null(strstr(text, KEPT));
		free(text);
	}
	char *text = trunk_lines_cover("token=X:1\ntoken=X:2\ntoken=X:3");
	assert_string_equal(text, "token=X:" KEPT "\ntoken=X:" KEPT_2
				  "\ntoken=X:" KEPT_3);
	expect(text, "token=X:1\ntoken=X:2\ntoken=X:3",
	       "token=X:1\ntoken=X:2\ntoken=X:3");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_headers_are_shown_alone),
		cmocka_unit_test(
			what_comes_back_as_it_was_shown_is_what_it_was),
		cmocka_unit_test(what_is_new_takes_its_place),
		cmocka_unit_test(of_two_headers_of_one_name_each_is_its_own),
		cmocka_unit_test(it_is_seen_whether_a_value_is_kept),
		cmocka_unit_test(what_is_taken_out_or_put_back_keeps_its_value),
		cmocka_unit_test(what_was_never_there_cannot_stay),
		cmocka_unit_test(short_values_and_odd_lines_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
