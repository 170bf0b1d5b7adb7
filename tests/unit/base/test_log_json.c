/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/log_json.h"

#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

static const char *format(const char *line)
{
	static char out[LOG_JSON_CAP(4096) + 1];
	size_t n = log_json_format(out, sizeof(out) - 1, LOG_LEVEL_INFO,
				   1700000000123, slice_of(line));

	assert_true(n > 0);
	out[n] = '\0';
	return out;
}

#define HEAD "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\""

static void a_line_is_an_object(void **state)
{
	static const struct {
		const char *line, *json;
	} rows[] = {
		{ "call=a1 ringing + answer -> up", HEAD
		  ",\"call\":\"a1\",\"text\":\"ringing + answer -> up\"}" },
		{ "event=ready domain=x", HEAD ",\"event\":\"ready\","
					       "\"domain\":\"x\"}" },
		{ "", HEAD "}" },
		{ "from=\"a b\" to=\"\" n=3",
		  HEAD ",\"from\":\"a b\",\"to\":\"\",\"n\":\"3\"}" },
		{ "db=failing error=\"x\" (y): kept",
		  HEAD ",\"db\":\"failing\",\"error\":\"x\","
		       "\"text\":\"(y): kept\"}" },
		{ "call=a side=A why=ice: the call is ended",
		  HEAD ",\"call\":\"a\",\"side\":\"A\",\"why\":\"ice\","
		       "\"text\":\"the call is ended\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(format(rows[i].line), rows[i].json);
}

static void nothing_ends_its_string(void **state)
{
	(void)state;
	assert_string_equal(format("from=\"a\\x22b\" x=\x01\xff"),
			    HEAD ",\"from\":\"a\\u005cx22b\","
				 "\"x\":\"\\u0001\\ufffd\"}");
	assert_string_equal(format("A=1 \"quoted =\""),
			    HEAD ",\"text\":\"A=1 \\u0022quoted =\\u0022\"}");
}

static void ours_are_not_taken_and_no_member_comes_twice(void **state)
{
	char *out;

	(void)state;
	format("level=high time=now call=a call=b");
	out = strdup(format("level=high time=now call=a call=b"));
	assert_non_null(strstr(out, "\"call\":\"a\""));
	assert_null(strstr(out, "\"call\":\"b\""));
	assert_non_null(strstr(out, "call=b\""));
	assert_null(strstr(out, "\"level\":\"high\""));
	assert_non_null(strstr(out, "level=high"));
	free(out);
}

static void what_does_not_fit_is_nothing(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(log_json_format(out, sizeof(out), LOG_LEVEL_WARN, 1,
					 slice_of("a=bbbbbbbbbbbbbbbbbbbbbb")),
			 0);
}

/* The longest line that log.c makes always fits. */
static void a_line_of_odd_octets_fits(void **state)
{
	static char line[4096], out[LOG_JSON_CAP(sizeof(line))];

	(void)state;
	for (int c = 1; c < 256; c++) {
		memset(line, c, sizeof(line));
		assert_true(log_json_format(
				    out, sizeof(out), LOG_LEVEL_DEBUG, 1,
				    (struct slice){ line, sizeof(line) }) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_an_object),
		cmocka_unit_test(nothing_ends_its_string),
		cmocka_unit_test(ours_are_not_taken_and_no_member_comes_twice),
		cmocka_unit_test(what_does_not_fit_is_nothing),
		cmocka_unit_test(a_line_of_odd_octets_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
