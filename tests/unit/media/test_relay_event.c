/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Digits that pass through (RFC 4733). */
#include "tests/unit/media/relay_rig.h"

static void an_event_passes_with_payload_type_and_marker(void **state)
{
	(void)state;
	assert_int_equal(audio(1, 10, 1000), 0);
	uint16_t seq = out.seq;
	uint32_t ts = out.ts;
	now_us += FRAME_US;
	for (uint16_t i = 1; i <= 5; i++) {
		assert_int_equal(
			dtmf(10 + i, 1160, '5', i == 1, false, 160 * i), 0);
		assert_int_equal(out.pt, EVENT_OUT);
		assert_int_equal(out.marker, i == 1);
		assert_int_equal(out.seq, (uint16_t)(seq + i));
		assert_int_equal(out.ts, ts + 160);
		assert_int_equal(event_out().code, 5);
		assert_int_equal(event_out().duration, 160 * i);
		assert_int_equal(event.digit, 0);
		now_us += FRAME_US;
	}
	for (uint16_t i = 6; i <= 8; i++) { /* told once, sent three times */
		assert_int_equal(dtmf(10 + i, 1160, '5', false, true, 800), 0);
		assert_true(event_out().end);
		assert_int_equal(event.digit, i == 6 ? '5' : 0);
		assert_int_equal(event.duration_ms, i == 6 ? 100 : 0);
	}
	assert_int_equal(audio(1, 19, 2120), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 9));
	assert_int_equal(out.ts, ts + 1120);
}

static void the_clock_of_events_is_scaled_both_ways(void **state)
{
	(void)state;
	struct media_map map = simple_map(48000, 8000);

	relay_set_map(&relay, &map);
	assert_int_equal(dtmf(1, 77777, '#', true, false, 960), 0);
	assert_int_equal(event_out().duration, 160);
	uint32_t ts = out.ts;
	assert_int_equal(dtmf(2, 77777, '#', false, true, 4800), 0);
	assert_int_equal(event_out().duration, 800);
	assert_int_equal(out.ts, ts);
	assert_int_equal(event.digit, '#');
	assert_int_equal(event.duration_ms, 100);

	begin(NULL);
	map = simple_map(8000, 48000);
	relay_set_map(&relay, &map);
	assert_int_equal(dtmf(1, 5, 'A', true, true, 800), 0);
	assert_int_equal(event_out().duration, 4800);
	assert_int_equal(event.digit, 'A');
}

static void a_long_event_is_cut_into_segments_where_the_clock_grows(
	void **state)
{
	(void)state;
	struct media_map map = simple_map(8000, 48000);

	relay_set_map(&relay, &map);
	assert_int_equal(dtmf(1, 5, '1', true, false, 160), 0);
	uint32_t ts = out.ts;
	assert_int_equal(dtmf(2, 5, '1', false, false, 10880), 0); /* 1.36 s */
	assert_int_equal(out.ts, ts);
	assert_int_equal(event_out().duration, 65280);
	assert_int_equal(dtmf(3, 5, '1', false, false, 11040), 0);
	assert_int_equal(out.ts, ts + 65535);
	assert_int_equal(event_out().duration, 66240 - 65535);
	assert_int_equal(dtmf(4, 5, '1', false, true, 24000), 0);
	assert_int_equal(out.ts, ts + 2 * 65535);
	assert_int_equal(event_out().duration, 144000 - 2 * 65535);
	assert_int_equal(event.digit, '1');
	assert_int_equal(event.duration_ms, 3000);
}

static void segments_of_a_source_are_one_digit(void **state)
{
	(void)state;
	struct media_map map = simple_map(48000, 8000);

	relay_set_map(&relay, &map);
	assert_int_equal(dtmf(1, 1000, '7', true, false, 65535), 0);
	uint32_t ts = out.ts;
	assert_int_equal(dtmf(2, 1000 + 65535, '7', false, false, 960), 0);
	assert_int_equal(event.digit, 0);
	assert_int_equal(out.ts, ts);
	assert_int_equal(event_out().duration, (65535 + 960) / 6);
	assert_int_equal(dtmf(3, 1000 + 65535, '7', false, true, 9600), 0);
	assert_int_equal(event.digit, '7');
	assert_int_equal(event.duration_ms, (65535 + 9600) / 48);
}

static void an_event_whose_end_was_lost_is_told_by_the_next(void **state)
{
	(void)state;
	assert_int_equal(dtmf(1, 1000, '1', true, false, 800), 0);
	assert_int_equal(event.digit, 0);
	now_us += 100 * MS;
	assert_int_equal(dtmf(5, 2600, '2', true, false, 160), 0);
	assert_int_equal(event.digit, '1');
	assert_int_equal(event.duration_ms, 100);
	now_us += 100 * MS;
	/* The same digit again, and all but its end lost. */
	assert_int_equal(dtmf(9, 4000, '2', false, true, 640), 0);
	assert_int_equal(event.digit, '2');
	assert_int_equal(event.duration_ms, 20);
	assert_int_equal(dtmf(10, 4000, '2', false, true, 640), 0);
	assert_int_equal(event.digit, '2');
	assert_int_equal(event.duration_ms, 80);
	assert_int_equal(dtmf(11, 4000, '2', false, true, 640), 0);
	assert_int_equal(event.digit, 0);
}

