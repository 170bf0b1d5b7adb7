/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One direction of a call: what the receiver sees of a source, of several, and
 * of digits that pass through.
 */
#include "tests/test.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "media/dtmf.h"
#include "media/relay.h"
#include "media/rtp.h"
#include "media/srtp.h"

enum {
	OUT = 0x0badcafe,
	AUDIO = 0,
	EVENT = 101,
	AUDIO_OUT = 8,
	EVENT_OUT = 96,
	MS = 1000,
	FRAME_US = 20 * MS,
	NPAYLOAD = 160,
};

static struct relay relay;
static struct relay_event event;
static uint64_t now_us;
static uint8_t p[256];
static struct rtp_hdr out; /* what left last */

static struct media_map simple_map(uint32_t event_rx, uint32_t event_tx)
{
	struct media_map map = { .event_pt = EVENT_OUT,
				 .event_clock = event_tx,
				 .codec_pt = AUDIO_OUT,
				 .codec_clock = 8000 };

	for (size_t i = 0; i < MEDIA_MAP_NPTS; i++)
		map.rx[i].pt = MEDIA_MAP_NONE;
	map.rx[AUDIO] =
		(struct media_map_entry){ AUDIO_OUT, false, 8000, 8000 };
	map.rx[EVENT] =
		(struct media_map_entry){ EVENT_OUT, true, event_rx, event_tx };
	return map;
}

static int begin(void **state)
{
	struct media_map map = simple_map(8000, 8000);

	(void)state;
	relay_init(&relay, OUT);
	relay_set_map(&relay, &map);
	now_us = UINT64_C(1000000) * MS;
	return 0;
}

static int take(const struct rtp_hdr *hdr, const uint8_t *payload, size_t n)
{
	assert_int_equal(rtp_hdr_encode(hdr, p, sizeof(p)), 0);
	memcpy(p + RTP_HDR_LEN, payload, n);
	int r = relay_rtp(&relay, p, RTP_HDR_LEN + n, now_us, &event);
	if (!r) {
		assert_int_equal(rtp_hdr_decode(&out, p, RTP_HDR_LEN + n), 0);
		assert_int_equal(out.ssrc, OUT);
	}
	return r;
}

static int audio(uint32_t ssrc, uint16_t seq, uint32_t ts)
{
	const struct rtp_hdr hdr = {
		.pt = AUDIO, .seq = seq, .ts = ts, .ssrc = ssrc
	};
	static const uint8_t payload[NPAYLOAD];

	return take(&hdr, payload, sizeof(payload));
}

static int dtmf(uint16_t seq, uint32_t ts, char digit, bool marker, bool end,
		uint16_t duration)
{
	const struct rtp_hdr hdr = {
		.pt = EVENT, .seq = seq, .ts = ts, .ssrc = 1, .marker = marker
	};
	const struct dtmf_event e = { (uint8_t)dtmf_code(digit), end, 10,
				      duration };
	uint8_t payload[DTMF_EVENT_LEN];

	dtmf_event_encode(&e, payload);
	return take(&hdr, payload, sizeof(payload));
}

static struct dtmf_event event_out(void)
{
	struct dtmf_event e;

	assert_int_equal(dtmf_event_decode(&e, p + RTP_HDR_LEN, 4), 0);
	return e;
}

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

static int comfort_noise_of(uint32_t ssrc, uint16_t seq)
{
	const struct rtp_hdr hdr = { .pt = 13, .seq = seq, .ssrc = ssrc };

	return take(&hdr, (const uint8_t *)"x", 1);
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

/* --- events that pass through --- */

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

/* A small generator, the same on every machine. */
static uint32_t draw(uint64_t *random, uint32_t below)
{
	*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((*random >> 33) % below);
}

/* Three sources that take turns, jump, and send packets late. */
struct crowd {
	uint64_t random;
	uint32_t who;
	uint16_t seq[3];
	uint32_t ts[3];
	bool holds;
	uint16_t held; /* a sequence number that comes later */
};

static int crowd_speak(struct crowd *crowd)
{
	uint32_t dice = draw(&crowd->random, 1000);
	uint32_t who = crowd->who;
	uint16_t seq = crowd->seq[who];

	crowd->ts[who] += 160;
	if (dice < 3) {
		crowd->who = draw(&crowd->random, 3);
		crowd->holds = false;
	} else if (dice < 5) {
		crowd->seq[who] += 5000 + draw(&crowd->random, 50000);
		crowd->holds = false;
	} else if (dice < 50 && !crowd->holds) {
		crowd->holds = true;
		crowd->held = crowd->seq[who]++;
	} else if (dice < 200 && crowd->holds) {
		crowd->holds = false;
		return audio(who + 1, crowd->held, crowd->ts[who] - 160);
	}
	seq = crowd->seq[who]++;
	if (dice < 950)
		return audio(who + 1, seq, crowd->ts[who]);
	if (dice < 970)
		return comfort_noise_of(who + 1, seq);
	return dtmf(seq, crowd->ts[0], '5', false, dice & 2, 160);
}

static void no_keystream_is_used_twice_whatever_comes(void **state)
{
	(void)state;
	struct crowd crowd = { .random = 42, .seq = { 65400, 1, 30000 } };
	unsigned sent = 0, inserted = 0;
	const uint8_t key[30] = { 1 };
	struct srtp *srtp = NULL;
	uint8_t wire[300];
	size_t n;

	assert_int_equal(srtp_evp.new(&srtp, SRTP_PROTECT,
				      SRTP_AES128_CM_SHA1_80, key, 30),
			 0);
	for (unsigned i = 0; i < 200000; i++) {
		now_us += draw(&crowd.random, 40) * MS;
		if (!draw(&crowd.random, 300) && !relay.inserting.n)
			assert_int_equal(relay_digit(&relay, '#',
						     draw(&crowd.random, 200)),
					 0);
		if (!crowd_speak(&crowd)) {
			n = RTP_HDR_LEN + 4;
			memcpy(wire, p, n);
			assert_int_equal(
				srtp_evp.rtp(srtp, wire, &n, sizeof(wire)), 0);
			sent++;
		}
		relay_insert(&relay, wire, sizeof(wire), &n, now_us);
		if (n) {
			assert_int_equal(
				srtp_evp.rtp(srtp, wire, &n, sizeof(wire)), 0);
			inserted++;
		}
	}
	assert_true(sent > 100000);
	assert_true(inserted > 1000);
	srtp_evp.free(srtp);
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
		TEST(no_keystream_is_used_twice_whatever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
