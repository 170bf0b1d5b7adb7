/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An event that passes through; see the header. */
#include "media/relay_passing.h"

#include "media/dtmf.h"
#include "media/relay_output.h"
#include "media/relay_segment.h"

enum { NEAR_S = 2 };

static void report(struct relay_passing *passing, struct relay_event *event)
{
	char digit = dtmf_digit(passing->code);

	/* One place, two events: this one's end is repeated, and told then. */
	if (!passing->on || passing->reported || event->digit)
		return;
	passing->reported = true;
	if (!digit)
		return;
	event->digit = digit;
	event->duration_ms =
		(unsigned)((uint64_t)passing->duration * 1000 / passing->clock);
}

void relay_passing_lost(struct relay_passing *passing,
			struct relay_event *event)
{
	report(passing, event);
	passing->on = false;
}

static bool silent(const struct relay_passing *passing, uint64_t now_us)
{
	return now_us - passing->last_us >= RELAY_EVENT_LOST_MS * 1000u;
}

void relay_passing_idle(struct relay_passing *passing, uint64_t now_us,
			struct relay_event *event)
{
	if (passing->on && silent(passing, now_us)) {
		passing->ended = true;
		report(passing, event);
	}
}

bool relay_passing_busy(const struct relay_passing *passing, uint64_t now_us)
{
	return passing->on && !passing->ended && !silent(passing, now_us);
}

/*
 * The output's time of an event that begins. Most senders stamp events on the
 * timeline of their audio, some with a clock of the event's own: what does not
 * lie near the audio is taken to begin now.
 */
static uint32_t begin_ts(const struct relay *relay, uint32_t ts,
			 uint64_t now_us)
{
	const struct relay_output *output = &relay->output;
	uint32_t clock = output->clock            ? output->clock
			 : relay->map.codec_clock ? relay->map.codec_clock
						  : relay->passing.clock;
	uint32_t now = relay_output_now(output, clock, now_us);

	if (!output->based)
		return now;
	int64_t off = (int64_t)(int32_t)(ts - output->audio_ts) -
		      (int64_t)((now_us - output->audio_us) *
				output->source_clock / 1000000);
	int64_t near = (int64_t)output->source_clock * NEAR_S;
	uint32_t mapped = relay_output_ts(output, ts);
	if (off > near || off < -near || (int32_t)(mapped - output->ts) < 0)
		return now;
	return mapped;
}

static void begin(struct relay *relay, const struct rtp_hdr *hdr, uint32_t ext,
		  uint8_t code, uint64_t now_us)
{
	struct relay_passing *passing = &relay->passing;

	*passing = (struct relay_passing){
		.on = true,
		.displaced = relay->inserting.on ||
			     relay->map.rx[hdr->pt].pt == MEDIA_MAP_NONE,
		.code = code,
		.first = ext,
		.source_ts = hdr->ts,
		.clock = relay->map.rx[hdr->pt].rx_clock,
	};
	passing->output_ts = begin_ts(relay, hdr->ts, now_us);
	if (!passing->displaced)
		relay_output_set(&relay->output, passing->output_ts, now_us);
}

/* RFC 4733, 2.5.1.3: a long event goes on in a further segment. */
static bool is_next_segment(const struct relay_passing *passing,
			    const struct rtp_hdr *hdr, uint8_t code)
{
	return passing->on && !passing->ended && !hdr->marker &&
	       passing->code == code &&
	       hdr->ts - passing->source_ts == DTMF_DURATION_MAX;
}

/* Find or begin the event of this packet; false: of an event before. */
static bool settle_on(struct relay *relay, const struct rtp_hdr *hdr,
		      uint32_t ext, uint8_t code, uint64_t now_us,
		      struct relay_event *event)
{
	struct relay_passing *passing = &relay->passing;

	if (passing->on && passing->code == code &&
	    passing->source_ts == hdr->ts)
		return true;
	if (passing->on && (int32_t)(ext - passing->first) < 0)
		return false;
	if (is_next_segment(passing, hdr, code)) {
		passing->before += DTMF_DURATION_MAX;
		passing->source_ts = hdr->ts;
		passing->first = ext;
		return true;
	}
	relay_passing_lost(passing, event);
	begin(relay, hdr, ext, code, now_us);
	return true;
}

int relay_passing_take(struct relay *relay, const struct rtp_hdr *hdr,
		       uint32_t ext, uint8_t *p, size_t n, uint64_t now_us,
		       uint32_t *ts, struct relay_event *event)
{
	const struct media_map_entry *entry = &relay->map.rx[hdr->pt];
	struct relay_passing *passing = &relay->passing;
	struct dtmf_event payload;

	if (dtmf_event_decode(&payload, p, n) ||
	    !settle_on(relay, hdr, ext, payload.code, now_us, event))
		return RELAY_DROP;
	uint32_t duration = passing->before + payload.duration;
	passing->last_us = now_us;
	if (duration > passing->duration)
		passing->duration = duration;
	if (payload.end) {
		passing->ended = true;
		report(passing, event);
	}
	/* The receiver may have ceased to take events since this began. */
	if (passing->displaced || entry->pt == MEDIA_MAP_NONE)
		return RELAY_DROP;
	*ts = passing->output_ts +
	      relay_segment(&payload, (uint64_t)duration * entry->tx_clock /
					      entry->rx_clock);
	dtmf_event_encode(&payload, p);
	return 0;
}
