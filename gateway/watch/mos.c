/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/mos.h"

#include <stddef.h>

#include "gateway/base/slice.h"

/* G.107, 3: R without delay, loss and codec, from all default values. */
static const double R_BEST = 93.2;
/* What an encoder and a jitter buffer wait for at least: a packet. */
static const double PACKET_MS = 20;

/*
 * Equipment impairment and robustness to loss (G.113, Appendix I). G.722 and
 * Opus have none on this scale, which ends with telephone bandwidth: they are
 * taken to be no worse than G.711 with concealment.
 */
static const struct {
	const char *codec;
	double ie, bpl;
} codecs[] = {
	{ "PCMU", 0, 25.1 }, { "PCMA", 0, 25.1 }, { "G722", 0, 25.1 },
	{ "opus", 0, 25.1 }, { "G729", 11, 19 },  { "GSM", 20, 10 },
	{ NULL, 5, 10 }, /* any other */
};

static double impairment(const char *codec, double loss)
{
	struct slice rest = slice_of(codec), name = slice_cut(&rest, '/');
	double percent = loss * 100;
	size_t i = 0;

	while (codecs[i].codec && !slice_is_nocase(name, codecs[i].codec))
		i++;
	/* G.107, 3.5: Ie-eff, with BurstR 1. */
	return codecs[i].ie +
	       (95 - codecs[i].ie) * percent / (percent + codecs[i].bpl);
}

/* Delay impairment as its usual approximation: Cole and Rosenbluth, 2001. */
static double delay_impairment(double ms)
{
	static const double KNEE_MS = 177.3;

	return 0.024 * ms + (ms > KNEE_MS ? 0.11 * (ms - KNEE_MS) : 0);
}

/* G.107, Annex B. */
static double score(double r)
{
	if (r <= 0)
		return 1;
	if (r >= 100)
		return 4.5;
	double mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
	return mos < 1 ? 1 : mos;
}

double mos_estimate(const struct mos_path *path)
{
	double ms = PACKET_MS + path->delay_ms + 2 * path->jitter_ms;

	return score(R_BEST - delay_impairment(ms) -
		     impairment(path->codec, path->loss));
}
