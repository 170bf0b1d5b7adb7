/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Calls that are sent on or transferred: who is asked, and who pays. */
#include "tests/unit/gateway/call_rig.h"

static const struct fare forward = { .account = (char *)"bob@example.org",
				     .from = (char *)"+15550000001",
				     .to = (char *)"+15559990000",
				     .trunk = (char *)"pbx",
				     .diverted = true };

/* From a trunk to @n legs, of which the last are bob's, on another trunk. */
static void forward_after(unsigned owners, unsigned trunks)
{
	struct call_parties inbound = parties;
	struct leg *first;

	made = 0;
	inbound.inbound = true;
	inbound.from = "+15551112222";
	inbound.to = "+15550000001";
	inbound.account = "bob@example.org";
	inbound.fare = owners ? NULL : &forward;
	assert_int_equal(hunt_new(&inbound.hunt, &gateway), 0);
	for (unsigned i = 0; i < owners + trunks; i++)
		assert_int_equal(
			hunt_add(inbound.hunt,
				 &(struct hunt_target){
					 .name = "a callee",
					 .trunk = "pbx",
					 .fare = i < owners ? NULL : &forward,
					 .next_on = HUNT_ON_NOT_TAKEN |
						    HUNT_ON(CAUSE_CREDIT),
					 .new_leg = make_leg }),
			0);
	assert_int_equal(hunt_next(inbound.hunt, &first), 0);
	a = new_leg();
	assert_int_equal(call_new(&call, &gateway, &inbound, a, first), 0);
	describe(a);
	leg_offers(a);
}

static void a_forwarded_leg_is_asked_about_beside_the_call(void **state)
{
	(void)state;
	billed = true;
	forward_after(1, 1);
	expect("asked");
	assert_string_equal(asked_of, "in bob@example.org +15551112222 "
				      "+15550000001 carrier");
	let_begin(true, 0, "");
	expect("b-offer");
	leg_rings(b);
	expect("a-ring");
	leg_ends(b, CAUSE_NO_ANSWER, NULL);
	expect("b-close asked");
	assert_string_equal(asked_of, "out bob@example.org +15550000001 "
				      "+15559990000 pbx");
	let_begin(true, 0, "");
	expect("b-offer");
	answers();
	ready(MEDIA_SIDE_B);
	to_disk();
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
	said[0] = '\0';
	call->answered_ms -= 5000;
	leg_ends(a, CAUSE_NORMAL, NULL);
	expect("b-normal record record");
	assert_in_range(used_s, 5, 7);
	assert_string_equal(used_by, "bob@example.org pbx");
}

static void a_call_that_is_forwarded_at_once_is_asked_about_twice(void **state)
{
	(void)state;
	billed = true;
	forward_after(0, 1);
	expect("asked");
	let_begin(true, 60, "");
	expect("asked");
	let_begin(true, 30, "");
	expect("b-offer");
	assert_int_equal(call->credit_ms, 30000);
}

static void a_forward_that_nobody_pays_for_is_busy(void **state)
{
	(void)state;
	billed = true;
	forward_after(0, 1);
	let_begin(true, 0, "");
	said[0] = '\0';
	let_begin(false, 0, "Top up first.");
	expect("a-busy b-busy record");
	assert_string_equal(record.end_text, cause_text(CAUSE_BUSY));
}

static void what_was_refused_once_is_not_asked_for_again(void **state)
{
	(void)state;
	billed = true;
	forward_after(0, 2);
	let_begin(true, 0, "");
	said[0] = '\0';
	let_begin(false, 0, "");
	expect("b-close a-busy b-busy record");
	assert_int_equal(made, 2);
}

static void a_second_trunk_of_a_forward_is_not_asked_about(void **state)
{
	(void)state;
	billed = true;
	forward_after(0, 2);
	let_begin(true, 0, "");
	let_begin(true, 0, "");
	said[0] = '\0';
	leg_ends(b, CAUSE_UNREACHABLE, NULL);
	expect("b-close b-offer");
}

static void a_forward_beyond_the_limits_is_not_placed(void **state)
{
	(void)state;
	forward_after(1, 1);
	expect("b-offer");
	reached = LIMIT_MINUTES;
	leg_ends(b, CAUSE_NO_ANSWER, NULL);
	expect("b-close a-busy b-busy record");
	assert_string_equal(used_by, "");
}

static void a_transferred_call_costs_from_then_on(void **state)
{
	struct fare *fare;

	(void)state;
	come_up();
	said[0] = '\0';
	assert_int_equal(fare_copy(&fare, &own_fare), 0);
	fare->to[1] = '9';
	call->answered_ms -= 10000;
	call_transferred(call, fare, 20);
	assert_string_equal(used_by, "alice@example.org carrier");
	assert_in_range(used_s, 10, 12);
	assert_in_range(call->credit_ms, 30000, 32000);
	used_s = 0;
	leg_ends(a, CAUSE_NORMAL, NULL);
	expect("b-normal record record");
	assert_in_range(used_s, 0, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALL_TEST(a_forwarded_leg_is_asked_about_beside_the_call),
		CALL_TEST(
			a_call_that_is_forwarded_at_once_is_asked_about_twice),
		CALL_TEST(a_forward_that_nobody_pays_for_is_busy),
		CALL_TEST(what_was_refused_once_is_not_asked_for_again),
		CALL_TEST(a_second_trunk_of_a_forward_is_not_asked_about),
		CALL_TEST(a_forward_beyond_the_limits_is_not_placed),
		CALL_TEST(a_transferred_call_costs_from_then_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
