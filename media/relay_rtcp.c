/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RTCP through a relay: what one side says of its stream and of what it
 * receives, in the numbers of the other side (RFC 3550, 6.4 and 7.2).
 *
 * What is not a report is not carried over: BYE ends a source, not our output;
 * APP and XR speak of what the other side does not know; feedback (RFC 4585)
 * was negotiated with nobody.
 */
#include <string.h>

#include "media/relay.h"
#include "media/relay_output.h"
#include "media/rtcp.h"

enum {
	RTCP_OUT_MAX = 1200,
	FIRST_PERIOD = 1 << 16, /* relay_source.c begins to count here */
};

/* The highest number received, of our output, as the source counts. */
static uint32_t source_highest(const struct relay *back, uint32_t highest)
{
	const struct relay_source *source = &back->source;
	uint16_t seq = (uint16_t)(highest - back->output.seq_offset);
	uint32_t ext = source->highest +
		       (uint32_t)(int16_t)(seq - (uint16_t)source->highest);

	if ((int32_t)(ext - source->base) < 0)
		ext = source->base;
	return ext - FIRST_PERIOD;
}

static void measure_rtt(struct relay *relay, const struct relay *back,
			const struct rtcp_block *block, uint64_t now_us)
{
	if (!block->lsr || !back->sr_us || block->lsr != back->sr_ntp)
		return;
	uint64_t held_us = (uint64_t)block->dlsr * 1000000 / 65536;
	uint64_t since_us = now_us - back->sr_us;
	if (since_us >= held_us && since_us - held_us < UINT32_MAX)
		relay->rtt_us = (uint32_t)(since_us - held_us);
}

static void translate_blocks(struct relay *relay, const struct relay *back,
			     struct rtcp_report *report, uint64_t now_us)
{
	const struct relay_output *output = &back->output;
	size_t kept = 0;

	for (size_t i = 0; i < report->nblocks; i++) {
		struct rtcp_block block = report->blocks[i];
		if (block.ssrc != output->ssrc)
			continue;
		measure_rtt(relay, back, &block, now_us);
		if (!back->source.seen)
			continue;
		block.ssrc = back->source.ssrc;
		block.highest = source_highest(back, block.highest);
		if (output->based && output->clock != output->source_clock)
			block.jitter = (uint32_t)((uint64_t)block.jitter *
						  output->source_clock /
						  output->clock);
		report->blocks[kept++] = block;
	}
	report->nblocks = kept;
}

/* A sender's clock can be told when its audio went through: else it is an RR.
 */
static void translate_sender(struct relay *relay, struct rtcp_report *report,
			     uint64_t now_us)
{
	if (!relay->output.sent || !relay->output.based ||
	    !relay->source.seen || report->ssrc != relay->source.ssrc) {
		report->sender = false;
		return;
	}
	report->ts = relay_output_ts(&relay->output, report->ts);
	relay->sr_ntp = (uint32_t)(report->ntp >> 16);
	relay->sr_us = now_us;
}

/* Append the report of @packet, translated, to @out. 0 or RELAY_DROP. */
static int translate(struct relay *relay, const struct relay *back,
		     const struct rtcp_packet *packet, uint64_t now_us,
		     uint8_t *out, size_t *used)
{
	struct rtcp_report report;
	size_t n = 0;

	if (rtcp_report_decode(&report, packet))
		return RELAY_DROP;
	if (report.sender)
		translate_sender(relay, &report, now_us);
	translate_blocks(relay, back, &report, now_us);
	report.ssrc = relay->output.ssrc;
	if (rtcp_report_encode(&report, out + *used, RTCP_OUT_MAX - *used, &n))
		return RELAY_DROP;
	*used += n;
	return 0;
}

/* Malformed anywhere: nothing of it is believed. */
static bool is_whole(const uint8_t *p, size_t n)
{
	struct rtcp_walk walk = rtcp_walk_over(p, n);
	struct rtcp_packet packet;
	struct rtcp_report report;
	int r;

	while (!(r = rtcp_walk_next(&walk, &packet)))
		if ((packet.type == RTCP_SR || packet.type == RTCP_RR) &&
		    rtcp_report_decode(&report, &packet))
			return false;
	return r == RTCP_E_END;
}

int relay_rtcp(struct relay *relay, const struct relay *back, uint8_t *p,
	       size_t *n, size_t cap, uint64_t now_us)
{
	struct rtcp_walk walk = rtcp_walk_over(p, *n);
	struct rtcp_packet packet;
	uint8_t out[RTCP_OUT_MAX];
	size_t used = 0, cname = 0;

	if (!is_whole(p, *n))
		return RELAY_DROP;
	while (!rtcp_walk_next(&walk, &packet))
		if ((packet.type == RTCP_SR || packet.type == RTCP_RR) &&
		    translate(relay, back, &packet, now_us, out, &used))
			return RELAY_DROP;
	if (!used || rtcp_cname_encode(relay->output.ssrc, relay->cname,
				       out + used, sizeof(out) - used, &cname))
		return RELAY_DROP;
	used += cname;
	if (used > cap)
		return RELAY_DROP;
	memcpy(p, out, used);
	*n = used;
	return 0;
}
