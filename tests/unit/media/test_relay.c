/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the receiver sees of a source, and of several. */
#include "tests/unit/media/relay_rig.h"

static void one_source_leaves_with_our_ssrc_and_payload_type(void **state)
{
	(void)state;
	assert_int_equal(audio(7, 100, 5000), 0);
	assert_int_equal(out.pt, AUDIO_OUT);
	assert_true(out.marker); /* begins a timeline */
	uint16_t seq = out.seq;
	uint32_t ts = out.ts;
	assert_true(seq <= 0x8000);
	assert_int_equal(audio(7, 101, 5160), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 1));
	assert_int_equal(out.ts, ts + 160);
	assert_false(out.marker);
	assert_int_equal(relay_ssrc(&relay), OUT);
}

static void sequence_and_time_go_on_past_their_wraps(void **state)
{
	(void)state;
	relay.output.seq = 65400;
	relay.output.ts = 0xffffff00;
	for (uint32_t i = 0; i < 70000; i++) {
		assert_int_equal(
			audio(7, (uint16_t)(65500 + i), 0xffffe000 + 160 * i),
			0);
		assert_int_equal(out.seq, (uint16_t)(65401 + i));
		assert_int_equal(out.ts, 0xffffff00 + 160 * i);
		now_us += FRAME_US;
	}
	assert_int_equal(relay_lost(&relay), 0);
}

static void losses_and_reordering_stay_visible(void **state)
{
	(void)state;
	assert_int_equal(audio(7, 65534, 0), 0);
	uint16_t seq = out.seq;
	uint32_t ts = out.ts;
	assert_int_equal(audio(7, 2, 640), 0); /* three are missing */
	assert_int_equal(out.seq, (uint16_t)(seq + 4));
	assert_int_equal(out.ts, ts + 640);
	assert_int_equal(relay_lost(&relay), 3);
	assert_int_equal(audio(7, 0, 320), 0); /* one was late */
	assert_int_equal(out.seq, (uint16_t)(seq + 2));
	assert_int_equal(out.ts, ts + 320);
	assert_int_equal(relay_lost(&relay), 2);
	assert_int_equal(audio(7, 3, 800), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 5));
}

static void another_source_continues_where_the_first_ended(void **state)
{
	(void)state;
	assert_int_equal(audio(7, 100, 5000), 0);
	now_us += FRAME_US;
	assert_int_equal(audio(7, 102, 5320), 0);
	uint16_t seq = out.seq;
	uint32_t ts = out.ts;
	now_us += 300 * MS;
	assert_int_equal(audio(8, 40000, 99), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 1));
	assert_int_equal(out.ts, ts + 2400); /* 300 ms of 8 kHz */
	assert_true(out.marker);
	assert_int_equal(relay_lost(&relay), 1); /* of the first source */
	now_us += FRAME_US;
	assert_int_equal(audio(8, 40001, 259), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 2));
	assert_int_equal(out.ts, ts + 2560);
	assert_false(out.marker);
}

static void two_sources_in_one_instant_do_not_share_a_time(void **state)
{
	(void)state;
	assert_int_equal(audio(7, 1, 160), 0);
	now_us += FRAME_US;
	assert_int_equal(audio(7, 2, 320), 0);
	uint32_t ts = out.ts;
	assert_int_equal(audio(8, 9, 7777), 0);
	assert_int_equal(out.ts, ts + 160); /* behind the audio before */
}

static void stragglers_of_the_source_before_are_dropped(void **state)
{
	(void)state;
	assert_int_equal(audio(7, 100, 5000), 0);
	assert_int_equal(audio(8, 1, 0), 0);
	uint16_t seq = out.seq;
	assert_int_equal(audio(7, 99, 4840), RELAY_DROP);
	assert_int_equal(audio(7, 101, 5160), RELAY_DROP);
	assert_int_equal(audio(8, 2, 160), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 1));
	/* It may come back. */
	now_us += RELAY_OLD_SOURCE_MS * MS;
	assert_int_equal(audio(7, 102, 5320), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 2));
}