static void an_event_whose_end_was_lost_is_told_by_silence(void **state)
{
	(void)state;
	assert_int_equal(dtmf(1, 1000, '9', true, false, 800), 0);
	now_us += FRAME_US;
	assert_int_equal(audio(1, 2, 1960), 0);
	assert_int_equal(event.digit, 0);
	now_us += RELAY_EVENT_LOST_MS * MS;
	assert_int_equal(audio(1, 3, 3560), 0);
	assert_int_equal(event.digit, '9');
	assert_int_equal(audio(1, 4, 3720), 0);
	assert_int_equal(event.digit, 0);
}

static void an_event_ends_with_its_source(void **state)
{
	(void)state;
	assert_int_equal(dtmf(1, 1000, '3', true, false, 800), 0);
	now_us += FRAME_US;
	assert_int_equal(audio(9, 2, 1960), 0);
	assert_int_equal(event.digit, '3');
}

static void late_packets_of_an_earlier_event_are_dropped(void **state)
{
	(void)state;
	assert_int_equal(dtmf(1, 1000, '1', true, true, 800), 0);
	assert_int_equal(event.digit, '1');
	assert_int_equal(dtmf(5, 2600, '2', true, false, 160), 0);
	assert_int_equal(dtmf(3, 1000, '1', false, true, 800), RELAY_DROP);
	assert_int_equal(event.digit, 0);
	assert_int_equal(dtmf(6, 2600, '2', false, true, 320), 0);
	assert_int_equal(event.digit, '2');
}

static void an_event_on_a_timeline_of_its_own_begins_now(void **state)
{
	(void)state;
	assert_int_equal(audio(1, 1, 1000), 0);
	uint32_t ts = out.ts;
	now_us += 200 * MS;
	assert_int_equal(dtmf(2, 0x70000000, '4', true, false, 160), 0);
	assert_int_equal(out.ts, ts + 1600);
	now_us += 100 * MS;
	assert_int_equal(audio(1, 3, 1000 + 2400), 0);
	assert_int_equal(out.ts, ts + 2400);
}

static void events_that_are_no_digits_pass_and_are_not_told(void **state)
{
	(void)state;
	const struct rtp_hdr hdr = { .pt = EVENT, .seq = 1, .ssrc = 1 };
	const uint8_t flash[] = { 16, 0x8a, 0, 160 };

	assert_int_equal(take(&hdr, flash, sizeof(flash)), 0);
	assert_int_equal(event.digit, 0);
	const struct rtp_hdr next = { .pt = EVENT, .seq = 2, .ssrc = 1 };
	assert_int_equal(take(&next, flash, 3), RELAY_DROP);
}

static void digits_the_receiver_does_not_take_are_told_but_not_sent(
	void **state)
{
	(void)state;
	struct media_map map = simple_map(8000, 0);

	map.rx[EVENT].pt = MEDIA_MAP_NONE;
	map.event_pt = MEDIA_MAP_NONE;
	relay_set_map(&relay, &map);
	assert_int_equal(audio(1, 1, 1000), 0);
	uint16_t seq = out.seq;
	assert_int_equal(dtmf(2, 1160, '8', true, false, 160), RELAY_DROP);
	assert_int_equal(dtmf(3, 1160, '8', false, true, 800), RELAY_DROP);
	assert_int_equal(event.digit, '8');
	assert_int_equal(dtmf(4, 1160, '8', false, true, 800), RELAY_DROP);
	assert_int_equal(event.digit, 0);
	assert_int_equal(audio(1, 5, 1960), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 1));
}

static void an_event_the_receiver_ceases_to_take_is_not_sent_on(void **state)
{
	(void)state;
	struct media_map map = simple_map(8000, 8000);

	assert_int_equal(dtmf(1, 1160, '8', true, false, 160), 0);
	map.rx[EVENT].pt = MEDIA_MAP_NONE;
	relay_set_map(&relay, &map);
	assert_int_equal(dtmf(2, 1160, '8', false, true, 800), RELAY_DROP);
	assert_int_equal(event.digit, '8');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup(f, begin)
		TEST(an_event_passes_with_payload_type_and_marker),
		TEST(the_clock_of_events_is_scaled_both_ways),
		TEST(a_long_event_is_cut_into_segments_where_the_clock_grows),
		TEST(segments_of_a_source_are_one_digit),
		TEST(an_event_whose_end_was_lost_is_told_by_the_next),
		TEST(an_event_whose_end_was_lost_is_told_by_silence),
		TEST(an_event_ends_with_its_source),
		TEST(late_packets_of_an_earlier_event_are_dropped),
		TEST(an_event_on_a_timeline_of_its_own_begins_now),
		TEST(events_that_are_no_digits_pass_and_are_not_told),
		TEST(digits_the_receiver_does_not_take_are_told_but_not_sent),
		TEST(an_event_the_receiver_ceases_to_take_is_not_sent_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
