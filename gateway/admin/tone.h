/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Tones in G.711 (ITU-T), for test calls: made, and found again in what is
 * heard. Levels are in dBm0, where a full sine has 3.17.
 */
#pragma once

#include <stdint.h>

enum { TONE_RATE = 8000, TONE_BLOCK = 160 /* samples, and octets: 20 ms */ };

/* By their payload types (RFC 3551). */
enum tone_law { TONE_PCMU = 0, TONE_PCMA = 8 };

uint8_t tone_encode(enum tone_law law, int sample); /* of 16 bits */
int tone_decode(enum tone_law law, uint8_t octet);

/* The next block of a sine of @hz (0: silence) that begins at *@phase, in
 * radians, and where it goes on. */
void tone_make(enum tone_law law, double hz, double *phase,
	       uint8_t out[static TONE_BLOCK]);

/* What a block is. */
struct tone_block {
	double level_dbm0; /* TONE_SILENCE_DBM0 and less: nothing to be heard */
	double energy;
	double samples[TONE_BLOCK];
};
#define TONE_LEVEL_DBM0   (-10.0)
#define TONE_SILENCE_DBM0 (-50.0)
void tone_hear(enum tone_law law, const uint8_t in[static TONE_BLOCK],
	       struct tone_block *out);
/* How much of it is a sine of @hz, from 0 to 1 (Goertzel). */
double tone_share(const struct tone_block *block, double hz);
