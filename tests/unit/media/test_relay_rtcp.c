/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RTCP between two sides that know each other by our numbers alone.
 */
#include "tests/test.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "media/relay.h"
#include "media/relay_output.h"
#include "media/rtcp.h"
#include "media/rtp.h"

enum { A = 0xaaaa, B = 0xbbbb, A_OUT = 0x0a0a, B_OUT = 0x0b0b, CAP = 2048 };

static struct relay ab, ba; /* from A to B, from B to A */
static uint64_t now_us;
static uint8_t p[CAP];
static size_t n;

static uint32_t speak(struct relay *relay, uint32_t ssrc, uint16_t seq,
		      uint32_t ts)
{
	const struct rtp_hdr hdr = { .seq = seq, .ts = ts, .ssrc = ssrc };
	struct relay_event event;
	struct rtp_hdr out;
	uint8_t packet[20] = { 0 };

	assert_int_equal(rtp_hdr_encode(&hdr, packet, sizeof(packet)), 0);
	assert_int_equal(
		relay_rtp(relay, packet, sizeof(packet), now_us, &event), 0);
	assert_int_equal(rtp_hdr_decode(&out, packet, sizeof(packet)), 0);
	return out.ts;
}

static int begin(void **state)
{
	struct media_map map = { .event_pt = MEDIA_MAP_NONE };

	(void)state;
	for (size_t i = 0; i < MEDIA_MAP_NPTS; i++)
		map.rx[i].pt = MEDIA_MAP_NONE;
	map.rx[0] = (struct media_map_entry){ 0, false, 8000, 8000 };
	relay_init(&ab, A_OUT);
	relay_init(&ba, B_OUT);
	relay_set_map(&ab, &map);
	relay_set_map(&ba, &map);
	now_us = UINT64_C(5000000000);
	n = 0;
	return 0;
}

static void add(const struct rtcp_report *report)
{
	size_t used = 0;

	assert_int_equal(rtcp_report_encode(report, p + n, CAP - n, &used), 0);
	n += used;
}

static void add_octets(const void *octets, size_t len)
{
	memcpy(p + n, octets, len);
	n += len;
}

static struct rtcp_report report_out(void)
{
	struct rtcp_walk walk = rtcp_walk_over(p, n);
	struct rtcp_packet packet;
	struct rtcp_report report;

	assert_int_equal(rtcp_walk_next(&walk, &packet), 0);
	assert_in_range(packet.type, RTCP_SR, RTCP_RR);
	assert_int_equal(rtcp_report_decode(&report, &packet), 0);
	assert_int_equal(report.sender, packet.type == RTCP_SR);
	/* Then our CNAME, and no more. */
	assert_int_equal(rtcp_walk_next(&walk, &packet), 0);
	assert_int_equal(packet.type, RTCP_SDES);
	assert_int_equal(packet.count, 1);
	assert_int_equal(packet.body[4], RTCP_SDES_CNAME);
	assert_int_equal(packet.body[5], RELAY_CNAME_LEN);
	assert_int_equal(rtcp_walk_next(&walk, &packet), RTCP_E_END);
	return report;
}

static void a_sender_report_speaks_of_the_output(void **state)
{
	(void)state;
	uint32_t ts = speak(&ab, A, 100, 5000);
	const struct rtcp_report sr = { .sender = true,
					.ssrc = A,
					.ntp = 0x0123456789abcdef,
					.ts = 5000 + 1600,
					.packets = 77,
					.octets = 7700 };
	add(&sr);
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), 0);
	struct rtcp_report out = report_out();
	assert_true(out.sender);
	assert_int_equal(out.ssrc, A_OUT);
	assert_true(out.ntp == sr.ntp);
	assert_int_equal(out.ts, ts + 1600);
	assert_int_equal(out.packets, 77);
	assert_int_equal(out.octets, 7700);
}

static void a_report_without_audio_is_a_receivers(void **state)
{
	(void)state;
	const struct rtcp_report sr = { .sender = true, .ssrc = A, .ts = 1 };

	add(&sr);
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), 0);
	assert_false(report_out().sender);
	assert_int_equal(report_out().ssrc, A_OUT);
	/* And one of a source that speaks no more. */
	begin(NULL);
	speak(&ab, A + 1, 1, 1);
	add(&sr);
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), 0);
	assert_false(report_out().sender);
}

