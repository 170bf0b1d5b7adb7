/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/why.h"

#include <string.h>

#include "db/cdr.h"
#include "gateway/call/cause.h"
#include "tests/test.h"

static void each_cause_has_words(void **state)
{
	(void)state;
	for (int i = 0; i < CAUSE_NVALUES; i++) {
		const struct cdr cdr = { .direction = CDR_OUTBOUND,
					 .cause = cause_name((enum cause)i) };
		char text[WHY_CAP];

		assert_int_equal(why_text(text, &cdr), 0);
		assert_true(strlen(text) > 10);
		assert_true(*text >= 'A' && *text <= 'Z');
		assert_int_equal(text[strlen(text) - 1], '.');
	}
}

static void a_call_that_was_hung_up_has_not_failed(void **state)
{
	static const struct {
		const char *cause;
		bool failed;
	} rows[] = {
		{ "normal", false },    { "cancel", false },
		{ "elsewhere", false }, { "busy", true },
		{ "media-lost", true }, { "of-a-later-version", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			why_is_failure(&(struct cdr){ .cause = rows[i].cause }),
			rows[i].failed);
}

static void lost_audio_is_explained_by_how_far_it_came(void **state)
{
	static const struct {
		enum cdr_direction direction;
		struct cdr_media caller, callee;
		const char *says;
	} rows[] = {
		{ CDR_OUTBOUND, { 0 }, { .rx_packets = 9 }, "block UDP" },
		{ CDR_OUTBOUND,
		  { .ice_ms = 20 },
		  { .rx_packets = 9 },
		  "did not finish to encrypt" },
		{ CDR_OUTBOUND,
		  { .ice_ms = 20, .dtls_ms = 9, .rx_packets = 9 },
		  { 0 },
		  "No audio came from the telephone that was called" },
		{ CDR_INBOUND,
		  { .rx_packets = 9 },
		  { 0 },
		  "between the device that was called and the gateway" },
		{ CDR_INBOUND,
		  { .rx_packets = 9 },
		  { .ice_ms = 20, .dtls_ms = 9, .rx_packets = 9 },
		  "lost during the call" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct cdr cdr = { .direction = rows[i].direction,
					 .cause = "media-lost",
					 .caller_media = rows[i].caller,
					 .callee_media = rows[i].callee };
		char text[WHY_CAP];

		assert_int_equal(why_text(text, &cdr), 0);
		assert_non_null(strstr(text, rows[i].says));
	}
}

static void what_was_said_is_quoted_once(void **state)
{
	struct cdr cdr = { .cause = "busy",
			   .end_text = "Try Mary",
			   .ended_by = CDR_END_CALLEE };
	char text[WHY_CAP];

	(void)state;
	assert_int_equal(why_text(text, &cdr), 0);
	assert_string_equal(text, "The line was busy. The other side said: "
				  "\u201cTry Mary\u201d. Try again later.");
	cdr.end_text = cause_text(CAUSE_BUSY);
	assert_int_equal(why_text(text, &cdr), 0);
	assert_string_equal(text, "The line was busy. Try again later.");
	cdr.end_text = "Your credit is used up.";
	cdr.ended_by = CDR_END_GATEWAY;
	assert_int_equal(why_text(text, &cdr), 0);
	assert_string_equal(text, "The line was busy. Your credit is used up. "
				  "Try again later.");
}

static void it_says_how_long_it_rang(void **state)
{
	const struct cdr cdr = { .cause = "no-answer",
				 .ringing_ms = 1000,
				 .ended_ms = 31999 };
	char text[WHY_CAP];

	(void)state;
	assert_int_equal(why_text(text, &cdr), 0);
	assert_string_equal(text, "Nobody answered. It rang for 30 s.");
}

static void what_is_too_long_is_an_error(void **state)
{
	char said[WHY_CAP + 1], text[WHY_CAP];
	const struct cdr cdr = { .cause = "busy", .end_text = said };

	(void)state;
	memset(said, 'x', WHY_CAP);
	said[WHY_CAP] = '\0';
	assert_int_equal(why_text(text, &cdr), -EMSGSIZE);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cause_has_words),
		cmocka_unit_test(a_call_that_was_hung_up_has_not_failed),
		cmocka_unit_test(lost_audio_is_explained_by_how_far_it_came),
		cmocka_unit_test(what_was_said_is_quoted_once),
		cmocka_unit_test(it_says_how_long_it_rang),
		cmocka_unit_test(what_is_too_long_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
