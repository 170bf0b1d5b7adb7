/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "tests/test.h"

#define FFFD "\xef\xbf\xbd"

static void numbers_fill_the_text_and_stay_below_the_limit(void **state)
{
	(void)state;
	uint64_t v = 7;

	assert_int_equal(text_number(slice_of("65535"), 65535, &v), 0);
	assert_int_equal(v, 65535);
	assert_int_equal(
		text_number(slice_of("18446744073709551615"), UINT64_MAX, &v),
		0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(text_number(slice_of("0"), 0, &v), 0);
	static const char *const bad[] = { "",   "65536", "-1", "+1",
					   " 1", "1 ",    "1a", "0x1" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_number(slice_of(bad[i]), 65535, &v),
				 -EINVAL);
	assert_int_equal(
		text_number(slice_of("18446744073709551616"), UINT64_MAX, &v),
		-EINVAL);
	assert_int_equal(text_number(slice_of("9"), 5, &v), -EINVAL);
}

static void too_long_is_an_error_and_leaves_nothing(void **state)
{
	(void)state;
	char dst[4] = "old";

	assert_int_equal(text_set(dst, sizeof(dst), "abcd"), -EMSGSIZE);
	assert_string_equal(dst, "");
	assert_int_equal(text_set(dst, sizeof(dst), "abc"), 0);
	assert_string_equal(dst, "abc");
	assert_int_equal(text_format(dst, sizeof(dst), "%d", 12345), -EMSGSIZE);
	assert_string_equal(dst, "");
}

static void peers_text_is_made_fit(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain", "plain" },
		{ "J\xc3\xbcrgen \xf0\x9f\x93\x9e",
		  "J\xc3\xbcrgen \xf0\x9f\x93\x9e" },
		{ "a\x01"
		  "b\r\nc",
		  "a" FFFD "b" FFFD FFFD "c" },
		{ "\xc0\xaf", FFFD FFFD },          /* overlong */
		{ "\xed\xa0\x80", FFFD FFFD FFFD }, /* surrogate */
		{ "\xef\xbf\xbf", FFFD },           /* U+FFFF */
		{ "x\xe2\x80\xaey", "x" FFFD "y" }, /* U+202E */
		{ "\xc2\x85", FFFD },               /* C1 */
		{ "cut\xe2\x82", "cut" FFFD FFFD },
		{ "\x7f", FFFD },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char dst[64];
		text_clean(dst, sizeof(dst), slice_of(rows[i].in));
		assert_string_equal(dst, rows[i].out);
	}
}

static void cleaning_cuts_at_a_character(void **state)
{
	(void)state;
	char dst[4];

	text_clean(dst, sizeof(dst), slice_of("ab\xc3\xbc"));
	assert_string_equal(dst, "ab");
}

static void uuids_are_version_4(void **state)
{
	(void)state;
	char a[RAND_UUID_CAP], b[RAND_UUID_CAP];

	rand_uuid(a);
	rand_uuid(b);
	assert_int_equal(strlen(a), 36);
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
	assert_string_not_equal(a, b);
}

static void tokens_have_the_asked_length_and_alphabet(void **state)
{
	(void)state;
	char token[101];

	rand_token(token, 100);
	assert_int_equal(strlen(token), 100);
	assert_int_equal(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789"),
			 100);
}

static void a_digest_tells_texts_apart(void **state)
{
	(void)state;
	/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv */
	assert_true(text_digest(slice_of("")) == UINT64_C(0xcbf29ce484222325));
	assert_true(text_digest(slice_of("a")) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(text_digest(slice_of("foobar")) ==
		    UINT64_C(0x85944171f73967e8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			numbers_fill_the_text_and_stay_below_the_limit),
		cmocka_unit_test(too_long_is_an_error_and_leaves_nothing),
		cmocka_unit_test(peers_text_is_made_fit),
		cmocka_unit_test(cleaning_cuts_at_a_character),
		cmocka_unit_test(uuids_are_version_4),
		cmocka_unit_test(tokens_have_the_asked_length_and_alphabet),
		cmocka_unit_test(a_digest_tells_texts_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