static void a_report_block_speaks_of_the_true_source(void **state)
{
	(void)state;
	ba.output.seq = 65500;
	for (uint32_t i = 0; i < 100; i++)
		speak(&ba, B, (uint16_t)(65480 + i), 160 * i);
	/* A has the output up to the 90th packet: it wrapped after 35. */
	struct rtcp_report rr = { .ssrc = A, .nblocks = 2 };
	rr.blocks[0] = (struct rtcp_block){ .ssrc = 0x999, .highest = 1 };
	rr.blocks[1] =
		(struct rtcp_block){ .ssrc = B_OUT,
				     .loss = 0x40000005,
				     .highest = 65536 + (uint16_t)(65501 + 89),
				     .jitter = 33,
				     .lsr = 5,
				     .dlsr = 6 };
	add(&rr);
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), 0);
	struct rtcp_report out = report_out();
	assert_int_equal(out.ssrc, A_OUT);
	assert_int_equal(out.nblocks, 1); /* 0x999 is nothing of ours */
	assert_int_equal(out.blocks[0].ssrc, B);
	assert_int_equal(out.blocks[0].highest, 65480 + 89);
	assert_int_equal(out.blocks[0].loss, 0x40000005);
	assert_int_equal(out.blocks[0].jitter, 33);
	assert_int_equal(out.blocks[0].lsr, 5);
	assert_int_equal(out.blocks[0].dlsr, 6);
}

static void the_names_of_a_side_are_replaced_by_one_of_ours(void **state)
{
	(void)state;
	const struct rtcp_report rr = { .ssrc = A };
	uint8_t first[CAP];
	size_t used = 0;

	for (unsigned i = 0; i < 2; i++) {
		n = 0;
		add(&rr);
		assert_int_equal(rtcp_cname_encode(A, i ? "me@192.0.2.7" : "x",
						   p + n, CAP - n, &used),
				 0);
		n += used;
		assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), 0);
		report_out();
		for (size_t k = 0; k + 5 < n; k++)
			assert_memory_not_equal(p + k, "192.0", 5);
		if (i)
			assert_memory_equal(p, first, n);
		memcpy(first, p, n);
	}
}

static void nothing_but_reports_is_carried_over(void **state)
{
	(void)state;
	const struct rtcp_report rr = { .ssrc = A };
	static const uint8_t rest[] = {
		0x81, 203, 0, 1, 0, 0, 0xaa, 0xaa, /* BYE */
		0x80, 204, 0, 2, 0, 0, 0xaa, 0xaa, 'n', 'a', 'm', 'e',
		0x81, 205, 0, 2, 0, 0, 0xaa, 0xaa, 0,   0,   0,   1,
		0x81, 206, 0, 2, 0, 0, 0xaa, 0xaa, 0,   0,   0,   1,
		0x80, 207, 0, 1, 0, 0, 0xaa, 0xaa, /* XR */
		0x80, 223, 0, 0,
	};

	add(&rr);
	add_octets(rest, sizeof(rest));
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), 0);
	report_out();
	n = 0;
	add_octets(rest, sizeof(rest));
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), RELAY_DROP);
}

static void malformed_packets_are_dropped_whole(void **state)
{
	(void)state;
	const struct rtcp_report rr = { .ssrc = A, .nblocks = 1 };
	uint8_t good[CAP];

	add(&rr);
	add(&rr);
	size_t whole = n;
	memcpy(good, p, n);
	for (size_t len = 0; len < whole; len++) {
		size_t m = len;
		memcpy(p, good, whole);
		assert_int_equal(relay_rtcp(&ab, &ba, p, &m, CAP, now_us),
				 len == whole / 2 ? 0 : RELAY_DROP);
	}
	memcpy(p, good, whole);
	p[whole / 2] = 0x9f; /* 31 blocks, one is there */
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), RELAY_DROP);
	memcpy(p, good, whole);
	p[0] = 0x41;
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), RELAY_DROP);
	memcpy(p, good, whole);
	p[0] |= 0x20; /* padding, and not in the last */
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), RELAY_DROP);
}

