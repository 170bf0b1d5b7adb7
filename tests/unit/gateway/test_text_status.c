/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_status.h"

#include "tests/test.h"

/* RFC 7247, table 3. */
static const struct {
	unsigned status;
	const char *condition;
} conditions[] = {
	{ 300, "redirect" },
	{ 301, "gone" },
	{ 302, "redirect" },
	{ 305, "redirect" },
	{ 380, "not-acceptable" },
	{ 400, "bad-request" },
	{ 401, "not-authorized" },
	{ 402, "bad-request" },
	{ 403, "forbidden" },
	{ 404, "item-not-found" },
	{ 405, "feature-not-implemented" },
	{ 406, "not-acceptable" },
	{ 407, "registration-required" },
	{ 408, "remote-server-timeout" },
	{ 410, "gone" },
	{ 413, "policy-violation" },
	{ 414, "policy-violation" },
	{ 415, "not-acceptable" },
	{ 416, "not-acceptable" },
	{ 420, "feature-not-implemented" },
	{ 421, "not-acceptable" },
	{ 423, "resource-constraint" },
	{ 430, "recipient-unavailable" },
	{ 439, "feature-not-implemented" },
	{ 440, "policy-violation" },
	{ 480, "recipient-unavailable" },
	{ 481, "item-not-found" },
	{ 482, "not-acceptable" },
	{ 483, "not-acceptable" },
	{ 484, "item-not-found" },
	{ 485, "item-not-found" },
	{ 486, "recipient-unavailable" },
	{ 487, "recipient-unavailable" },
	{ 488, "not-acceptable" },
	{ 489, "policy-violation" },
	{ 491, "unexpected-request" },
	{ 493, "bad-request" },
	{ 499, "bad-request" },
	{ 500, "internal-server-error" },
	{ 501, "feature-not-implemented" },
	{ 502, "remote-server-not-found" },
	{ 503, "internal-server-error" },
	{ 504, "remote-server-timeout" },
	{ 505, "not-acceptable" },
	{ 513, "policy-violation" },
	{ 599, "internal-server-error" },
	{ 600, "recipient-unavailable" },
	{ 603, "recipient-unavailable" },
	{ 604, "item-not-found" },
	{ 606, "not-acceptable" },
	{ 699, "recipient-unavailable" },
	{ 999, "internal-server-error" },
};

static void statuses_become_the_conditions_of_rfc_7247(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]);
	     i++) {
		assert_string_equal(text_status_condition(conditions[i].status),
				    conditions[i].condition);
		assert_non_null(text_status_words(conditions[i].status));
	}
}

static void overload_and_silence_may_pass(void **state)
{
	(void)state;
	static const unsigned passing[] = { 408, 429, 491, 500, 503, 504 };
	static const unsigned lasting[] = { 302, 400, 403, 404, 405, 415,
					    480, 486, 501, 513, 600, 603 };

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		assert_true(text_status_may_pass(passing[i], false));
	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
		assert_false(text_status_may_pass(lasting[i], false));
		assert_true(text_status_may_pass(lasting[i], true));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_become_the_conditions_of_rfc_7247),
		cmocka_unit_test(overload_and_silence_may_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
