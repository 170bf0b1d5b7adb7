/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A call between two legs that only note what they are told. */
#include "tests/unit/gateway/call_rig.h"

static void a_proposed_call_is_asked_for_its_offer_when_answered(void **state)
{
	(void)state;
	calls_blind();
	leg_rings(b);
	expect("a-ring");
	answers();
	expect("");
	ready(MEDIA_SIDE_B);
	expect("a-proceed");
	describe(a);
	leg_offers(a);
	expect("store");
	to_disk();
	expect("a-answer");
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
}

/* What a client says that has PCMA alone. */
static void describe_pcma(struct leg *leg)
{
	const struct media_content *audio;

	describe(leg);
	audio = leg_remote_audio(leg);
	assert_string_equal(audio->codecs[1].name, "PCMA");
	leg_remote_audio(leg)->codecs[0] = audio->codecs[1];
	leg_remote_audio(leg)->ncodecs = 1;
}

static void a_callee_that_would_send_another_codec_is_told_the_common_one(
	void **state)
{
	(void)state;
	calls_blind();
	answers();
	ready(MEDIA_SIDE_B);
	describe_pcma(a);
	leg_offers(a);
	expect("a-proceed store");
	to_disk();
	expect("a-answer b-reoffer");
	assert_int_equal(leg_local_audio(b)->ncodecs, 2);
	assert_string_equal(leg_local_audio(b)->codecs[0].name, "PCMA");
	assert_string_equal(leg_local_audio(b)->codecs[1].name,
			    "telephone-event");
	describe_pcma(b);
	leg_agrees(b);
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
}

static void a_callee_heard_early_is_told_the_common_codec_when_it_answers(
	void **state)
{
	(void)state;
	struct call_parties early = parties;

	early.early_answer = true;
	assert_int_equal(begin_with(&early), 0);
	calls_blind();
	describe(b);
	leg_rings_early(b);
	ready(MEDIA_SIDE_B);
	describe_pcma(a);
	leg_offers(a);
	to_disk();
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "early");
	expect("a-ring a-proceed store a-answer store");
	answers();
	expect("b-reoffer store");
	assert_string_equal(call_state_name(call), "up");
}

/* Its payload types are not those that we would have chosen. */
static void an_echo_has_the_callers_payload_types(void **state)
{
	(void)state;
	static struct leg_ops echo_ops;
	static const struct media_codec opus = { 96, 2, 48000, "opus", "" };

	echo_ops = fake_ops;
	echo_ops.echoes = true;
	b->ops = &echo_ops;
	calls_blind();
	answers();
	ready(MEDIA_SIDE_B);
	describe(a);
	leg_remote_audio(a)->codecs[0] = opus;
	leg_remote_audio(a)->ncodecs = 1;
	leg_offers(a);
	to_disk();
	assert_int_equal(maps[MEDIA_SIDE_A].rx[96].pt, 96);
	assert_int_equal(maps[MEDIA_SIDE_A].codec_pt, 96);
}

static void an_offered_call_is_answered_when_the_callees_media_flows(
	void **state)
{
	(void)state;
	describe(a);
	leg_offers(a);
	expect("b-offer");
	answers();
	expect("");
	ready(MEDIA_SIDE_B);
	expect("store");
	to_disk();
	expect("a-answer");
}

static void media_that_was_ready_early_is_not_waited_for(void **state)
{
	(void)state;
	describe(a);
	leg_offers(a);
	ready(MEDIA_SIDE_A);
	ready(MEDIA_SIDE_B);
	expect("b-offer");
	answers();
	expect("store");
	to_disk();
	expect("a-answer store");
	assert_string_equal(call_state_name(call), "up");
}

static void a_caller_without_media_is_not_waited_for(void **state)
{
	(void)state;
	caller_has_no_media = true;
	describe(a);
	leg_offers(a);
	ready(MEDIA_SIDE_B);
	answers();
	to_disk();
	caller_has_no_media = false;
	expect("b-offer store a-answer store");
	assert_string_equal(call_state_name(call), "up");
}

static void the_caller_gives_up_while_it_rings(void **state)
{
	(void)state;
	calls_blind();
	leg_rings(b);
	expect("a-ring");
	leg_ends(a, CAUSE_CANCEL, NULL);
	expect("b-cancel record");
	assert_int_equal(record.ended_by, CDR_END_CALLER);
	assert_string_equal(record.cause, "cancel");
	assert_int_equal(record.answered_ms, 0);
}

static void the_callee_refuses(void **state)
{
	(void)state;
	calls_blind();
	leg_ends(b, CAUSE_BUSY, "busy there");
	expect("a-busy record");
	assert_int_equal(record.ended_by, CDR_END_CALLEE);
}