static void a_sequence_that_jumps_begins_anew_with_its_second(void **state)
{
	(void)state;
	assert_int_equal(audio(7, 100, 5000), 0);
	uint16_t seq = out.seq;
	assert_int_equal(audio(7, 30000, 0), RELAY_DROP);
	assert_int_equal(audio(7, 101, 5160), 0); /* it was a stray one */
	assert_int_equal(out.seq, (uint16_t)(seq + 1));
	assert_int_equal(audio(7, 30000, 0), RELAY_DROP);
	assert_int_equal(audio(7, 30001, 160), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 2));
	assert_int_equal(audio(7, 102, 5320), RELAY_DROP);
	assert_int_equal(audio(7, 30002, 320), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 3));
}

static int comfort_noise(uint16_t seq)
{
	return comfort_noise_of(7, seq);
}

static void a_payload_type_that_is_not_mapped_leaves_no_gap(void **state)
{
	(void)state;
	assert_int_equal(audio(7, 100, 5000), 0);
	uint16_t seq = out.seq;
	assert_int_equal(comfort_noise(101), RELAY_DROP);
	assert_int_equal(comfort_noise(101), RELAY_DROP); /* a duplicate */
	assert_int_equal(comfort_noise(102), RELAY_DROP);
	assert_int_equal(audio(7, 103, 5480), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 1));
	/* What was before does not fit any more. */
	assert_int_equal(audio(7, 100, 5000), RELAY_DROP);
	assert_int_equal(comfort_noise(99), RELAY_DROP);
	assert_int_equal(audio(7, 104, 5640), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 2));
}

static void a_loss_before_a_dropped_packet_stays_visible(void **state)
{
	(void)state;
	assert_int_equal(audio(7, 100, 5000), 0);
	uint16_t seq = out.seq;
	assert_int_equal(comfort_noise(103), RELAY_DROP);
	assert_int_equal(audio(7, 102, 5320), RELAY_DROP); /* late */
	assert_int_equal(audio(7, 104, 5640), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 3));
}

static void a_muted_direction_goes_on_without_a_gap(void **state)
{
	(void)state;
	struct media_map map = simple_map(8000, 8000);

	assert_int_equal(audio(7, 100, 5000), 0);
	uint16_t seq = out.seq;
	uint32_t ts = out.ts;
	map.rx[AUDIO].pt = MEDIA_MAP_NONE;
	relay_set_map(&relay, &map);
	assert_int_equal(audio(7, 100, 5000), RELAY_DROP); /* sent before */
	for (uint16_t i = 1; i <= 50; i++) {
		now_us += FRAME_US;
		assert_int_equal(audio(7, 100 + i, 5000 + 160u * i),
				 RELAY_DROP);
	}
	map.rx[AUDIO].pt = AUDIO_OUT;
	relay_set_map(&relay, &map);
	now_us += FRAME_US;
	assert_int_equal(audio(7, 151, 5000 + 51 * 160), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 1));
	assert_int_equal(out.ts, ts + 51 * 160);
}

static void without_a_map_nothing_leaves(void **state)
{
	(void)state;
	relay_init(&relay, OUT);
	for (uint8_t pt = 0; pt < 128; pt++) {
		const struct rtp_hdr hdr = { .pt = pt, .seq = pt, .ssrc = 1 };
		assert_int_equal(take(&hdr, (const uint8_t *)"abcd", 4),
				 RELAY_DROP);
	}
}

static void another_codec_with_another_clock_continues_the_time(void **state)
{
	(void)state;
	struct media_map map = simple_map(8000, 8000);

	map.rx[111] = (struct media_map_entry){ 96, false, 48000, 48000 };
	relay_set_map(&relay, &map);
	assert_int_equal(audio(7, 100, 5000), 0);
	uint16_t seq = out.seq;
	uint32_t ts = out.ts;
	now_us += FRAME_US;
	struct rtp_hdr hdr = { .pt = 111, .seq = 101, .ts = 3, .ssrc = 7 };
	assert_int_equal(take(&hdr, (const uint8_t *)"opus", 4), 0);
	assert_int_equal(out.seq, (uint16_t)(seq + 1));
	assert_int_equal(out.ts, ts + 960);
	now_us += FRAME_US;
	hdr.seq++;
	hdr.ts += 960;
	assert_int_equal(take(&hdr, (const uint8_t *)"opus", 4), 0);
	assert_int_equal(out.ts, ts + 1920);
}

