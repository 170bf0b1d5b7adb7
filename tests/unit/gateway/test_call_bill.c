/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A call that the billing system is asked about. */
#include "tests/unit/gateway/call_rig.h"

static void nobody_is_called_before_it_is_paid_for(void **state)
{
	(void)state;
	billed = true;
	leg_calls(a);
	expect("asked");
	assert_string_equal(call_state_name(call), "asking");
	leg_digit(a, '1', 100);
	expect("");
	let_begin(true, 0, "");
	expect("b-offer");
	assert_false(question_open);
	leg_rings(b);
	expect("a-ring");
}

static void an_offer_waits_for_the_answer_too(void **state)
{
	(void)state;
	billed = true;
	describe(a);
	leg_offers(a);
	expect("asked");
	let_begin(true, 0, "");
	expect("b-offer");
}

static void who_may_not_is_told_why(void **state)
{
	(void)state;
	billed = true;
	leg_calls(a);
	expect("asked");
	let_begin(false, 0, "Top up first.");
	expect("a-credit b-credit record");
	assert_string_equal(record.end_text, "Top up first.");
	assert_string_equal(record.cause, "credit");
	assert_int_equal(record.sip_status, 402);
	assert_true(record.push);
}

static void without_words_there_are_words(void **state)
{
	(void)state;
	billed = true;
	leg_calls(a);
	let_begin(false, 0, "");
	assert_string_equal(record.end_text, cause_text(CAUSE_CREDIT));
}

static void a_call_is_given_up_while_it_is_asked_about(void **state)
{
	(void)state;
	billed = true;
	leg_calls(a);
	expect("asked");
	leg_ends(a, CAUSE_CANCEL, NULL);
	expect("b-cancel record");
	assert_false(question_open);
}

static void a_call_within_the_house_is_not_asked_about(void **state)
{
	struct call_parties local = parties;

	(void)state;
	billed = true;
	local.trunk = "";
	local.fare = NULL;
	assert_int_equal(begin_with(&local), 0);
	calls_blind();
}

static void an_emergency_call_is_not_asked_about(void **state)
{
	struct call_parties emergency = parties;
	struct fare fare = own_fare;

	(void)state;
	billed = true;
	fare.emergency = true;
	emergency.fare = &fare;
	assert_int_equal(begin_with(&emergency), 0);
	calls_blind();
}

static void a_call_ends_when_its_credit_does(void **state)
{
	uint64_t began = clock_ms();

	(void)state;
	billed = true;
	describe(a);
	leg_offers(a);
	let_begin(true, 1, "");
	answers();
	ready(MEDIA_SIDE_B);
	to_disk();
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
	said[0] = '\0';
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-credit b-credit record");
	assert_in_range(clock_ms() - began, 900, 3000);
	assert_string_equal(record.cause, "credit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALL_TEST(nobody_is_called_before_it_is_paid_for),
		CALL_TEST(an_offer_waits_for_the_answer_too),
		CALL_TEST(who_may_not_is_told_why),
		CALL_TEST(without_words_there_are_words),
		CALL_TEST(a_call_is_given_up_while_it_is_asked_about),
		CALL_TEST(a_call_within_the_house_is_not_asked_about),
		CALL_TEST(an_emergency_call_is_not_asked_about),
		CALL_TEST(a_call_ends_when_its_credit_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
