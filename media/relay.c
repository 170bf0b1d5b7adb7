/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One direction of a call; see the header. Who speaks is relay_source.c, what
 * goes out relay_output.c, events are relay_passing.c, digits of our own
 * relay_insert.c, RTCP relay_rtcp.c.
 */
#include "media/relay.h"

#include <stddef.h>
#include <string.h>

#include "gateway/base/cache.h"
#include "gateway/base/rand.h"
#include "media/relay_output.h"
#include "media/relay_passing.h"
#include "media/relay_source.h"
#include "media/rtp.h"

static void map_none(struct media_map *map)
{
	memset(map, 0, sizeof(*map));
	for (size_t i = 0; i < MEDIA_MAP_NPTS; i++)
		map->rx[i].pt = MEDIA_MAP_NONE;
	map->event_pt = map->codec_pt = MEDIA_MAP_NONE;
}

void relay_near(const struct relay *relay, uint8_t pt)
{
	cache_near(relay, offsetof(struct relay, inserting.queue));
	cache_near(&relay->map.rx[pt % MEDIA_MAP_NPTS],
		   sizeof(relay->map.rx[0]));
}

void relay_init(struct relay *relay, uint32_t ssrc)
{
	*relay = (struct relay){
		.output.ssrc = ssrc,
		.output.ts = rand_u32(),
		/* In the lower half (RFC 3711, 3.3.1): a receiver whose first
		 * packet is one behind the wrap never finds the counter. */
		.output.seq = (uint16_t)(rand_u32() & 0x7fff),
	};
	map_none(&relay->map);
	rand_token(relay->cname, RELAY_CNAME_LEN);
}

void relay_resume(struct relay *relay)
{
	struct relay_inserting *in = &relay->inserting;

	if (in->n > RELAY_MAX_QUEUED_DIGITS || (in->on && !in->n))
		*in = (struct relay_inserting){ .on = false };
	for (unsigned i = 0; i < in->n; i++)
		if (in->queue[i].duration_ms > RELAY_DIGIT_MAX_MS)
			in->queue[i].duration_ms = RELAY_DIGIT_MAX_MS;
	if (relay->output.based && !relay->output.source_clock)
		relay->output.based = false;
	if (!relay->passing.clock) /* it is divided by */
		relay->passing.on = false;
	map_none(&relay->map);
	relay->mapped = false;
}

void relay_set_map(struct relay *relay, const struct media_map *map)
{
	relay->map = *map;
	relay->mapped = true;
	for (size_t i = 0; i < MEDIA_MAP_NPTS; i++) {
		struct media_map_entry *entry = &relay->map.rx[i];
		if (!entry->tx_clock)
			entry->tx_clock = entry->rx_clock;
		if (!entry->rx_clock)
			*entry = (struct media_map_entry){
				.pt = MEDIA_MAP_NONE
			};
	}
	if (!relay->map.event_clock)
		relay->map.event_pt = MEDIA_MAP_NONE;
}

/* What the packet becomes is decided: hdr.ts is the output's. */
static void rewrite(struct relay *relay, struct rtp_hdr *hdr, uint32_t ext,
		    const struct media_map_entry *entry, uint8_t *p)
{
	struct relay_output *output = &relay->output;

	/* The timeline of another source begins: let a jitter buffer adapt. */
	if (output->fresh && !entry->event) {
		hdr->marker = true;
		output->fresh = false;
	}
	hdr->pt = entry->pt;
	hdr->ssrc = output->ssrc;
	hdr->seq = relay_output_seq(output, ext);
	rtp_hdr_patch(hdr, p);
}

/* Give @hdr its output timestamp. 0 or RELAY_DROP. */
static int map_packet(struct relay *relay, struct rtp_hdr *hdr, uint32_t ext,
		      uint8_t *payload, size_t len, uint64_t now_us,
		      struct relay_event *event)
{
	const struct media_map_entry *entry = &relay->map.rx[hdr->pt];
	bool old = (int32_t)(ext - relay->output.from) < 0;

	if (entry->event) {
		int r = relay_passing_take(relay, hdr, ext, payload, len,
					   now_us, &hdr->ts, event);
		return r || old || relay->inserting.on ? RELAY_DROP : 0;
	}
	if (entry->pt == MEDIA_MAP_NONE)
		return RELAY_DROP;
	relay_source_time(&relay->source, hdr->ts, entry->rx_clock, now_us);
	if (old || relay->inserting.on)
		return RELAY_DROP;
	hdr->ts = relay_output_audio(&relay->output, hdr->ts, entry->rx_clock,
				     entry->tx_clock,
				     ext == relay->source.highest, now_us);
	return 0;
}

int relay_rtp(struct relay *relay, uint8_t *p, size_t n, uint64_t now_us,
	      struct relay_event *event)
{
	struct rtp_hdr hdr;
	size_t len;
	uint32_t ext = 0;

	*event = (struct relay_event){ 0 };
	if (rtp_hdr_decode(&hdr, p, n) || rtp_payload_len(&len, &hdr, p, n))
		return RELAY_DROP;
	int r = relay_source_take(&relay->source, &hdr, now_us, &ext);
	if (r == RELAY_SOURCE_BAD)
		return RELAY_DROP;
	if (r == RELAY_SOURCE_NEW) {
		relay_passing_lost(&relay->passing, event);
		relay_output_base(&relay->output, ext);
	}
	const struct media_map_entry *entry = &relay->map.rx[hdr.pt];
	if (!entry->event)
		relay_passing_idle(&relay->passing, now_us, event);
	r = map_packet(relay, &hdr, ext, p + hdr.len, len, now_us, event);
	if (r) {
		relay_output_skip(&relay->output, ext,
				  ext == relay->source.highest);
		return RELAY_DROP;
	}
	rewrite(relay, &hdr, ext, entry, p);
	return 0;
}

uint32_t relay_ssrc(const struct relay *relay)
{
	return relay->output.ssrc;
}

uint64_t relay_lost(const struct relay *relay)
{
	return relay_source_lost(&relay->source);
}

uint32_t relay_jitter_us(const struct relay *relay)
{
	const struct relay_source *source = &relay->source;

	return source->clock ? (uint32_t)((uint64_t)(source->jitter >> 4) *
					  1000000 / source->clock)
			     : 0;
}

uint32_t relay_rtt_us(const struct relay *relay)
{
	return relay->rtt_us;
}
