/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/report.h"

#include "gateway/base/clock.h"
#include "media/relay_output.h"
#include "media/rtcp.h"

enum { LOST_MAX = 0x7fffff };

/* The middle 32 bits: RFC 3550, 6.4.1, LSR. */
static uint32_t middle(uint64_t ntp)
{
	return (uint32_t)(ntp >> 16);
}

void report_on_received(struct report *report, const uint8_t *p, size_t n,
			uint64_t now_us)
{
	struct rtcp_walk walk = rtcp_walk_over(p, n);
	struct rtcp_packet packet;
	struct rtcp_report sender;

	while (!rtcp_walk_next(&walk, &packet)) {
		if (packet.type != RTCP_SR ||
		    rtcp_report_decode(&sender, &packet))
			continue;
		report->peer_ntp = middle(sender.ntp);
		report->peer_us = now_us;
	}
}

/* NTP time (RFC 3550, 4) of now. */
static uint64_t ntp_now(void)
{
	static const uint64_t epoch = 2208988800u; /* 1900 to 1970 */
	uint64_t ms = (uint64_t)clock_wall_ms();

	return (ms / 1000 + epoch) << 32 | ((ms % 1000) << 32) / 1000;
}

/* Fraction and cumulative number lost: RFC 3550, A.3. */
static uint32_t loss(struct report *report, const struct relay *rx)
{
	uint64_t lost = relay_lost(rx), received = rx->source.received;
	uint64_t new_lost = lost > report->lost ? lost - report->lost : 0;
	uint64_t expected = received > report->received
				    ? received - report->received + new_lost
				    : new_lost;
	uint64_t fraction = expected ? (new_lost << 8) / expected : 0;

	report->lost = lost;
	report->received = received;
	return (uint32_t)(fraction > UINT8_MAX ? UINT8_MAX : fraction) << 24 |
	       (uint32_t)(lost > LOST_MAX ? LOST_MAX : lost);
}

static struct rtcp_block block_of(struct report *report, const struct relay *rx,
				  uint64_t now_us)
{
	uint64_t waited_us = now_us - report->peer_us;

	return (struct rtcp_block){
		.ssrc = rx->source.ssrc,
		.loss = loss(report, rx),
		.highest = rx->source.highest,
		.jitter = rx->source.jitter >> 4,
		.lsr = report->peer_ntp,
		.dlsr = report->peer_ntp
				? (uint32_t)(waited_us * 65536u / 1000000u)
				: 0,
	};
}

int report_write(struct report *report, struct relay *tx,
		 const struct relay *rx, const struct report_counts *counts,
		 uint64_t now_us, uint8_t *p, size_t cap, size_t *n)
{
	struct rtcp_report out = {
		.sender = tx->output.sent && tx->output.clock,
		.ssrc = tx->output.ssrc,
		.nblocks = rx->source.seen,
	};
	size_t head, cname;

	if (out.sender) {
		out.ntp = ntp_now();
		out.ts =
			relay_output_now(&tx->output, tx->output.clock, now_us);
		out.packets = (uint32_t)counts->packets;
		out.octets = (uint32_t)counts->octets;
		tx->sr_ntp = middle(out.ntp); /* the peer's answer tells RTT */
		tx->sr_us = now_us;
	}
	if (out.nblocks)
		out.blocks[0] = block_of(report, rx, now_us);
	int r = rtcp_report_encode(&out, p, cap, &head);
	if (!r)
		r = rtcp_cname_encode(out.ssrc, tx->cname, p + head, cap - head,
				      &cname);
	if (!r)
		*n = head + cname;
	return r;
}