static void either_side_hangs_up(void **state)
{
	(void)state;
	come_up();
	leg_ends(a, CAUSE_NORMAL, NULL);
	expect("b-normal record");
	assert_true(record.answered_ms > 0);
	assert_int_equal(begin_with(&parties), 0);
	come_up();
	leg_ends(b, CAUSE_NORMAL, NULL);
	expect("a-normal record");
}

static void an_ended_call_hears_nothing_more(void **state)
{
	(void)state;
	come_up();
	leg_ends(a, CAUSE_NORMAL, NULL);
	expect("b-normal record");
	leg_ends(b, CAUSE_BUSY, NULL);
	leg_rings(b);
	leg_answers(b);
	leg_holds(b, true);
	ready(MEDIA_SIDE_A);
	bridge_events->failed(MEDIA_SIDE_A, MEDIA_FAIL_CONSENT, bridge_arg);
	expect("");
}

static void lost_media_ends_both_legs_with_a_reason(void **state)
{
	(void)state;
	come_up();
	bridge_events->failed(MEDIA_SIDE_A, MEDIA_FAIL_FINGERPRINT, bridge_arg);
	expect("a-security b-security record");
	assert_int_equal(record.ended_by, CDR_END_GATEWAY);
}

static void no_common_codec_ends_both_legs(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *audio;

	assert_int_equal(media_desc_new(&desc), 0);
	assert_int_equal(media_desc_add(desc, &audio), 0);
	assert_int_equal(
		media_content_add_codec(
			audio, &(struct media_codec){ .pt = 18,
						      .clockrate = 8000,
						      .channels = 1,
						      .name = "G729" }),
		0);
	assert_int_equal(leg_set_remote(a, desc), 0);
	leg_offers(a);
	expect("a-incompatible b-incompatible record");
}

static void hold_reaches_the_other_side_once(void **state)
{
	(void)state;
	come_up();
	leg_holds(a, true);
	expect("a-none b-hold store");
	/* perhaps in another way */
	leg_holds(a, true);
	expect("a-none store");
	leg_holds(a, false);
	expect("b-resume store");
}

static void a_row_that_says_the_same_is_not_written_again(void **state)
{
	(void)state;
	come_up();
	rows_stay = true;
	leg_holds(a, true);
	expect("a-none b-hold store");
	leg_holds(a, false);
	expect("b-resume");
	stored(-EIO, stored_arg); /* it may not be there */
	leg_holds(a, true);
	expect("a-none b-hold store");
	rows_stay = false;
}

static void a_direction_in_a_new_offer_is_a_hold(void **state)
{
	(void)state;
	come_up();
	leg_remote_audio(b)->dir = MEDIA_SENDONLY;
	leg_offers(b);
	expect("b-answer b-recv a-hold store");
	leg_remote_audio(b)->dir = MEDIA_SENDRECV;
	leg_offers(b);
	expect("b-answer a-resume store");
}

static void digits_go_by_rtp_where_the_peer_takes_them(void **state)
{
	(void)state;
	come_up();
	leg_digit(a, '5', 100);
	expect("b-tone");
	event_base_loop(gateway.base, EVLOOP_ONCE); /* it has been played */
	bridge_takes_digits = false;
	leg_digit(a, '5', 100);
	expect("b-tone b-digit");
}

static void digits_come_one_after_the_other(void **state)
{
	(void)state;
	come_up();
	leg_digit(a, '1', 10);
	leg_digit(a, '2', 10);
	leg_digit(b, '3', 10);
	expect("b-tone");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("b-tone");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-tone");
}

static void digits_before_the_answer_wait_for_it(void **state)
{
	(void)state;
	calls_blind();
	leg_rings(b);
	expect("a-ring");
	assert_false(call_takes_digits(call));
	leg_digit(a, '1', 10);
	answers();
	assert_true(call_takes_digits(call));
	ready(MEDIA_SIDE_B);
	describe(a);
	leg_offers(a);
	to_disk();
	expect("a-proceed store a-answer");
	leg_digit(a, '2', 10);
	expect("");
	ready(MEDIA_SIDE_A);
	expect("store b-tone");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("b-tone");
	call_hangup(call, CAUSE_NORMAL);
	assert_false(call_takes_digits(call));
}

static void a_moved_address_restarts_that_leg(void **state)
{
	(void)state;
	come_up();
	bridge_events->moved(MEDIA_SIDE_A, bridge_arg);
	expect("a-restart");
}

static void early_media_rings_unless_the_policy_answers(void **state)
{
	(void)state;
	calls_blind();
	describe(b);
	leg_rings_early(b);
	expect("a-ring");
	assert_string_equal(call_state_name(call), "ringing");
}

