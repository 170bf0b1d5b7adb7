/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An estimate of how good speech sounds: the E-model of ITU-T G.107 with its
 * default values, reduced to what a relay can know (loss, delay, codec; G.113,
 * Appendix I), as a mean opinion score from 1 to 4.4. It knows nothing of
 * echo, noise, or of the other half of the way to the listener, and takes
 * losses for random. Good for comparing calls, not for promising quality.
 */
#pragma once

struct mos_path {
	double loss;       /* share of packets, 0 to 1 */
	double delay_ms;   /* of the network, one way */
	double jitter_ms;  /* RFC 3550; a receiver buffers twice that */
	const char *codec; /* "PCMU/8000", or its name alone; NULL unknown */
};

double mos_estimate(const struct mos_path *path);
