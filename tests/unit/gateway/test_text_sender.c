/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_sender.h"

#include <string.h>

#include "tests/test.h"

#define CODE ";phone-context=ca-us.phone-context.soprani.ca"
#define NAME ";phone-context=alphanumeric.phone-context.soprani.ca"

/* Those of cheogram's Main.hs: ord c - 30, in decimal. */
static const struct {
	const char *user, *local;
	enum text_sender what;
} known[] = {
	{ "1", "1" CODE, TEXT_SENDER_CODE },
	{ "12345", "12345" CODE, TEXT_SENDER_CODE },
	{ "987654", "987654" CODE, TEXT_SENDER_CODE },
	{ "BANK", "36354845" NAME, TEXT_SENDER_NAME },
	{ "bank", "68678077" NAME, TEXT_SENDER_NAME },
	{ "4 me", "2227971" NAME, TEXT_SENDER_NAME },
};

static void codes_and_names_have_cheograms_forms(void **state)
{
	(void)state;
	char out[TEXT_SENDER_CAP];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_int_equal(text_sender_format(out, known[i].user), 0);
		assert_string_equal(out, known[i].local);
		assert_int_equal(text_sender_of(out), known[i].what);
	}
}

static void numbers_and_users_of_other_kinds_have_none(void **state)
{
	(void)state;
	static const char *const others[] = {
		"",
		"1234567",
		"+1555",
		"*123#",
		"a@b",
		"a/b",
		"Gr\xc3\xbc\xc3\x9f",
		"-",
		"a\nb",
		"nobody has a name as long as that",
	};
	char out[TEXT_SENDER_CAP];

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(text_sender_format(out, others[i]), -EINVAL);
}

static void what_is_answered_has_a_user(void **state)
{
	(void)state;
	char out[TEXT_SENDER_CAP];

	assert_int_equal(text_sender_user(out, sizeof(out), "12345" CODE), 0);
	assert_string_equal(out, "12345");
	assert_int_equal(
		text_sender_user(out, sizeof(out), "12;phone-context=+49"), 0);
	assert_string_equal(out, "12");
	assert_int_equal(text_sender_user(out, sizeof(out), "+15551234567"), 0);
	assert_string_equal(out, "+15551234567");
	assert_int_equal(text_sender_user(out, 3, "12345" CODE), -EMSGSIZE);
	assert_int_equal(text_sender_user(out, sizeof(out), "36354845" NAME),
			 -EINVAL);
}

static void what_is_no_sender_is_told(void **state)
{
	(void)state;
	static const char *const none[] = {
		"12345",
		"12345;phone-context=",
		";phone-context=x",
		("a" CODE),
		"alice\\40carrier",
		("1234567" CODE),
		"19005551234;phone-context=x",
	};
	char long_one[TEXT_SENDER_CAP + 1];

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(text_sender_of(none[i]), TEXT_SENDER_NONE);
	assert_int_equal(
		text_sender_of("15;phone-context=anonymous.phone-context."
			       "soprani.ca"),
		TEXT_SENDER_NAME);
	memset(long_one, '1', TEXT_SENDER_CAP);
	memcpy(long_one + 5, ";phone-context=", strlen(";phone-context="));
	long_one[TEXT_SENDER_CAP] = '\0';
	assert_int_equal(text_sender_of(long_one), TEXT_SENDER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_and_names_have_cheograms_forms),
		cmocka_unit_test(numbers_and_users_of_other_kinds_have_none),
		cmocka_unit_test(what_is_answered_has_a_user),
		cmocka_unit_test(what_is_no_sender_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
