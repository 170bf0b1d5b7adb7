/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/phone.h"

#include <stdio.h>
#include <string.h>

#include "gateway/config/config.h"
#include "tests/test.h"

struct written {
	const char *region, *text, *number;
};

static void assert_parsed(const struct written *row)
{
	char out[PHONE_CAP];
	int r = phone_parse(out, row->text, row->region);

	if (r)
		fail_msg("%s in %s: outcome %d", row->text, row->region, r);
	assert_string_equal(out, row->number);
	assert_true(config_is_number(out));
}

static void a_number_is_understood_as_people_write_it(void **state)
{
	(void)state;
	static const struct written rows[] = {
		{ "US", "+15551234567", "+15551234567" },
		{ "US", "5551234567", "+15551234567" },
		{ "US", "15551234567", "+15551234567" },
		{ "US", "(555) 123-4567", "+15551234567" },
		{ "US", "+1 555.123.4567", "+15551234567" },
		{ "US", "  +1 (555) 123-4567", "+15551234567" },
		{ "US", "1-800-FLOWERS", "+18003569377" },
		{ "US", "011 49 30 1234567", "+49301234567" },
		{ "US", "0049 30 1234567", "+49301234567" },
		{ "DE", "030 1234567", "+49301234567" },
		{ "DE", "030/1234567", "+49301234567" },
		{ "DE", "(0) 30 1234567", "+49301234567" },
		{ "DE", "+49 (0)30 1234567", "+49301234567" },
		{ "DE", "0049301234567", "+49301234567" },
		{ "DE", "0015551234567", "+15551234567" },
		{ "GB", "020 7946 0018", "+442079460018" },
		{ "IT", "06 1234 5678", "+390612345678" },
		{ "JP", "03-1234-5678", "+81312345678" },
		{ "JP", "\xef\xbc\x90\xef\xbc\x93-1234-5678", "+81312345678" },
		{ NULL, "+442079460018", "+442079460018" },
		{ "", "+44 20 7946 0018", "+442079460018" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_parsed(&rows[i]);
}

/* RFC 3966, 5.1 */
static void a_tel_uri_is_a_number(void **state)
{
	(void)state;
	static const struct written rows[] = {
		{ "US", "tel:+1-555-123-4567", "+15551234567" },
		{ "US", "TEL:+15551234567", "+15551234567" },
		{ "US", "tel:+1-555-123-4567;ext=89", "+15551234567" },
		{ "US", "tel:+15551234567;isub=1411", "+15551234567" },
		{ "US", "tel:555-123-4567", "+15551234567" },
		{ "DE", "tel:555-123-4567;phone-context=+1", "+15551234567" },
		{ "US", "555-123-4567 ext. 12", "+15551234567" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_parsed(&rows[i]);
}

static void what_is_no_number_is_none(void **state)
{
	(void)state;
	static const struct {
		const char *region, *text;
		int outcome;
	} rows[] = {
		{ "US", "", PHONE_E_TEXT },
		{ "US", "+", PHONE_E_TEXT },
		{ "US", "tel:", PHONE_E_TEXT },
		{ "US", "alice", PHONE_E_TEXT },
		{ "US", "call 5551234567", PHONE_E_TEXT },
		{ "US", "5551234567@carrier", PHONE_E_TEXT },
		{ "US", "sip:+15551234567@carrier", PHONE_E_TEXT },
		{ "US", "12345;phone-context=ca-us.phone-context.soprani.ca",
		  PHONE_E_TEXT },
		{ "US", "+1555123456", PHONE_E_LENGTH },
		{ "US", "1234567", PHONE_E_LENGTH }, /* no area code */
		{ "US", "911", PHONE_E_LENGTH },
		{ "US", "+155512345678901", PHONE_E_LENGTH },
		{ "US", "555123456789012345678", PHONE_E_LENGTH },
		{ "US", "+9991234567", PHONE_E_COUNTRY },
		{ NULL, "5551234567", PHONE_E_COUNTRY },
		{ "", "5551234567", PHONE_E_COUNTRY },
		{ "XX", "5551234567", PHONE_E_COUNTRY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[PHONE_CAP] = "x";
		int r = phone_parse(out, rows[i].text, rows[i].region);

		if (r != rows[i].outcome)
			fail_msg("%s: outcome %d", rows[i].text, r);
		assert_string_equal(out, "");
	}
}

static void too_long_a_text_is_no_number(void **state)
{
	(void)state;
	char text[PHONE_INPUT_MAX + 20], out[PHONE_CAP];
	size_t blanks = PHONE_INPUT_MAX - strlen("+15551234567");

	memset(text, ' ', blanks);
	strncpy(text + blanks, "+15551234567", sizeof(text) - blanks);
	assert_int_equal(phone_parse(out, text, "US"), 0);
	memset(text, ' ', blanks + 1);
	strncpy(text + blanks + 1, "+15551234567", sizeof(text) - blanks - 1);
	assert_int_equal(phone_parse(out, text, "US"), PHONE_E_TEXT);
}

/* What peers write is arbitrary; nothing of it ends us or comes out wrong. */
static void any_octets_are_a_number_or_none(void **state)
{
	(void)state;
	static const char pieces[][8] = {
		"+",    "0",     "5", "55", "(",    ")",
		"-",    ";ext=", "x", " ",  "\xff", "\xef\xbc\x91",
		"tel:", "*",     "#", "~",  "/",    "\xe2",
		"A",    "00"
	};
	unsigned seed = 1;

	for (int run = 0; run < 20000; run++) {
		char text[PHONE_INPUT_MAX] = "", out[PHONE_CAP];
		size_t n = 0;

		for (int i = 0; i < 14; i++) {
			seed = seed * 1103515245 + 12345;
			const char *piece = pieces[(seed >> 16) % 20];
			memcpy(text + n, piece, strlen(piece) + 1);
			n += strlen(piece);
		}
		int r = phone_parse(out, text, "US");
		assert_true(r >= 0 && r <= PHONE_E_LENGTH);
		assert_true(r ? !*out : config_is_number(out));
	}
}

static void a_region_is_one_that_has_telephones(void **state)
{
	(void)state;
	assert_true(phone_is_region("US"));
	assert_true(phone_is_region("DE"));
	assert_false(phone_is_region("us"));
	assert_false(phone_is_region("XX"));
	assert_false(phone_is_region("ZZ"));
	assert_false(phone_is_region("001"));
	assert_false(phone_is_region(""));
}

static void a_number_has_its_region(void **state)
{
	(void)state;
	static const struct {
		const char *number, *region;
	} rows[] = {
		{ "+15551234567", "US" }, /* a code of many, given to none */
		{ "+14165550123", "CA" },
		{ "+442079460018", "GB" },
		{ "+49301234567", "DE" },
		{ "+80012345678", "" },
		{ "+9991234567", "" },
		{ "5551234567", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char region[PHONE_REGION_CAP];
		bool found = phone_region(region, rows[i].number);

		assert_string_equal(region, rows[i].region);
		assert_int_equal(found, *rows[i].region != '\0');
	}
}

static void a_number_is_written_for_people(void **state)
{
	(void)state;
	char out[PHONE_TEXT_CAP], tight[8];

	assert_int_equal(phone_format(out, sizeof(out), "+15551234567"), 0);
	assert_string_equal(out, "+1 555-123-4567");
	assert_int_equal(phone_format(out, sizeof(out), "+442079460018"), 0);
	assert_string_equal(out, "+44 20 7946 0018");
	assert_int_equal(phone_format(out, sizeof(out), "+99912345"), 0);
	assert_string_equal(out, "+99912345");
	assert_int_equal(phone_format(tight, sizeof(tight), "+15551234567"),
			 -EMSGSIZE);
}

static void short_codes_and_emergency_numbers_are_known(void **state)
{
	(void)state;
	assert_int_equal(phone_kind("911", "US"), PHONE_EMERGENCY);
	assert_int_equal(phone_kind("112", "US"), PHONE_EMERGENCY);
	assert_int_equal(phone_kind("112", "DE"), PHONE_EMERGENCY);
	assert_int_equal(phone_kind("999", "GB"), PHONE_EMERGENCY);
	assert_int_equal(phone_kind("999", "US"), PHONE_ORDINARY);
	assert_int_equal(phone_kind("411", "US"), PHONE_SHORT);
	assert_int_equal(phone_kind("116117", "DE"), PHONE_SHORT);
	assert_int_equal(phone_kind("+15551234567", "US"), PHONE_ORDINARY);
	assert_int_equal(phone_kind("5551234567", "US"), PHONE_ORDINARY);
	assert_int_equal(phone_kind("", "US"), PHONE_ORDINARY);
	assert_int_equal(phone_kind("911", NULL), PHONE_ORDINARY);
	assert_int_equal(phone_kind("alice", "US"), PHONE_ORDINARY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_understood_as_people_write_it),
		cmocka_unit_test(a_tel_uri_is_a_number),
		cmocka_unit_test(what_is_no_number_is_none),
		cmocka_unit_test(too_long_a_text_is_no_number),
		cmocka_unit_test(any_octets_are_a_number_or_none),
		cmocka_unit_test(a_region_is_one_that_has_telephones),
		cmocka_unit_test(a_number_has_its_region),
		cmocka_unit_test(a_number_is_written_for_people),
		cmocka_unit_test(short_codes_and_emergency_numbers_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
