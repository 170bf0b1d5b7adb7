/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a number of calls costs and how well they are served: one step, printed
 * as one line of key=value.
 */
#pragma once

#include <stdbool.h>

#include "tests/bench/load/load.h"

enum {
	/* A number of calls is held with less than this. */
	MEASURE_LOST_PER_MILLE = 1,
	MEASURE_P99_US = 20000,
	/* Beyond these the generator is what was measured. */
	MEASURE_LATE_P99_US = 5000,
	MEASURE_LOAD_PERCENT = 97,
};

enum measure_verdict {
	MEASURE_HELD,
	MEASURE_LOST,
	MEASURE_LIMITED, /* not held, but it may be the generator's fault */
};

/* Which step it is of. */
struct measure_name {
	const char *phase;
	double share; /* of the calls held; 0: not that */
};

/* Bring the calls that are up (or ring) to @calls, also by ending some. */
void measure_reach(struct load *load, unsigned calls);

enum measure_verdict measure_media(struct load *load,
				   const struct measure_name *name,
				   unsigned calls, double seconds);

/* The memory with @calls, of which none is judged, and the CPU time of those
 * that are new. */
void measure_memory(struct load *load, unsigned calls);

/*
 * The most calls that are held, between @held, which were, and @failed, which
 * were not (0: unknown). Then the delay at shares of them.
 */
void measure_capacity(struct load *load, unsigned held, unsigned failed,
		      double seconds);

/* Calls that come at @rate a second, speak for two seconds and end. */
void measure_setup(struct load *load, unsigned rate, double seconds);

/*
 * @calls measured @pairs times without and with strangers who send @rate
 * packets a second to the clients' port; after each what a listener would say
 * of them (gateway/watch/mos.h).
 */
void measure_flood(struct load *load, unsigned calls, unsigned rate,
		   unsigned pairs, double seconds);

/* Two starts: with the accounts there are, and after a SIGKILL with @calls. */
void measure_start(struct load *load, unsigned calls);
