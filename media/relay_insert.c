/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Digits of our own in a relay's output (RFC 4733, 2.5.1): a packet each 20 ms,
 * the last three times. Packets are due at fixed times, whenever we are called.
 */
#include <assert.h>
#include <string.h>

#include "media/dtmf.h"
#include "media/relay.h"
#include "media/relay_output.h"
#include "media/relay_passing.h"
#include "media/relay_segment.h"
#include "media/rtp.h"

enum { ENDS = 3, PACKET_US = RELAY_DIGIT_PACKET_MS * 1000 };

static_assert(RELAY_INSERT_LEN == RTP_HDR_LEN + DTMF_EVENT_LEN, "one event");

int relay_digit(struct relay *relay, char digit, unsigned duration_ms)
{
	struct relay_inserting *in = &relay->inserting;

	int code = dtmf_code(digit);
	if (code < 0)
		return -EINVAL;
	if (relay->mapped && relay->map.event_pt == MEDIA_MAP_NONE)
		return -ENOTSUP;
	if (in->n == RELAY_MAX_QUEUED_DIGITS)
		return -ENOBUFS;
	if (!duration_ms)
		duration_ms = RELAY_DIGIT_DEFAULT_MS;
	if (duration_ms < RELAY_DIGIT_MIN_MS)
		duration_ms = RELAY_DIGIT_MIN_MS;
	if (duration_ms > RELAY_DIGIT_MAX_MS)
		duration_ms = RELAY_DIGIT_MAX_MS;
	in->queue[in->n++] =
		(struct relay_digit){ (uint8_t)code, (uint16_t)duration_ms };
	return 0;
}

static void begin(struct relay *relay, uint64_t now_us)
{
	struct relay_inserting *in = &relay->inserting;
	uint32_t clock = relay->output.clock      ? relay->output.clock
			 : relay->map.codec_clock ? relay->map.codec_clock
						  : relay->map.event_clock;

	in->on = true;
	in->ends = 0;
	in->start_us = in->next_us = now_us;
	in->ts = relay_output_now(&relay->output, clock, now_us);
	relay_output_set(&relay->output, in->ts, now_us);
}

/* What was played so far, to the end of this packet. */
static uint64_t played_us(const struct relay_inserting *in, uint64_t now_us)
{
	uint64_t whole_us = in->queue[0].duration_ms * 1000u;
	uint64_t so_far_us = now_us - in->start_us + PACKET_US;

	return so_far_us < whole_us && !in->ends ? so_far_us : whole_us;
}

static void write_packet(struct relay *relay, uint8_t *p, uint64_t now_us)
{
	struct relay_inserting *in = &relay->inserting;
	uint64_t us = played_us(in, now_us);
	struct dtmf_event event = {
		.code = in->queue[0].code,
		.end = us == in->queue[0].duration_ms * 1000u,
		.volume = DTMF_VOLUME,
	};
	struct rtp_hdr hdr = {
		.marker = now_us == in->start_us,
		.pt = relay->map.event_pt,
		.ssrc = relay->output.ssrc,
	};

	hdr.ts = in->ts +
		 relay_segment(&event, us * relay->map.event_clock / 1000000);
	hdr.seq = relay_output_own(&relay->output, relay->source.highest + 1);
	if (rtp_hdr_encode(&hdr, p, RTP_HDR_LEN))
		return;
	dtmf_event_encode(&event, p + RTP_HDR_LEN);
	in->ends += event.end;
}

/* The queue moves up; the next digit keeps its distance. */
static void finish(struct relay_inserting *in)
{
	in->on = false;
	in->n--;
	memmove(in->queue, in->queue + 1, in->n * sizeof(in->queue[0]));
}

static uint64_t begin_if_due(struct relay *relay, uint64_t now_us)
{
	struct relay_inserting *in = &relay->inserting;

	if (relay->mapped && relay->map.event_pt == MEDIA_MAP_NONE)
		in->n = 0; /* a later negotiation took it away */
	if (!in->n || !relay->mapped)
		return UINT64_MAX;
	if (now_us < in->next_us)
		return in->next_us;
	if (relay_passing_busy(&relay->passing, now_us))
		return now_us + PACKET_US;
	begin(relay, now_us);
	return now_us;
}

uint64_t relay_insert(struct relay *relay, uint8_t *p, size_t cap, size_t *n,
		      uint64_t now_us)
{
	struct relay_inserting *in = &relay->inserting;

	*n = 0;
	if (in->on && relay->map.event_pt == MEDIA_MAP_NONE)
		in->on = false;
	if (!in->on) {
		uint64_t due_us = begin_if_due(relay, now_us);
		if (!in->on)
			return due_us;
	}
	if (now_us < in->next_us || cap < RELAY_INSERT_LEN)
		return in->next_us;
	write_packet(relay, p, now_us);
	*n = RELAY_INSERT_LEN;
	in->next_us += PACKET_US;
	if (in->next_us <= now_us) /* we were late: no burst */
		in->next_us = now_us + PACKET_US;
	if (in->ends == ENDS) {
		finish(in);
		return in->n ? in->next_us : UINT64_MAX;
	}
	return in->next_us;
}
