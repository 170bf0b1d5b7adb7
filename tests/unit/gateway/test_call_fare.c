/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Calls that are sent on or transferred: who is asked, and who pays. */
#include "tests/unit/gateway/call_rig.h"

static struct fare forward = { .account = (char *)"bob@example.org",
			       .from = (char *)"+15550000001",
			       .to = (char *)"+15559990000",
			       .trunk = (char *)"pbx",
			       .diverted = true };

/* It was answered @ms ago. */
static void begun(int64_t ms)
{
	call->answered_ms -= ms;
	for (size_t i = 0; i < 2; i++)
		toll_stop(&call->fares[MEDIA_SIDE_B].meters[i]);
	used_by[0] = '\0';
	assert_int_equal(call_fare_start(call, MEDIA_SIDE_B), 0);
}

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
	begun(5000);
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
	assert_int_equal(call_credit_ms(call), 30000);
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

/* Which numbers an account may call says nothing of it. */
static void a_forward_to_a_user_of_a_trunk_is_placed(void **state)
{
	char *number = forward.to;

	(void)state;
	forward.to = (char *)"reception";
	forward_after(1, 1);
	leg_ends(b, CAUSE_NO_ANSWER, NULL);
	forward.to = number;
	expect("b-offer b-close b-offer");
}

static void a_transferred_call_costs_from_then_on(void **state)
{
	struct fare *fare;

	(void)state;
	come_up();
	said[0] = '\0';
	assert_int_equal(fare_copy(&fare, &own_fare), 0);
	fare->to[1] = '9';
	begun(10000);
	assert_int_equal(call_transferred(call, MEDIA_SIDE_B, fare, 20), 0);
	assert_string_equal(used_by, "alice@example.org carrier");
	assert_in_range(used_s, 10, 12);
	assert_in_range(call_credit_ms(call), 30000, 32000);
	leg_ends(a, CAUSE_NORMAL, NULL);
	expect("b-normal record record");
	assert_in_range(used_s, 10, 12);
}

/* From a trunk, sent on over another, and both talk. */
static void forwarded_and_up(void)
{
	forward_after(0, 1);
	answers();
	ready(MEDIA_SIDE_B);
	to_disk();
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
	said[0] = '\0';
}

/* Who was called still costs who forwards, when the caller is another. */
static void a_caller_that_is_transferred_leaves_the_forwarded_leg(void **state)
{
	const char *bob = "bob@example.org";
	struct fare *fare;

	(void)state;
	forwarded_and_up();
	begun(10000);
	assert_int_equal(fare_copy(&fare, &own_fare), 0);
	assert_int_equal(call_transferred(call, MEDIA_SIDE_A, fare, 0), 0);
	expect("");
	assert_string_equal(used_by, "");
	assert_int_equal(toll_calls(&gateway, TOLL_ACCOUNT, bob), 1);
	assert_int_equal(toll_calls(&gateway, TOLL_TRUNK, "pbx"), 1);
	expect_counted();
	leg_ends(b, CAUSE_NORMAL, NULL);
	/* of the one that was called instead, of the one that was forwarded to,
	 * and the call's */
	expect("a-normal record record record");
	assert_in_range(toll_used_ms(&gateway, TOLL_ACCOUNT, bob), 10000,
			20000);
	assert_int_equal(toll_calls(&gateway, TOLL_ACCOUNT, bob), 0);
}

static void what_was_forwarded_and_transferred_is_still_sent_on(void **state)
{
	const char *bob = "bob@example.org";
	struct fare *fare;

	(void)state;
	forwarded_and_up();
	assert_int_equal(fare_copy(&fare, &forward), 0);
	fare->diverted = false;
	fare->to[1] = '2';
	assert_int_equal(call_transferred(call, MEDIA_SIDE_B, fare, 0), 0);
	assert_int_equal(toll_calls(&gateway, TOLL_ACCOUNT, bob), 1);
	assert_int_equal(toll_calls(&gateway, TOLL_TRUNK, "pbx"), 1);
	leg_ends(b, CAUSE_NORMAL, NULL);
	assert_int_equal(toll_calls(&gateway, TOLL_ACCOUNT, bob), 0);
}

static void another_trunk_is_asked_about_anew(void **state)
{
	struct call_parties out = parties;
	const struct fare *fares[] = { &own_fare, &forward };
	struct leg *first;

	(void)state;
	billed = true;
	assert_int_equal(hunt_new(&out.hunt, &gateway), 0);
	for (size_t i = 0; i < 2; i++) {
		static struct fare other;

		other = own_fare;
		other.trunk = fares[i]->trunk;
		fares[i] = i ? &other : &own_fare;
		assert_int_equal(
			hunt_add(out.hunt,
				 &(struct hunt_target){
					 .name = "a trunk",
					 .trunk = fares[i]->trunk,
					 .fare = fares[i],
					 .next_on = HUNT_ON_UNREACHABLE,
					 .new_leg = make_leg }),
			0);
	}
	assert_int_equal(hunt_next(out.hunt, &first), 0);
	a = new_leg();
	assert_int_equal(call_new(&call, &gateway, &out, a, first), 0);
	leg_calls(a);
	expect("asked");
	let_begin(true, 60, "");
	expect("b-offer");
	assert_int_equal(call_credit_ms(call), 60000);
	expect_counted();
	leg_ends(b, CAUSE_UNREACHABLE, NULL);
	expect("b-close asked");
	assert_non_null(strstr(asked_of, " pbx"));
	expect_counted();
	/* what the first gave was for that alone */
	let_begin(true, 0, "");
	expect("b-offer");
	assert_int_equal(call_credit_ms(call), 0);
}

