/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Digits put into a stream: what the receiver sees of them (RFC 4733, 2.5.1)
 * and of the audio around them.
 */
#include "tests/test.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "media/dtmf.h"
#include "media/relay.h"
#include "media/rtp.h"

enum { AUDIO = 0, EVENT = 101, MS = 1000, FRAME_US = 20 * MS, MAX = 2000 };

struct seen {
	struct rtp_hdr hdr;
	struct dtmf_event event;
	uint64_t at_us;
};

static struct relay relay;
static uint64_t now_us, start_us;
static uint16_t source_seq;
static uint32_t source_ts;
static struct seen seen[MAX];
static size_t nseen, naudio;
static struct rtp_hdr last; /* of the output, audio or event */

static void set_map(uint8_t event_pt, uint32_t event_clock)
{
	struct media_map map = { .event_pt = event_pt,
				 .event_clock = event_clock,
				 .codec_pt = AUDIO,
				 .codec_clock = 8000 };

	for (size_t i = 0; i < MEDIA_MAP_NPTS; i++)
		map.rx[i].pt = MEDIA_MAP_NONE;
	map.rx[AUDIO] = (struct media_map_entry){ AUDIO, false, 8000, 8000 };
	map.rx[EVENT] =
		(struct media_map_entry){ event_pt, true, 8000, event_clock };
	relay_set_map(&relay, &map);
}

static int begin(void **state)
{
	(void)state;
	relay_init(&relay, 0xcafe);
	relay.output.seq = 65400;
	relay.output.ts = 0xfffff000;
	set_map(EVENT, 8000);
	now_us = start_us = UINT64_C(3600000000);
	source_seq = 65500;
	source_ts = 12345;
	nseen = naudio = 0;
	return 0;
}

static void source_speaks(void)
{
	struct relay_event event;
	const struct rtp_hdr hdr = {
		.pt = AUDIO, .seq = source_seq, .ts = source_ts, .ssrc = 3
	};
	uint8_t p[32] = { 0 };

	source_seq++;
	source_ts += 160;
	assert_int_equal(rtp_hdr_encode(&hdr, p, sizeof(p)), 0);
	if (relay_rtp(&relay, p, sizeof(p), now_us, &event))
		return;
	struct rtp_hdr out;
	assert_int_equal(rtp_hdr_decode(&out, p, sizeof(p)), 0);
	if (naudio++ + nseen) /* no gap, no step back */
		assert_int_equal(out.seq, (uint16_t)(last.seq + 1));
	if (naudio > 1)
		assert_true((int32_t)(out.ts - last.ts) > 0);
	last = out;
}

/* A millisecond at a time; the source, if any, sends each 20. */
static uint64_t run(unsigned ms, bool source)
{
	uint64_t due_us = 0;
	uint8_t p[RELAY_INSERT_LEN];
	size_t n;

	for (unsigned i = 0; i < ms; i++, now_us += MS) {
		if (source && !((now_us - start_us) % FRAME_US))
			source_speaks();
		if (now_us < due_us)
			continue;
		due_us = relay_insert(&relay, p, sizeof(p), &n, now_us);
		if (!n)
			continue;
		assert_int_equal(n, sizeof(p));
		assert_true(nseen < MAX);
		struct seen *s = &seen[nseen];
		assert_int_equal(rtp_hdr_decode(&s->hdr, p, n), 0);
		assert_int_equal(dtmf_event_decode(&s->event, p + s->hdr.len,
						   n - s->hdr.len),
				 0);
		if (naudio + nseen)
			assert_int_equal(s->hdr.seq, (uint16_t)(last.seq + 1));
		s->at_us = now_us;
		last = s->hdr;
		nseen++;
	}
	return due_us;
}

static void a_digit_is_a_train_of_packets_with_three_ends(void **state)
{
	(void)state;
	run(100, true);
	assert_int_equal(naudio, 5);
	struct rtp_hdr before = last;
	assert_int_equal(relay_digit(&relay, '5', 100), 0);
	run(400, true);
	assert_int_equal(nseen, 7); /* 20, 40, 60, 80, 100 and twice more */
	for (size_t i = 0; i < nseen; i++) {
		assert_int_equal(seen[i].hdr.pt, EVENT);
		assert_int_equal(seen[i].hdr.ssrc, 0xcafe);
		assert_int_equal(seen[i].hdr.marker, i == 0);
		assert_int_equal(seen[i].hdr.ts, seen[0].hdr.ts);
		assert_int_equal(seen[i].event.code, 5);
		assert_int_equal(seen[i].event.volume, DTMF_VOLUME);
		assert_int_equal(seen[i].event.end, i >= 4);
		assert_int_equal(seen[i].event.duration,
				 i < 4 ? 160 * (i + 1) : 800);
		assert_int_equal(seen[i].at_us - seen[0].at_us, i * FRAME_US);
	}
	assert_in_range(seen[0].hdr.ts - before.ts, 160, 320);
	/* Audio was away as long as the digit and its ends took, no longer. */
	assert_in_range(naudio, 5 + 12, 5 + 14);
}

