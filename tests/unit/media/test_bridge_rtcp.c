/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* RTCP of bridges: of our own, and translated. */
#include "media/bridge.h"
#include "media/rtcp.h"
#include "tests/unit/media/rig.h"

static bool hear_rtcp(int fd, struct rtcp_report *out, struct addr *from,
		      int wait_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	struct sockaddr_storage name;
	socklen_t name_len = sizeof(name);
	struct rtcp_packet packet;
	uint8_t p[2048];

	if (poll(&pollfd, 1, wait_ms) <= 0)
		return false;
	ssize_t n = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&name,
			     &name_len);
	assert_true(n > 0);
	assert_int_equal(addr_from(from, (struct sockaddr *)&name), 0);
	struct rtcp_walk walk = rtcp_walk_over(p, (size_t)n);
	assert_int_equal(rtcp_walk_next(&walk, &packet), 0);
	assert_true(packet.type == RTCP_SR || packet.type == RTCP_RR);
	assert_int_equal(rtcp_report_decode(out, &packet), 0);
	/* RFC 3550, 6.1: each compound has a CNAME. */
	assert_int_equal(rtcp_walk_next(&walk, &packet), 0);
	assert_int_equal(packet.type, RTCP_SDES);
	return true;
}

/* A phone that sends none still hears of us, on the port next to RTP's. */
static void rtcp_of_our_own_comes_when_the_source_sends_none(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rtcp_report report;
	struct addr from, rtcp_local;
	struct rig_heard heard;

	rig_open(&rig, "127.0.0.1", 1);
	rig_call_open(&call, &rig, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	int fd = rig_socket("127.0.0.1", &rtcp_local);
	struct media_content theirs = { .profile = MEDIA_RTP_AVP,
					.rtp = call.a.local,
					.rtcp = rtcp_local };
	assert_int_equal(bridge_remote(call.left, MEDIA_SIDE_A, &theirs), 0);
	rig_wait(&rig, 50);
	rig_talk(&call.a, &call.b, 10);
	uint16_t last = (uint16_t)(call.a.seq - 1);
	for (int i = 0; i < 10; i++)
		rig_speak(&call.b);
	for (int i = 0; i < 10; i++)
		assert_true(rig_hear(&call.a, &heard, 1000));

	assert_true(hear_rtcp(fd, &report, &from, 9000));
	assert_int_equal(addr_port(&from), addr_port(&call.a.remote) + 1);
	assert_true(report.sender);
	assert_int_equal(report.ssrc, heard.ssrc);
	assert_int_equal(report.packets, 10);
	assert_int_equal(report.octets, 10 * RIG_PAYLOAD);
	assert_int_equal(report.nblocks, 1);
	assert_int_equal(report.blocks[0].ssrc, call.a.ssrc);
	assert_int_equal((uint16_t)report.blocks[0].highest, last);
	assert_int_equal(report.blocks[0].loss, 0);
	/* Time goes on behind the last packet. */
	assert_in_range(report.ts - heard.ts, 0, 10 * RIG_CLOCK);
	close(fd);
	rig_call_close(&call);
	rig_close(&rig);
}

static void a_sender_report_is_translated_for_the_other_side(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rtcp_report sent = { .sender = true }, heard;
	struct rig_heard audio;
	struct addr from;
	uint8_t p[256];
	size_t n, cname;

	rig_open(&rig, "127.0.0.1", 1);
	rig_call_open(&call, &rig, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	for (int i = 0; i < 5; i++) {
		rig_speak(&call.a);
		assert_true(rig_hear(&call.b, &audio, 1000));
	}
	sent.ssrc = call.a.ssrc;
	sent.ntp = 0x1122334455667788u;
	sent.ts = call.a.ts - RIG_SAMPLES;
	sent.packets = 5;
	sent.octets = 5 * RIG_PAYLOAD;
	assert_int_equal(rtcp_report_encode(&sent, p, sizeof(p), &n), 0);
	assert_int_equal(rtcp_cname_encode(sent.ssrc, "phone@192.0.2.1", p + n,
					   sizeof(p) - n, &cname),
			 0);
	rig_send_from(call.a.fd, &call.a.remote, p, n + cname);
	assert_true(hear_rtcp(call.b.fd, &heard, &from, 2000));
	assert_true(heard.sender);
	assert_int_equal(heard.ssrc, audio.ssrc);
	assert_int_equal(heard.ts, audio.ts);
	assert_true(heard.ntp == sent.ntp);
	rig_call_close(&call);
	rig_close(&rig);
}

/* Such as multicast: then it goes next to RTP. */
static void rtcp_goes_nowhere_that_rtp_would_not_go(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rtcp_report sent = { .ssrc = 1 }, heard;
	struct addr from, next;
	uint8_t p[256];
	size_t n, cname;

	rig_open(&rig, "127.0.0.1", 1);
	rig_call_open(&call, &rig, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	int fd = rig_socket("127.0.0.1", &next);
	struct media_content theirs = { .profile = MEDIA_RTP_AVP,
					.rtp = next,
					.rtcp = rig_addr("224.0.0.1", 4000) };
	addr_set_port(&theirs.rtp, (uint16_t)(addr_port(&next) - 1));
	assert_int_equal(bridge_remote(call.left, MEDIA_SIDE_A, &theirs), 0);
	rig_wait(&rig, 50);
	assert_int_equal(rtcp_report_encode(&sent, p, sizeof(p), &n), 0);
	assert_int_equal(rtcp_cname_encode(sent.ssrc, "phone@192.0.2.1", p + n,
					   sizeof(p) - n, &cname),
			 0);
	rig_send_from(call.b.fd, &call.b.remote, p, n + cname);
	assert_true(hear_rtcp(fd, &heard, &from, 2000));
	close(fd);
	rig_call_close(&call);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			rtcp_of_our_own_comes_when_the_source_sends_none),
		cmocka_unit_test(
			a_sender_report_is_translated_for_the_other_side),
		cmocka_unit_test(rtcp_goes_nowhere_that_rtp_would_not_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
