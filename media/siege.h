/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whether a worker's shared port is flooded by strangers, and how many of their
 * checks and handshakes it can bear. Plain values; the time and what was
 * counted are given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	SIEGE_LOOK_MS = 250,
	SIEGE_FROM = 5000,    /* strangers' packets a second: a flood; */
	SIEGE_TO = 2500,      /* less than that */
	SIEGE_CALM_MS = 5000, /* for so long: it is over */
	/* Of their checks and handshakes so many a second are looked at: some
	 * hundredths of a processor. */
	SIEGE_BEARS = 10000,
};

/* Its fields but the first two are private; all zero at first. */
struct siege {
	bool flooded;
	uint32_t share; /* of SIEVE_ALL, while flooded */
	uint64_t looked_ms, calm_ms;
	uint64_t dropped, foreign; /* at the last look */
};

/* When siege_look() has something to say again. */
bool siege_is_due(const struct siege *siege, uint64_t now_ms);
/*
 * Look, when it is due: the kernel has dropped @dropped packets so far, and
 * @foreign that it let through were of no call. Whether another filter is
 * wanted.
 */
bool siege_look(struct siege *siege, uint64_t now_ms, uint64_t dropped,
		uint64_t foreign);