static void clocks_that_differ_are_scaled_for_hours(void **state)
{
	(void)state;
	struct media_map map = simple_map(8000, 8000);

	map.rx[AUDIO].rx_clock = 48000;
	relay_set_map(&relay, &map);
	assert_int_equal(audio(7, 0, 0xfffff000), 0);
	uint32_t ts = out.ts;
	for (uint32_t i = 1; i < 500000; i++) { /* 2.7 hours */
		now_us += FRAME_US;
		assert_int_equal(audio(7, (uint16_t)i, 0xfffff000 + 960 * i),
				 0);
		assert_in_range(out.ts - (ts + 160 * i) + 50, 0, 51);
	}
}

static void extension_csrcs_and_padding_pass_through(void **state)
{
	(void)state;
	uint8_t packet[] = {
		0xb1, 0, 0, 1, 0, 0, 0,    1,    0, 0, 0, 7, 0, 0,
		0,    9, 0, 1, 0, 1, 0xaa, 0xbb, 0, 0, 1, 2, 3, 2
	};
	uint8_t before[sizeof(packet)];

	memcpy(before, packet, sizeof(packet));
	assert_int_equal(
		relay_rtp(&relay, packet, sizeof(packet), now_us, &event), 0);
	assert_int_equal(packet[0], before[0]);
	assert_memory_equal(packet + 12, before + 12, sizeof(packet) - 12);
	/* Lengths that do not fit. */
	memcpy(packet, before, sizeof(packet));
	packet[sizeof(packet) - 1] = 5;
	assert_int_equal(
		relay_rtp(&relay, packet, sizeof(packet), now_us, &event),
		RELAY_DROP);
	packet[19] = 200;
	assert_int_equal(
		relay_rtp(&relay, packet, sizeof(packet), now_us, &event),
		RELAY_DROP);
	for (size_t n = 0; n < 12; n++)
		assert_int_equal(relay_rtp(&relay, before, n, now_us, &event),
				 RELAY_DROP);
}

static void jitter_is_rfc_3550s(void **state)
{
	(void)state;
	/* Packets alternate between 0 and 10 ms late: D is 80 ticks. */
	for (uint32_t i = 0; i < 400; i++) {
		now_us += i & 1 ? 30 * MS : 10 * MS;
		assert_int_equal(audio(7, (uint16_t)i, 160 * i), 0);
	}
	assert_in_range(relay_jitter_us(&relay), 9000, 10100);
	begin(NULL);
	for (uint32_t i = 0; i < 400; i++) {
		now_us += FRAME_US;
		assert_int_equal(audio(7, (uint16_t)i, 160 * i), 0);
	}
	assert_int_equal(relay_jitter_us(&relay), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup(f, begin)
		TEST(one_source_leaves_with_our_ssrc_and_payload_type),
		TEST(sequence_and_time_go_on_past_their_wraps),
		TEST(losses_and_reordering_stay_visible),
		TEST(another_source_continues_where_the_first_ended),
		TEST(two_sources_in_one_instant_do_not_share_a_time),
		TEST(stragglers_of_the_source_before_are_dropped),
		TEST(a_sequence_that_jumps_begins_anew_with_its_second),
		TEST(a_payload_type_that_is_not_mapped_leaves_no_gap),
		TEST(a_loss_before_a_dropped_packet_stays_visible),
		TEST(a_muted_direction_goes_on_without_a_gap),
		TEST(without_a_map_nothing_leaves),
		TEST(another_codec_with_another_clock_continues_the_time),
		TEST(clocks_that_differ_are_scaled_for_hours),
		TEST(extension_csrcs_and_padding_pass_through),
		TEST(jitter_is_rfc_3550s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
