/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/tone.h"

#include <math.h>

enum {
	ULAW_BIAS = 0x84,
	CLIP = 32635,
	SEGMENT_BITS = 4, /* of the mantissa */
	MANTISSA = 0xf,
	SIGN = 0x80,
	ALAW_TOGGLE = 0x55,
	ALAW_LINEAR = 256, /* below, its first segment */
};

/* The rms of 0 dBm0 in samples of 16 bits: a sine of 32124 has 3.17. */
static const double RMS_0_DBM0 = 15770;
static const double DB_OF_TEN = 20; /* of an amplitude */

/* Which power of two from 2^8 on @magnitude reaches. */
static int segment_of(int magnitude)
{
	int segment = 0;

	while (segment < 7 && magnitude >= ALAW_LINEAR << segment)
		segment++;
	return segment;
}

static uint8_t encode_ulaw(int sample)
{
	int sign = sample < 0 ? SIGN : 0;
	int magnitude = (sample < 0 ? -sample : sample) + ULAW_BIAS;
	int segment = segment_of(magnitude);
	int mantissa = magnitude >> (segment + 3) & MANTISSA;

	return (uint8_t) ~(sign | segment << SEGMENT_BITS | mantissa);
}

static uint8_t encode_alaw(int sample)
{
	int sign = sample < 0 ? 0 : SIGN;
	int magnitude = sample < 0 ? -sample - 1 : sample;
	int segment = segment_of(magnitude);
	int mantissa = magnitude >> (segment ? segment + 3 : 4) & MANTISSA;

	return (uint8_t)((sign | segment << SEGMENT_BITS | mantissa) ^
			 ALAW_TOGGLE);
}

uint8_t tone_encode(enum tone_law law, int sample)
{
	if (sample > CLIP)
		sample = CLIP;
	if (sample < -CLIP)
		sample = -CLIP;
	return law == TONE_PCMA ? encode_alaw(sample) : encode_ulaw(sample);
}

static int decode_ulaw(uint8_t octet)
{
	int u = ~octet & 0xff;
	int magnitude = ((u & MANTISSA) << 3) + ULAW_BIAS;

	magnitude <<= u >> SEGMENT_BITS & 7;
	return u & SIGN ? ULAW_BIAS - magnitude : magnitude - ULAW_BIAS;
}

static int decode_alaw(uint8_t octet)
{
	int a = octet ^ ALAW_TOGGLE, segment = a >> SEGMENT_BITS & 7;
	int magnitude = (a & MANTISSA) << 4;

	magnitude += segment ? 0x108 : 8;
	if (segment > 1)
		magnitude <<= segment - 1;
	return a & SIGN ? magnitude : -magnitude;
}

int tone_decode(enum tone_law law, uint8_t octet)
{
	return law == TONE_PCMA ? decode_alaw(octet) : decode_ulaw(octet);
}

void tone_make(enum tone_law law, double hz, double *phase,
	       uint8_t out[static TONE_BLOCK])
{
	const double peak =
		sqrt(2) * RMS_0_DBM0 * pow(10, TONE_LEVEL_DBM0 / DB_OF_TEN);

	for (int i = 0; i < TONE_BLOCK; i++) {
		double sample = hz > 0 ? peak * sin(*phase) : 0;

		out[i] = tone_encode(law, (int)lround(sample));
		*phase = fmod(*phase + 2 * M_PI * hz / TONE_RATE, 2 * M_PI);
	}
}

void tone_hear(enum tone_law law, const uint8_t in[static TONE_BLOCK],
	       struct tone_block *out)
{
	out->energy = 0;
	for (int i = 0; i < TONE_BLOCK; i++) {
		out->samples[i] = tone_decode(law, in[i]);
		out->energy += out->samples[i] * out->samples[i];
	}
	double rms = sqrt(out->energy / TONE_BLOCK);
	out->level_dbm0 = DB_OF_TEN * log10((rms > 1 ? rms : 1) / RMS_0_DBM0);
}

double tone_share(const struct tone_block *block, double hz)
{
	double c = 2 * cos(2 * M_PI * hz / TONE_RATE), a = 0, b = 0;

	for (int i = 0; i < TONE_BLOCK; i++) {
		double next = block->samples[i] + c * a - b;

		b = a;
		a = next;
	}
	double power = a * a + b * b - c * a * b;
	return block->energy > 0 ? 2 * power / (TONE_BLOCK * block->energy) : 0;
}