static void the_time_of_audio_is_what_it_would_have_been(void **state)
{
	(void)state;
	run(20, true);
	uint32_t first = last.ts;
	assert_int_equal(relay_digit(&relay, '1', 300), 0);
	run(1000, true);
	assert_int_equal(last.pt, AUDIO);
	assert_int_equal(last.ts, first + 160 * 50);
}

static void digits_keep_their_order_and_distance(void **state)
{
	(void)state;
	for (const char *d = "12*#Aa"; *d; d++)
		assert_int_equal(relay_digit(&relay, *d, 50), 0);
	assert_true(run(3000, true) == UINT64_MAX);
	const uint8_t codes[] = { 1, 2, 10, 11, 12, 12 };
	size_t k = 0;
	uint64_t ended_us = 0;
	for (size_t i = 0; i < nseen; i++) {
		if (!seen[i].hdr.marker)
			continue;
		assert_int_equal(seen[i].event.code, codes[k++]);
		/* What is played ends 50 ms after it began. */
		if (ended_us)
			assert_true(seen[i].at_us >=
				    ended_us + RELAY_DIGIT_GAP_MS * MS);
		ended_us = seen[i].at_us + 50 * MS;
	}
	assert_int_equal(k, 6);
	assert_int_equal(nseen, 6 * 5);
}

static void digits_go_out_before_any_audio(void **state)
{
	(void)state;
	assert_int_equal(relay_digit(&relay, '0', 40), 0);
	run(200, false);
	assert_int_equal(nseen, 4);
	assert_int_equal(seen[0].hdr.seq, 65401);
	assert_int_equal(seen[0].hdr.ts, 0xfffff000);
	uint32_t ts = last.ts;
	run(20, true);
	assert_int_equal(naudio, 1);
	assert_in_range(last.ts - ts, 1600, 1600 + 160); /* 200 ms later */
}

static void durations_are_brought_within_the_limits(void **state)
{
	(void)state;
	static const struct {
		unsigned asked_ms;
		uint32_t ticks;
	} rows[] = { { 0, 800 },         { 1, 320 },      { 39, 320 },
		     { 41, 328 },        { 8000, 64000 }, { 8001, 64000 },
		     { 1u << 31, 64000 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(NULL);
		assert_int_equal(relay_digit(&relay, '1', rows[i].asked_ms), 0);
		run(9000, true);
		assert_true(seen[nseen - 1].event.end);
		assert_int_equal(seen[nseen - 1].event.duration, rows[i].ticks);
	}
}

static void a_fast_clock_needs_segments(void **state)
{
	(void)state;
	set_map(96, 48000);
	assert_int_equal(relay_digit(&relay, '1', 3000), 0);
	run(4000, false);
	const struct seen *end = &seen[nseen - 1];
	assert_int_equal(end->hdr.pt, 96);
	assert_int_equal(end->hdr.ts - seen[0].hdr.ts, 2 * 65535);
	assert_int_equal(end->event.duration, 144000 - 2 * 65535);
	for (size_t i = 1; i < nseen; i++) /* time never runs back */
		assert_true((seen[i].hdr.ts - seen[0].hdr.ts) +
				    seen[i].event.duration >=
			    (seen[i - 1].hdr.ts - seen[0].hdr.ts) +
				    seen[i - 1].event.duration);
}

static void what_is_no_digit_is_refused(void **state)
{
	(void)state;
	static const char bad[] = { '\0', 'E', 'e', ' ', '!', '+', '\xff' };

	for (size_t i = 0; i < sizeof(bad); i++)
		assert_int_equal(relay_digit(&relay, bad[i], 100), -EINVAL);
	assert_true(run(100, false) == UINT64_MAX);
	assert_int_equal(nseen, 0);
}

static void a_full_queue_says_so(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RELAY_MAX_QUEUED_DIGITS; i++)
		assert_int_equal(relay_digit(&relay, '1', 40), 0);
	assert_int_equal(relay_digit(&relay, '1', 40), -ENOBUFS);
	run(100, false);
	assert_int_equal(relay_digit(&relay, '2', 40), 0);
}

