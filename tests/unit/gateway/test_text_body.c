/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/text/text_int.h"
#include "tests/test.h"

#define REPLACED "\xEF\xBF\xBD"

static void check(struct slice text, const char *shown)
{
	char *body = text_body(text);

	assert_non_null(body);
	assert_string_equal(body, shown);
	free(body);
}

static void what_people_write_stays_as_it_is(void **state)
{
	(void)state;
	static const char *const texts[] = { "",
					     "plain",
					     "Gr\u00fc\u00dfe",
					     "\U0001F469\u200D\U0001F467",
					     "two\nlines\tand a tab",
					     "\u0645\u0631\u062d\u0628\u0627",
					     "<b>&amp;\"'" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check(slice_of(texts[i]), texts[i]);
}

static void lines_end_in_a_line_feed(void **state)
{
	(void)state;
	check(slice_of("a\r\nb\rc\nd\r"), "a\nb\nc\nd\n");
}

static void what_is_no_text_is_replaced(void **state)
{
	(void)state;
	check((struct slice){ "a\0b", 3 }, "a" REPLACED "b");
	check(slice_of("\x1b[2J"), REPLACED "[2J");
	check(slice_of("\xff\xfe"), REPLACED REPLACED);
	check(slice_of("\xed\xa0\x80"), REPLACED REPLACED REPLACED);
	check(slice_of("\xef\xbf\xbf"), REPLACED); /* U+FFFF */
	check(slice_of("\xe2\x80\xae"
		       "x"),
	      REPLACED "x"); /* U+202E */
}

/* Whatever came, what is shown is UTF-8 and fit, and is shown so again. */
static void any_octets_become_text_that_stays(void **state)
{
	(void)state;
	enum { ROUNDS = 2000, MAX = 64 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		char octets[MAX];
		size_t n = rand_u32() % MAX;
		for (size_t i = 0; i < n; i++)
			octets[i] = (char)(rand_u32() % (round % 2 ? 256 : 40));
		char *body = text_body((struct slice){ octets, n });
		assert_non_null(body);
		for (struct slice rest = slice_of(body); rest.n;) {
			uint32_t c;
			size_t used = text_utf8(rest, &c);
			assert_true(used > 0 && c != '\r');
			rest.p += used;
			rest.n -= used;
		}
		check(slice_of(body), body);
		free(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_write_stays_as_it_is),
		cmocka_unit_test(lines_end_in_a_line_feed),
		cmocka_unit_test(what_is_no_text_is_replaced),
		cmocka_unit_test(any_octets_become_text_that_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
