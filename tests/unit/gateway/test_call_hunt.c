/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Several callees, one after the other. */
#include "tests/unit/gateway/call_rig.h"

static void hunt_by(const struct call_parties *of, unsigned n, unsigned ring_ms)
{
	struct call_parties several = *of;
	struct leg *first;

	made = 0;
	several.ring_timeout_ms = 200;
	assert_int_equal(hunt_new(&several.hunt, &gateway), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(hunt_add(several.hunt,
					  &(struct hunt_target){
						  .name = "a callee",
						  .trunk = "second",
						  .ring_ms = ring_ms,
						  .next_on = HUNT_ON_NOT_TAKEN,
						  .new_leg = make_leg }),
				 0);
	assert_int_equal(hunt_next(several.hunt, &first), 0);
	a = new_leg();
	assert_int_equal(call_new(&call, &gateway, &several, a, first), 0);
	calls_blind();
}

/* A call to @n callees one after the other, @ring_ms each. */
static void begin_hunt(unsigned n, unsigned ring_ms)
{
	hunt_by(&parties, n, ring_ms);
}

static void a_callee_who_refuses_leaves_the_call_to_the_next(void **state)
{
	(void)state;
	begin_hunt(2, 0);
	leg_rings(b);
	expect("a-ring");
	leg_ends(b, CAUSE_DECLINE, NULL);
	expect("b-close b-offer");
	assert_int_equal(made, 2);
	leg_rings(b);
	answers();
	ready(MEDIA_SIDE_B);
	expect("a-ring a-proceed");
	leg_ends(a, CAUSE_CANCEL, NULL);
	expect("b-cancel record");
	assert_string_equal(record.trunk, "second");
}

static void a_call_from_a_trunk_stays_that_trunks(void **state)
{
	struct call_parties inbound = parties;

	(void)state;
	inbound.inbound = true;
	hunt_by(&inbound, 2, 0);
	leg_rings(b);
	expect("a-ring");
	leg_ends(b, CAUSE_DECLINE, NULL);
	expect("b-close b-offer");
	leg_ends(a, CAUSE_CANCEL, NULL);
	expect("b-cancel record");
	assert_string_equal(record.trunk, "carrier");
}

static void the_last_callees_end_is_the_calls(void **state)
{
	(void)state;
	begin_hunt(3, 0);
	leg_ends(b, CAUSE_BUSY, NULL);
	leg_ends(b, CAUSE_UNREACHABLE, NULL);
	leg_ends(b, CAUSE_DECLINE, "no");
	expect("b-close b-offer b-close b-offer a-busy record");
	assert_string_equal(record.cause, "busy");
}

static void a_cause_that_leads_nowhere_ends_the_hunt(void **state)
{
	(void)state;
	begin_hunt(2, 0);
	leg_ends(b, CAUSE_UNKNOWN_NUMBER, NULL);
	expect("a-unknown-number record");
	assert_int_equal(made, 1);
}

static void a_callee_that_rings_for_long_is_left(void **state)
{
	(void)state;
	const struct leg *first;

	begin_hunt(2, 20);
	leg_rings(b);
	expect("a-ring");
	first = b;
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("b-no-answer b-close b-offer");
	assert_ptr_not_equal(first, b);
	event_base_loop(gateway.base, EVLOOP_ONCE); /* the burial */
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-no-answer b-no-answer record");
}

static void a_callee_that_was_left_says_nothing_more(void **state)
{
	(void)state;
	struct leg *first;

	begin_hunt(2, 0);
	first = b;
	leg_ends(b, CAUSE_BUSY, NULL);
	expect("b-close b-offer");
	leg_rings(first);
	describe(first);
	leg_answers(first);
	leg_ends(first, CAUSE_BUSY, NULL);
	expect("");
	assert_string_equal(call_state_name(call), "offered");
}

static void all_of_them_have_the_calls_time(void **state)
{
	(void)state;
	begin_hunt(2, 100000);
	leg_rings(b);
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-ring a-no-answer b-no-answer record");
	assert_int_equal(made, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALL_TEST(a_callee_who_refuses_leaves_the_call_to_the_next),
		CALL_TEST(a_call_from_a_trunk_stays_that_trunks),
		CALL_TEST(the_last_callees_end_is_the_calls),
		CALL_TEST(a_cause_that_leads_nowhere_ends_the_hunt),
		CALL_TEST(a_callee_that_rings_for_long_is_left),
		CALL_TEST(a_callee_that_was_left_says_nothing_more),
		CALL_TEST(all_of_them_have_the_calls_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