static void padding_at_the_end_is_taken_off(void **state)
{
	(void)state;
	static const uint8_t padded[] = { 0xa0, 201, 0, 3, 0, 0, 0xaa, 0xaa,
					  0,    0,   0, 0, 0, 0, 0,    8 };
	uint8_t bad[sizeof(padded)];

	add_octets(padded, sizeof(padded));
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), 0);
	report_out();
	static const uint8_t lengths[] = { 0, 3, 16, 255 };
	for (size_t i = 0; i < sizeof(lengths); i++) {
		memcpy(bad, padded, sizeof(bad));
		bad[sizeof(bad) - 1] = lengths[i];
		n = sizeof(bad);
		assert_int_equal(
			relay_rtcp(&ab, &ba, bad, &n, sizeof(bad), now_us),
			RELAY_DROP);
	}
}

static void without_room_nothing_is_written(void **state)
{
	(void)state;
	const struct rtcp_report rr = { .ssrc = A };

	add(&rr);
	size_t need = n + 28, m = n;
	assert_int_equal(relay_rtcp(&ab, &ba, p, &m, need - 1, now_us),
			 RELAY_DROP);
	m = n;
	assert_int_equal(relay_rtcp(&ab, &ba, p, &m, need, now_us), 0);
	assert_int_equal(m, need);
}

static void the_round_trip_is_known_from_the_answer(void **state)
{
	(void)state;
	struct rtcp_report sr = {
		.sender = true, .ssrc = A, .ntp = 0x1111222233334444, .ts = 1
	};

	speak(&ab, A, 1, 1);
	add(&sr);
	assert_int_equal(relay_rtcp(&ab, &ba, p, &n, CAP, now_us), 0);
	/* B answers after 100 ms, of which it held it for 25. */
	now_us += 100000;
	struct rtcp_report rr = { .ssrc = B, .nblocks = 1 };
	rr.blocks[0] = (struct rtcp_block){ .ssrc = A_OUT,
					    .highest = 1,
					    .lsr = 0x22223333,
					    .dlsr = 65536 / 40 };
	n = 0;
	add(&rr);
	assert_int_equal(relay_rtcp(&ba, &ab, p, &n, CAP, now_us), 0);
	assert_in_range(relay_rtt_us(&ba), 75000, 75020);
	assert_int_equal(relay_rtt_us(&ab), 0);
	/* A lie is not believed. */
	rr.blocks[0].dlsr = UINT32_MAX;
	n = 0;
	add(&rr);
	assert_int_equal(relay_rtcp(&ba, &ab, p, &n, CAP, now_us), 0);
	assert_in_range(relay_rtt_us(&ba), 75000, 75020);
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	struct rtcp_report sr = { .sender = true,
				  .ssrc = 1,
				  .ntp = 2,
				  .ts = 3,
				  .packets = 4,
				  .octets = 5,
				  .nblocks = RTCP_MAX_BLOCKS };
	for (uint32_t i = 0; i < RTCP_MAX_BLOCKS; i++)
		sr.blocks[i] = (struct rtcp_block){ i,     i + 1, i + 2,
						    i + 3, i + 4, i + 5 };
	size_t used = 0;
	assert_int_equal(rtcp_report_encode(&sr, p, CAP, &used), 0);
	assert_int_equal(used, 28 + 31 * 24);
	for (size_t cap = 0; cap < used; cap++) {
		size_t m;
		assert_int_equal(rtcp_report_encode(&sr, p + 800, cap, &m),
				 -EMSGSIZE);
	}
	struct rtcp_walk walk = rtcp_walk_over(p, used);
	struct rtcp_packet packet;
	static struct rtcp_report back;
	assert_int_equal(rtcp_walk_next(&walk, &packet), 0);
	assert_int_equal(rtcp_report_decode(&back, &packet), 0);
	assert_int_equal(back.nblocks, 31);
	assert_memory_equal(back.blocks, sr.blocks, sizeof(sr.blocks));
	assert_true(back.ntp == 2 && back.ts == 3 && back.packets == 4 &&
		    back.octets == 5);
	assert_int_equal(rtcp_walk_next(&walk, &packet), RTCP_E_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup(f, begin)
		TEST(a_sender_report_speaks_of_the_output),
		TEST(a_report_without_audio_is_a_receivers),
		TEST(a_report_block_speaks_of_the_true_source),
		TEST(the_names_of_a_side_are_replaced_by_one_of_ours),
		TEST(nothing_but_reports_is_carried_over),
		TEST(malformed_packets_are_dropped_whole),
		TEST(padding_at_the_end_is_taken_off),
		TEST(without_room_nothing_is_written),
		TEST(the_round_trip_is_known_from_the_answer),
		TEST(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
