/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "tests/test.h"

static void first_part_is(const char *text, size_t max, const char *part)
{
	size_t n = text_part(slice_of(text), max);

	assert_int_equal(n, strlen(part));
	assert_memory_equal(text, part, n);
}

static void what_fits_is_one_part(void **state)
{
	(void)state;
	first_part_is("", 10, "");
	first_part_is("0123456789", 10, "0123456789");
}

static void parts_end_between_words(void **state)
{
	(void)state;
	first_part_is("one two three", 12, "one two ");
	first_part_is("one two\nthree", 12, "one two\n");
	first_part_is("one  two", 5, "one  ");
	/* unless that left most of the room unused */
	first_part_is("a bcdefghijklmnop", 10, "a bcdefghi");
	/* more blanks than there is room */
	first_part_is("abcdef      g", 8, "abcdef  ");
}

static void what_is_seen_as_one_stays_together(void **state)
{
	(void)state;
	/* e and an acute accent */
	first_part_is("abcde\u0301f", 6, "abcd");
	/* a family of three */
	first_part_is("ab\U0001F469\u200D\U0001F469\u200D\U0001F467", 15, "ab");
	/* a thumb with its colour */
	first_part_is("abc\U0001F44D\U0001F3FDd", 9, "abc");
	/* two flags, of two halves each */
	first_part_is("\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7", 14,
		      "\U0001F1E9\U0001F1EA");
	/* longer than a part: a character at the least */
	first_part_is("a\u0301\u0301\u0301\u0301", 6, "a\u0301\u0301");
}

static uint32_t any_character(void)
{
	static const uint32_t some[] = { ' ',     '\n',    'a',    0x301,
					 0x200d,  0x1f469, 0xe9,   0x4e2d,
					 0x1f1e9, 0x1f3fd, 0xfe0f, 0x10ffff };
	uint32_t c = rand_u32() % 2
			     ? some[rand_u32() % (sizeof(some) / sizeof(*some))]
			     : rand_u32() % 0x110000;

	return c && (c < 0xd800 || c > 0xdfff) ? c : 'x';
}

static void check_part(struct slice part, size_t max)
{
	assert_in_range(part.n, 1, max);
	while (part.n) {
		uint32_t c;
		size_t n = text_utf8(part, &c);

		assert_true(n > 0);
		part.p += n;
		part.n -= n;
	}
}

/* Of every plane: nothing is lost, nothing is torn, nothing is too long. */
static void parts_make_up_the_text(void **state)
{
	enum { ROUNDS = 2000, MOST = 400, CAP = MOST * 4 };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char text[CAP];
		size_t max = 4 + rand_u32() % 120, n = 0, parts = 0;

		for (size_t i = rand_u32() % MOST; i; i--)
			n += text_utf8_put(text + n, any_character());
		for (struct slice rest = { text, n }; rest.n; parts++) {
			size_t used = text_part(rest, max);

			check_part((struct slice){ rest.p, used }, max);
			rest.p += used;
			rest.n -= used;
		}
		assert_true(parts >= (n + max - 1) / max);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_one_part),
		cmocka_unit_test(parts_end_between_words),
		cmocka_unit_test(what_is_seen_as_one_stays_together),
		cmocka_unit_test(parts_make_up_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
