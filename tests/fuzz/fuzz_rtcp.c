/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A peer's RTCP through a relay: what leaves is whole, and ours. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "media/relay.h"
#include "media/rtcp.h"
#include "media/rtp.h"

enum { A = 0x0a0a0a0a, B = 0x0b0b0b0b, A_OUT = 1, B_OUT = 2, CAP = 1500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_relay(struct relay *relay, uint32_t ssrc, uint32_t source,
		       uint32_t clock)
{
	struct media_map map = { .event_pt = MEDIA_MAP_NONE };
	const struct rtp_hdr hdr = { .seq = 65530, .ts = 99, .ssrc = source };
	struct relay_event event;
	uint8_t p[RTP_HDR_LEN];

	for (size_t i = 1; i < MEDIA_MAP_NPTS; i++)
		map.rx[i].pt = MEDIA_MAP_NONE;
	map.rx[0] = (struct media_map_entry){ 0, false, clock, 8000 };
	relay_init(relay, ssrc);
	relay_set_map(relay, &map);
	if (!source || rtp_hdr_encode(&hdr, p, sizeof(p)))
		return;
	int r = relay_rtp(relay, p, sizeof(p), 1000, &event);
	assert(!r);
}

static void check(const uint8_t *p, size_t n)
{
	struct rtcp_walk walk = rtcp_walk_over(p, n);
	struct rtcp_packet packet;
	unsigned reports = 0, names = 0;
	int r;

	assert(rtp_is_rtcp(p, n));
	while (!(r = rtcp_walk_next(&walk, &packet))) {
		struct rtcp_report report;
		if (packet.type == RTCP_SDES) {
			names++;
			continue;
		}
		assert(packet.type == RTCP_SR || packet.type == RTCP_RR);
		assert(!rtcp_report_decode(&report, &packet));
		assert(report.ssrc == A_OUT);
		for (size_t i = 0; i < report.nblocks; i++)
			assert(report.blocks[i].ssrc == B);
		reports++;
	}
	assert(r == RTCP_E_END && reports && names == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct relay ab, ba;
	uint8_t p[CAP];

	if (!size || size > CAP)
		return 0;
	open_relay(&ab, A_OUT, data[0] & 1 ? A : 0, data[0] & 2 ? 48000 : 8000);
	open_relay(&ba, B_OUT, data[0] & 4 ? B : 0, data[0] & 8 ? 16000 : 8000);
	size_t n = size - 1;
	memcpy(p, data + 1, n);
	if (!relay_rtcp(&ab, &ba, p, &n, sizeof(p), 5000))
		check(p, n);
	return 0;
}