/* Bob's calls are sent on; who is called behind that costs nothing. */
static void forward_and_then_ring(void)
{
	struct call_parties inbound = parties;
	struct leg *first;

	inbound.inbound = true;
	inbound.fare = &forward;
	assert_int_equal(hunt_new(&inbound.hunt, &gateway), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(hunt_add(inbound.hunt,
					  &(struct hunt_target){
						  .name = "a callee",
						  .trunk = "pbx",
						  .fare = i ? NULL : &forward,
						  .next_on = HUNT_ON_NOT_TAKEN,
						  .new_leg = make_leg }),
				 0);
	assert_int_equal(hunt_next(inbound.hunt, &first), 0);
	a = new_leg();
	assert_int_equal(call_new(&call, &gateway, &inbound, a, first), 0);
	describe(a);
	leg_offers(a);
	let_begin(true, 0, "");
	expect("asked asked");
}

static void what_a_forward_may_last_is_for_that_alone(void **state)
{
	(void)state;
	billed = true;
	forward_and_then_ring();
	let_begin(true, 60, "");
	expect("b-offer");
	assert_int_equal(call_credit_ms(call), 60000);
	leg_ends(b, CAUSE_NO_ANSWER, NULL);
	expect("b-close b-offer");
	assert_int_equal(call_credit_ms(call), 0);
}

static void a_question_about_who_has_ended_is_forgotten(void **state)
{
	(void)state;
	billed = true;
	forward_and_then_ring();
	assert_true(question_open);
	leg_ends(b, CAUSE_NO_ANSWER, NULL);
	expect("b-close b-offer");
	assert_false(question_open);
}

static void both_sides_are_told_that_the_minutes_are_used_up(void **state)
{
	(void)state;
	allowed_ms = 60000;
	come_up();
	begun(59900);
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-credit b-credit record");
	assert_string_equal(record.cause, "credit");
	assert_string_equal(record.end_text,
			    "The minutes of this day are used up.");
	assert_in_range(used_s, 60, 66);
}

/* Whatever happens in whatever order, what was counted is given back. */
static void counts_outlast_no_call(void **state)
{
	enum { CALLS = 300, STEPS = 12 };

	(void)state;
	config.limits.calls = 4;
	srand(7);
	for (int i = 0; i < CALLS; i++) {
		billed = rand() % 2;
		forward_after((unsigned)rand() % 2, 1 + (unsigned)rand() % 2);
		for (int step = 0; step < STEPS; step++) {
			if (call->state == CALL_CLOSED)
				break;
			switch (rand() % 7) {
			case 0:
				if (question_open)
					let_begin(rand() % 3, 9, "");
				break;
			case 1:
				leg_rings(b);
				break;
			case 2:
				answers();
				break;
			case 3:
				ready(rand() % 2 ? MEDIA_SIDE_A : MEDIA_SIDE_B);
				break;
			case 4:
				call_raise(call,
					   &(struct call_event){
						   .type = CALL_EV_STORED });
				break;
			case 5:
				leg_ends(rand() % 2 ? a : b, CAUSE_UNREACHABLE,
					 NULL);
				break;
			default:
				if (!(rand() % 4))
					call_hangup(call, CAUSE_SHUTDOWN);
			}
			expect_counted();
			said[0] = '\0';
		}
		if (call->state != CALL_CLOSED)
			call_hangup(call, CAUSE_NORMAL);
		said[0] = '\0';
		expect_counted();
		event_base_loop(gateway.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	config.limits.calls = 2;
	assert_int_equal(toll_calls(&gateway, TOLL_TRUNK, "pbx"), 0);
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
		CALL_TEST(a_forward_to_a_user_of_a_trunk_is_placed),
		CALL_TEST(a_transferred_call_costs_from_then_on),
		CALL_TEST(
			a_caller_that_is_transferred_leaves_the_forwarded_leg),
		CALL_TEST(what_was_forwarded_and_transferred_is_still_sent_on),
		CALL_TEST(another_trunk_is_asked_about_anew),
		CALL_TEST(what_a_forward_may_last_is_for_that_alone),
		CALL_TEST(a_question_about_who_has_ended_is_forgotten),
		CALL_TEST(both_sides_are_told_that_the_minutes_are_used_up),
		CALL_TEST(counts_outlast_no_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
