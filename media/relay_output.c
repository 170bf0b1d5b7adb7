/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The output of a relay; see the header. */
#include "media/relay_output.h"

/* Ticks after which scaling begins anew, before 32 bits are full. */
enum { REBASE_TICKS = 1 << 24 };

static uint64_t ticks_of(uint64_t us, uint32_t clock)
{
	return us / 1000000 * clock + us % 1000000 * clock / 1000000;
}

void relay_output_base(struct relay_output *output, uint32_t ext)
{
	output->seq_offset = (uint16_t)(output->seq + 1 - ext);
	output->from = ext;
	output->based = false;
	output->fresh = true;
}

void relay_output_skip(struct relay_output *output, uint32_t ext, bool newest)
{
	/* A repetition of what was sent or kept back changes nothing. */
	if (!newest || (int32_t)(ext - output->from) < 0 ||
	    (int16_t)(uint16_t)(ext + output->seq_offset - output->seq) <= 0)
		return;
	output->seq_offset--;
	output->from = ext + 1;
}

uint16_t relay_output_own(struct relay_output *output, uint32_t next)
{
	output->seq++;
	output->seq_offset = (uint16_t)(output->seq + 1 - next);
	output->from = next;
	output->sent = true;
	return output->seq;
}

uint32_t relay_output_now(const struct relay_output *output, uint32_t clock,
			  uint64_t now_us)
{
	if (!output->sent)
		return output->ts;
	uint64_t ticks = ticks_of(now_us - output->ts_us, clock);
	uint32_t step = output->clock == clock ? output->step : 0;

	return output->ts + (uint32_t)(ticks > step ? ticks : step);
}

uint32_t relay_output_ts(const struct relay_output *output, uint32_t ts)
{
	int64_t ticks = (int32_t)(ts - output->source_ts);

	if (output->source_clock != output->clock)
		ticks = ticks * output->clock / output->source_clock;
	return output->output_ts + (uint32_t)ticks;
}

static void anchor(struct relay_output *output, uint32_t ts, uint32_t at)
{
	output->source_ts = ts;
	output->output_ts = at;
	output->based = true;
}

static void newest_audio(struct relay_output *output, uint32_t ts, uint32_t at,
			 uint64_t now_us)
{
	uint32_t step = at - output->ts;

	/* The shortest, and only from audio to audio: losses, pauses and
	 * digits between make it longer. */
	if (output->sent && step && output->after_audio &&
	    step <= output->clock / 1000 * RELAY_MAX_STEP_MS &&
	    (!output->step || step < output->step))
		output->step = step;
	output->audio_ts = ts;
	output->audio_us = now_us;
	relay_output_set(output, at, now_us);
	output->after_audio = true;
}

uint32_t relay_output_audio(struct relay_output *output, uint32_t ts,
			    uint32_t source_clock, uint32_t clock, bool newest,
			    uint64_t now_us)
{
	bool same = output->based && output->source_clock == source_clock &&
		    output->clock == clock;
	uint32_t at = same ? relay_output_ts(output, ts) : 0;

	/* The source's own clock may lead back past what we put in. */
	if (!same ||
	    (newest && output->sent && (int32_t)(at - output->ts) < 0)) {
		at = relay_output_now(output, clock, now_us);
		anchor(output, ts, at);
		output->after_audio = false; /* no step can be seen */
		if (!same)
			output->step = 0;
	} else if (ts - output->source_ts > REBASE_TICKS && newest) {
		anchor(output, ts, at);
	}
	output->source_clock = source_clock;
	output->clock = clock;
	if (newest)
		newest_audio(output, ts, at, now_us);
	return at;
}

void relay_output_set(struct relay_output *output, uint32_t ts, uint64_t now_us)
{
	output->ts = ts;
	output->ts_us = now_us;
	output->sent = true;
	output->after_audio = false;
}

uint16_t relay_output_seq(struct relay_output *output, uint32_t ext)
{
	uint16_t seq = (uint16_t)(ext + output->seq_offset);

	if ((int16_t)(seq - output->seq) > 0)
		output->seq = seq;
	return seq;
}
