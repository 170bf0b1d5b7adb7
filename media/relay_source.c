/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The source of a relay; see the header. */
#include "media/relay_source.h"

enum {
	SEQ_MOD = 1 << 16,
	MAX_DROPOUT = 3000, /* RFC 3550, A.1 */
	MAX_MISORDER = 100,
	BAD_SEQ_NONE = SEQ_MOD + 1,
};

/* The first period is 1, so that what comes before the first packet has a
 * number, too. */
static void source_begin(struct relay_source *source, uint32_t ssrc,
			 uint16_t seq)
{
	source->seen = true;
	source->ssrc = ssrc;
	source->base = source->highest = SEQ_MOD | seq;
	source->bad_seq = BAD_SEQ_NONE;
	source->received = 0;
	source->timed = false;
}

static int source_change(struct relay_source *source, const struct rtp_hdr *hdr,
			 uint64_t now_us)
{
	source->lost_before = relay_source_lost(source);
	if (source->seen && source->ssrc != hdr->ssrc) {
		source->old_ssrc = source->ssrc;
		source->changed_us = now_us;
	}
	source_begin(source, hdr->ssrc, hdr->seq);
	return RELAY_SOURCE_NEW;
}

static bool is_straggler(const struct relay_source *source, uint32_t ssrc,
			 uint64_t now_us)
{
	return source->changed_us && ssrc == source->old_ssrc &&
	       now_us - source->changed_us < RELAY_OLD_SOURCE_MS * 1000u;
}

/* Where @seq lies relative to the highest: RFC 3550, A.1, update_seq. */
static int source_place(struct relay_source *source, const struct rtp_hdr *hdr,
			uint64_t now_us, uint32_t *ext)
{
	uint16_t ahead = (uint16_t)(hdr->seq - (uint16_t)source->highest);

	if (ahead < MAX_DROPOUT) {
		source->highest += ahead;
		*ext = source->highest;
	} else if (ahead > SEQ_MOD - MAX_MISORDER) {
		*ext = source->highest - (SEQ_MOD - ahead);
	} else if (hdr->seq == source->bad_seq) {
		/* Two in a row: it did begin anew. */
		return source_change(source, hdr, now_us);
	} else {
		source->bad_seq = (uint16_t)(hdr->seq + 1);
		return RELAY_SOURCE_BAD;
	}
	source->bad_seq = BAD_SEQ_NONE;
	return 0;
}

int relay_source_take(struct relay_source *source, const struct rtp_hdr *hdr,
		      uint64_t now_us, uint32_t *ext)
{
	int r = RELAY_SOURCE_NEW;

	if (source->seen && source->ssrc == hdr->ssrc)
		r = source_place(source, hdr, now_us, ext);
	else if (is_straggler(source, hdr->ssrc, now_us))
		return RELAY_SOURCE_BAD;
	else
		source_change(source, hdr, now_us);
	if (r == RELAY_SOURCE_BAD)
		return r;
	if (r == RELAY_SOURCE_NEW)
		*ext = source->highest;
	source->received++;
	return r;
}

void relay_source_time(struct relay_source *source, uint32_t ts, uint32_t clock,
		       uint64_t now_us)
{
	/* Split, or a process that runs for years would overflow. */
	uint64_t ticks =
		now_us / 1000000 * clock + now_us % 1000000 * clock / 1000000;
	uint32_t transit = (uint32_t)ticks - ts;

	if (source->timed && source->clock == clock) {
		int32_t d = (int32_t)(transit - source->transit);
		uint32_t distance = d < 0 ? -(uint32_t)d : (uint32_t)d;
		/* A pause or a jump is no jitter. */
		if (distance < clock)
			source->jitter +=
				distance - ((source->jitter + 8) >> 4);
	} else if (source->clock != clock) {
		source->jitter = 0;
	}
	source->transit = transit;
	source->clock = clock;
	source->timed = true;
}

uint64_t relay_source_lost(const struct relay_source *source)
{
	if (!source->seen)
		return source->lost_before;
	uint64_t expected = (uint64_t)source->highest - source->base + 1;
	/* Duplicates may make it more than was expected. */
	return source->lost_before +
	       (expected > source->received ? expected - source->received : 0);
}