static void a_receiver_without_events_is_told_none(void **state)
{
	(void)state;
	set_map(MEDIA_MAP_NONE, 0);
	assert_int_equal(relay_digit(&relay, '1', 100), -ENOTSUP);
	/* Taken away while digits wait and one is played. */
	begin(NULL);
	assert_int_equal(relay_digit(&relay, '1', 100), 0);
	assert_int_equal(relay_digit(&relay, '2', 100), 0);
	run(50, true);
	size_t before = nseen;
	assert_true(before > 0);
	set_map(MEDIA_MAP_NONE, 0);
	assert_true(run(200, true) == UINT64_MAX);
	assert_int_equal(nseen, before);
	assert_true(naudio > 8); /* audio is back at once */
}

static void digits_wait_for_a_map(void **state)
{
	(void)state;
	relay_init(&relay, 1);
	assert_int_equal(relay_digit(&relay, '1', 100), 0);
	assert_true(run(100, false) == UINT64_MAX);
	set_map(EVENT, 8000);
	run(200, false);
	assert_int_equal(nseen, 7);
}

static void a_digit_waits_for_one_that_passes_through(void **state)
{
	(void)state;
	struct relay_event event;
	uint8_t p[16] = { 0x80, EVENT, 0, 1, 0, 0, 0, 9,
			  0,    0,     0, 3, 5, 0, 0, 160 };

	assert_int_equal(relay_rtp(&relay, p, sizeof(p), now_us, &event), 0);
	assert_int_equal(relay_digit(&relay, '1', 100), 0);
	last.seq = relay.output.seq;
	naudio = 1;
	run(RELAY_EVENT_LOST_MS - 1, false);
	assert_int_equal(nseen, 0);
	run(100, false);
	assert_true(nseen > 0);
}

static void a_late_caller_makes_no_burst(void **state)
{
	(void)state;
	size_t n;
	uint8_t p[RELAY_INSERT_LEN];

	assert_int_equal(relay_digit(&relay, '1', 1000), 0);
	relay_insert(&relay, p, sizeof(p), &n, now_us);
	assert_int_equal(n, sizeof(p));
	now_us += 500 * MS;
	uint64_t next = relay_insert(&relay, p, sizeof(p), &n, now_us);
	assert_int_equal(n, sizeof(p));
	assert_int_equal(next, now_us + FRAME_US);
	assert_int_equal(p[14] << 8 | p[15], 520 * 8);
	relay_insert(&relay, p, sizeof(p), &n, now_us);
	assert_int_equal(n, 0);
	/* No room: nothing is written, and nothing is lost. */
	now_us += FRAME_US;
	relay_insert(&relay, p, sizeof(p) - 1, &n, now_us);
	assert_int_equal(n, 0);
	relay_insert(&relay, p, sizeof(p), &n, now_us);
	assert_int_equal(n, sizeof(p));
}

static void another_source_may_begin_meanwhile(void **state)
{
	(void)state;
	run(100, true);
	assert_int_equal(relay_digit(&relay, '1', 200), 0);
	run(60, true);
	source_seq = 7; /* the sequence jumps: two packets, and a new base */
	run(400, true);
	assert_int_equal(last.pt, AUDIO);
	assert_true(seen[nseen - 1].event.end);
}

static void digits_have_codes_and_codes_digits(void **state)
{
	(void)state;
	const char all[] = "0123456789*#ABCD";

	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(dtmf_digit((uint8_t)i),
				 i < 16 ? all[i] : '\0');
	for (int i = 0; i < 16; i++)
		assert_int_equal(dtmf_code(all[i]), i);
	assert_int_equal(dtmf_code('d'), 15);
	struct dtmf_event e, back;
	uint8_t p[4];
	e = (struct dtmf_event){ 11, true, 63, 65535 };
	dtmf_event_encode(&e, p);
	assert_int_equal(dtmf_event_decode(&back, p, 4), 0);
	assert_true(back.end && back.code == 11 && back.volume == 63);
	assert_int_equal(back.duration, 65535);
	assert_int_equal(dtmf_event_decode(&back, p, 3), DTMF_E_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup(f, begin)
		TEST(a_digit_is_a_train_of_packets_with_three_ends),
		TEST(the_time_of_audio_is_what_it_would_have_been),
		TEST(digits_keep_their_order_and_distance),
		TEST(digits_go_out_before_any_audio),
		TEST(durations_are_brought_within_the_limits),
		TEST(a_fast_clock_needs_segments),
		TEST(what_is_no_digit_is_refused),
		TEST(a_full_queue_says_so),
		TEST(a_receiver_without_events_is_told_none),
		TEST(digits_wait_for_a_map),
		TEST(a_digit_waits_for_one_that_passes_through),
		TEST(a_late_caller_makes_no_burst),
		TEST(another_source_may_begin_meanwhile),
		TEST(digits_have_codes_and_codes_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
