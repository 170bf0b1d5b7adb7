/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/stream.h"

#include <string.h>

#include "gateway/base/rand.h"

enum {
	RTP_LEN = 12,
	WORDS = (STREAM_PACKET_LEN - RTP_LEN) / 8,
	WORD_NAME = 0, /* and the number */
	WORD_TIME = 1,
	WORD_PATTERN = 2,
	WINDOW = 64,
};

void delays_add(struct delays *delays, uint64_t us)
{
	uint64_t step = us / DELAY_STEP_US;

	delays->steps[step < DELAY_STEPS ? step : DELAY_STEPS - 1]++;
	delays->n++;
}

uint64_t delays_quantile(const struct delays *delays, double share)
{
	double rank = share * (double)delays->n, seen = 0;

	for (unsigned i = 0; delays->n && i < DELAY_STEPS; i++) {
		seen += delays->steps[i];
		if (seen >= rank)
			return (uint64_t)i * DELAY_STEP_US;
	}
	return 0;
}

void stream_init(struct stream *stream, uint32_t name)
{
	*stream = (struct stream){ .name = name, .ssrc = rand_u32() };
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* A linear congruential generator with the packet's name as its seed. */
static uint64_t pattern(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) +
		 UINT64_C(1442695040888963407);
	return *state;
}

static void fill(uint64_t words[WORDS], uint32_t name, uint32_t number,
		 uint64_t sent_ns)
{
	uint64_t state = (uint64_t)name << 32 | number;

	words[WORD_NAME] = state;
	words[WORD_TIME] = sent_ns;
	state ^= sent_ns;
	for (int i = WORD_PATTERN; i < WORDS; i++)
		words[i] = pattern(&state);
}

void stream_write(struct stream *stream, uint8_t p[static STREAM_PACKET_LEN],
		  uint64_t sent_ns)
{
	uint64_t words[WORDS];
	uint32_t number = stream->next++;

	fill(words, stream->name, number, sent_ns);
	p[0] = 0x80;
	p[1] = 0; /* PCMU */
	put16(p + 2, (uint16_t)number);
	put32(p + 4, number * STREAM_SAMPLES);
	put32(p + 8, stream->ssrc);
	memcpy(p + RTP_LEN, words, sizeof(words));
}

/* The RTP header must number as the packets are numbered. */
static void check_header(struct stream *stream, const uint8_t *p,
			 uint32_t number, struct verdict *verdict)
{
	uint16_t seq = (uint16_t)(get16(p + 2) - number);
	uint32_t ts = get32(p + 4) - number * STREAM_SAMPLES;
	uint32_t ssrc = get32(p + 8);

	if (stream->heard && seq == stream->rx_seq && ts == stream->rx_ts &&
	    ssrc == stream->rx_ssrc)
		return;
	if (stream->heard)
		verdict->rebased++;
	stream->rx_seq = seq;
	stream->rx_ts = ts;
	stream->rx_ssrc = ssrc;
}

/* Whether it is new; in order or not is counted. */
static bool place(struct stream *stream, uint32_t number,
		  struct verdict *verdict)
{
	if (!stream->heard) {
		stream->heard = true;
		stream->highest = number;
		stream->window = 1;
		return true;
	}
	if (number > stream->highest) {
		uint32_t ahead = number - stream->highest;
		stream->window =
			ahead < WINDOW ? stream->window << ahead | 1 : 1;
		stream->highest = number;
		return true;
	}
	uint32_t behind = stream->highest - number;
	uint64_t bit = behind < WINDOW ? UINT64_C(1) << behind : 0;
	if (stream->window & bit) {
		verdict->duplicated++;
		return false;
	}
	stream->window |= bit;
	verdict->reordered++;
	return true;
}

void stream_read(struct stream *stream, const uint8_t *p, size_t n,
		 uint64_t at_ns, struct verdict *verdict)
{
	uint64_t words[WORDS], due[WORDS];

	if (n != STREAM_PACKET_LEN || p[0] != 0x80 || (p[1] & 0x7f)) {
		verdict->corrupt++;
		return;
	}
	memcpy(words, p + RTP_LEN, sizeof(words));
	uint32_t number = (uint32_t)words[WORD_NAME];
	uint64_t sent_ns = words[WORD_TIME];
	fill(due, stream->name, number, sent_ns);
	if (memcmp(words, due, sizeof(due)) != 0 || number >= stream->next) {
		verdict->corrupt++;
		return;
	}
	check_header(stream, p, number, verdict);
	if (!place(stream, number, verdict))
		return;
	if (number < stream->first || number >= stream->last)
		return;
	stream->got++;
	verdict->delivered++;
	delays_add(&verdict->delays,
		   at_ns > sent_ns ? (at_ns - sent_ns) / 1000 : 0);
}