static void by_policy_the_caller_hears_early_media(void **state)
{
	(void)state;
	const struct timeval soon = { 0, 20000 };
	struct call_parties early = parties;

	early.early_answer = true;
	assert_int_equal(begin_with(&early), 0);
	calls_blind();
	ready(MEDIA_SIDE_B);
	describe(b);
	leg_rings_early(b);
	expect("a-ring a-proceed");
	describe(a);
	leg_offers(a);
	to_disk();
	expect("store a-answer");
	ready(MEDIA_SIDE_A);
	expect("store");
	assert_string_equal(call_state_name(call), "early");
	leg_answers(b);
	/* and its time begins now */
	assert_int_equal(event_base_loopexit(gateway.base, &soon), 0);
	event_base_dispatch(gateway.base);
	assert_string_equal(call_state_name(call), "up");
}

static void a_call_ends_at_its_greatest_age(void **state)
{
	uint32_t before = config.limits.call_duration_s;
	uint64_t began = clock_ms();

	(void)state;
	config.limits.call_duration_s = 1;
	come_up();
	event_base_loop(gateway.base, EVLOOP_ONCE);
	config.limits.call_duration_s = before;
	assert_in_range(clock_ms() - began, 900, 10000);
	assert_string_not_equal(record.cause, "");
	expect("a-normal b-normal record");
}

static void too_many_calls_are_refused(void **state)
{
	(void)state;
	assert_int_equal(begin_with(&parties), 0);
	assert_int_equal(begin_with(&parties), -EAGAIN);
}

static void a_slow_disk_delays_but_does_not_end_a_call(void **state)
{
	(void)state;
	describe(a);
	leg_offers(a);
	answers();
	ready(MEDIA_SIDE_B);
	expect("b-offer store");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-answer");
}

static void nobody_answers(void **state)
{
	(void)state;
	struct call_parties impatient = parties;

	impatient.ring_timeout_ms = 20;
	assert_int_equal(begin_with(&impatient), 0);
	calls_blind();
	leg_rings(b);
	expect("a-ring");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-no-answer b-no-answer record");
}

/* The ring deadline is not for setting up the media of who has picked up. */
static void who_has_picked_up_is_not_left_for_ringing_too_long(void **state)
{
	(void)state;
	struct call_parties impatient = parties;

	impatient.ring_timeout_ms = 20;
	assert_int_equal(begin_with(&impatient), 0);
	calls_blind();
	leg_rings(b);
	leg_proceeds(b);
	expect("a-ring");
	assert_string_equal(call_state_name(call), "picked-up");
	event_base_loopexit(gateway.base, &(struct timeval){ 0, 60000 });
	event_base_loop(gateway.base, 0);
	assert_string_equal(call_state_name(call), "picked-up");
	answers();
	ready(MEDIA_SIDE_B);
	expect("a-proceed");
}

static void who_has_picked_up_may_still_change_his_mind(void **state)
{
	(void)state;
	calls_blind();
	leg_proceeds(b);
	leg_ends(b, CAUSE_DECLINE, NULL);
	expect("a-decline record");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALL_TEST(a_proposed_call_is_asked_for_its_offer_when_answered),
		CALL_TEST(
			a_callee_that_would_send_another_codec_is_told_the_common_one),
		CALL_TEST(
			a_callee_heard_early_is_told_the_common_codec_when_it_answers),
		CALL_TEST(an_echo_has_the_callers_payload_types),
		CALL_TEST(
			an_offered_call_is_answered_when_the_callees_media_flows),
		CALL_TEST(media_that_was_ready_early_is_not_waited_for),
		CALL_TEST(a_caller_without_media_is_not_waited_for),
		CALL_TEST(the_caller_gives_up_while_it_rings),
		CALL_TEST(the_callee_refuses),
		CALL_TEST(either_side_hangs_up),
		CALL_TEST(an_ended_call_hears_nothing_more),
		CALL_TEST(lost_media_ends_both_legs_with_a_reason),
		CALL_TEST(no_common_codec_ends_both_legs),
		CALL_TEST(hold_reaches_the_other_side_once),
		CALL_TEST(a_row_that_says_the_same_is_not_written_again),
		CALL_TEST(a_direction_in_a_new_offer_is_a_hold),
		CALL_TEST(digits_go_by_rtp_where_the_peer_takes_them),
		CALL_TEST(digits_come_one_after_the_other),
		CALL_TEST(digits_before_the_answer_wait_for_it),
		CALL_TEST(a_moved_address_restarts_that_leg),
		CALL_TEST(early_media_rings_unless_the_policy_answers),
		CALL_TEST(by_policy_the_caller_hears_early_media),
		CALL_TEST(a_call_ends_at_its_greatest_age),
		CALL_TEST(too_many_calls_are_refused),
		CALL_TEST(a_slow_disk_delays_but_does_not_end_a_call),
		CALL_TEST(nobody_answers),
		CALL_TEST(who_has_picked_up_is_not_left_for_ringing_too_long),
		CALL_TEST(who_has_picked_up_may_still_change_his_mind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
