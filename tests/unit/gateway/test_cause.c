/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/cause.h"
#include "tests/test.h"

static void every_cause_has_a_word_in_each_language(void **state)
{
	(void)state;
	for (int i = 0; i < CAUSE_NVALUES; i++) {
		enum cause cause = (enum cause)i;

		assert_non_null(cause_name(cause));
		assert_in_range(cause_sip_status(cause), 400, 699);
		assert_true(*cause_sip_phrase(cause));
		assert_in_range(cause_q850(cause), 1, 127);
		assert_int_not_equal(cause_reason(cause), REASON_NONE);
	}
}

static void what_a_trunk_says_reaches_the_client_as_it_is_meant(void **state)
{
	(void)state;
	static const struct {
		unsigned status;
		enum reason reason;
	} rows[] = {
		{ 486, REASON_BUSY },
		{ 600, REASON_BUSY },
		{ 603, REASON_DECLINE },
		{ 403, REASON_DECLINE },
		{ 607, REASON_DECLINE },
		{ 608, REASON_DECLINE },
		{ 404, REASON_GONE },
		{ 484, REASON_GONE },
		{ 604, REASON_GONE },
		{ 410, REASON_GONE },
		{ 408, REASON_TIMEOUT },
		{ 480, REASON_TIMEOUT },
		{ 487, REASON_TIMEOUT },
		{ 488, REASON_INCOMPATIBLE_PARAMETERS },
		{ 606, REASON_INCOMPATIBLE_PARAMETERS },
		{ 500, REASON_GENERAL_ERROR },
		{ 503, REASON_GENERAL_ERROR },
		{ 302, REASON_GENERAL_ERROR },
		{ 407, REASON_GENERAL_ERROR },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(cause_reason(cause_of_status(rows[i].status)),
				 rows[i].reason);
}

static void what_a_client_says_reaches_the_trunk_as_it_is_meant(void **state)
{
	(void)state;
	static const struct {
		enum reason reason;
		unsigned status;
	} rows[] = {
		{ REASON_BUSY, 486 },
		{ REASON_DECLINE, 603 },
		{ REASON_NONE, 603 },
		{ REASON_TIMEOUT, 480 },
		{ REASON_EXPIRED, 480 },
		{ REASON_GONE, 480 },
		{ REASON_ALTERNATIVE_SESSION, 486 },
		{ REASON_INCOMPATIBLE_PARAMETERS, 488 },
		{ REASON_FAILED_APPLICATION, 488 },
		{ REASON_UNSUPPORTED_APPLICATIONS, 488 },
		{ REASON_SECURITY_ERROR, 488 },
		{ REASON_CONNECTIVITY_ERROR, 480 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(cause_sip_status(cause_of_reason(
					 rows[i].reason, false)),
				 rows[i].status);
}

static void after_the_answer_a_button_is_a_button(void **state)
{
	(void)state;
	assert_int_equal(cause_of_reason(REASON_DECLINE, true), CAUSE_NORMAL);
	assert_int_equal(cause_of_reason(REASON_CANCEL, true), CAUSE_NORMAL);
	assert_int_equal(cause_of_reason(REASON_SUCCESS, true), CAUSE_NORMAL);
	assert_int_equal(cause_of_reason(REASON_MEDIA_ERROR, true),
			 CAUSE_MEDIA_LOST);
}

static void a_bye_without_a_reason_is_a_plain_hangup(void **state)
{
	(void)state;
	assert_int_equal(cause_of_q850(0), CAUSE_NORMAL);
	assert_int_equal(cause_of_q850(16), CAUSE_NORMAL);
	assert_int_equal(cause_of_q850(126), CAUSE_NORMAL);
}

static void what_the_telephone_network_says_is_heard(void **state)
{
	(void)state;
	static const struct {
		unsigned q850;
		enum cause cause;
	} rows[] = {
		{ 3, CAUSE_UNKNOWN_NUMBER }, { 17, CAUSE_BUSY },
		{ 27, CAUSE_UNREACHABLE },   { 38, CAUSE_FAILED },
		{ 47, CAUSE_CONGESTION },    { 57, CAUSE_FORBIDDEN },
		{ 65, CAUSE_INCOMPATIBLE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(cause_of_q850(rows[i].q850), rows[i].cause);
}

static void of_several_causes_the_caller_hears_the_truest(void **state)
{
	(void)state;
	static const struct {
		enum cause a, b, told;
	} rows[] = {
		{ CAUSE_NO_ANSWER, CAUSE_DECLINE, CAUSE_NO_ANSWER },
		{ CAUSE_DECLINE, CAUSE_BUSY, CAUSE_BUSY },
		{ CAUSE_UNREACHABLE, CAUSE_BUSY, CAUSE_BUSY },
		{ CAUSE_UNREACHABLE, CAUSE_DECLINE, CAUSE_DECLINE },
		{ CAUSE_UNREACHABLE, CAUSE_UNREACHABLE, CAUSE_UNREACHABLE },
		{ CAUSE_CONGESTION, CAUSE_UNKNOWN_NUMBER,
		  CAUSE_UNKNOWN_NUMBER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(cause_combine(rows[i].a, rows[i].b),
				 rows[i].told);
		assert_int_equal(cause_combine(rows[i].b, rows[i].a),
				 rows[i].told);
	}
	for (int i = 0; i < CAUSE_NVALUES; i++)
		assert_int_equal(cause_combine((enum cause)i, (enum cause)i),
				 i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cause_has_a_word_in_each_language),
		cmocka_unit_test(
			what_a_trunk_says_reaches_the_client_as_it_is_meant),
		cmocka_unit_test(
			what_a_client_says_reaches_the_trunk_as_it_is_meant),
		cmocka_unit_test(after_the_answer_a_button_is_a_button),
		cmocka_unit_test(of_several_causes_the_caller_hears_the_truest),
		cmocka_unit_test(a_bye_without_a_reason_is_a_plain_hangup),
		cmocka_unit_test(what_the_telephone_network_says_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
