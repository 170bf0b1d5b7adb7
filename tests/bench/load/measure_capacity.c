/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The most calls that a relay holds, to three in a hundred, and what delay they
 * have at shares of that.
 */
#include <stdio.h>

#include "gateway/base/clock.h"
#include "tests/bench/load/measure.h"

enum {
	MOST = 2500,
	STEP_PERCENT = 15,
	FINE_PERCENT = 3,
	FINE_MIN = 10,
	PROBES = 6,
	RECOVER_MS = 2000, /* after more calls than are held */
};

struct range {
	unsigned held, failed; /* 0: unknown */
	bool limited;          /* @failed may be the generator's fault */
};

static void probe(struct load *load, struct range *range, unsigned calls,
		  double seconds)
{
	const struct measure_name name = { .phase = "search" };
	enum measure_verdict verdict =
		measure_media(load, &name, calls, seconds);

	if (verdict == MEASURE_HELD)
		range->held = calls;
	else
		range->failed = calls;
	if (verdict != MEASURE_HELD)
		range->limited = verdict == MEASURE_LIMITED;
}

static bool is_fine(const struct range *range)
{
	unsigned fine = range->held * FINE_PERCENT / 100;

	return range->failed - range->held <=
	       (fine < FINE_MIN ? FINE_MIN : fine);
}

static void search(struct load *load, struct range *range, double seconds)
{
	while (!range->failed && range->held < MOST)
		probe(load, range,
		      range->held + range->held * STEP_PERCENT / 100 + 1,
		      seconds);
	/* Between what is held and what the generator cannot do is nothing to
	 * be found. */
	for (int i = 0;
	     i < PROBES && range->failed && !range->limited && !is_fine(range);
	     i++)
		probe(load, range, (range->held + range->failed) / 2, seconds);
}

void measure_capacity(struct load *load, unsigned held, unsigned failed,
		      double seconds)
{
	static const double shares[] = { 0.9, 0.5, 0.1 };
	struct range range = { .held = held, .failed = failed };

	search(load, &range, seconds);
	printf("target=%s phase=capacity calls=%u limited=%d\n",
	       load->options.target->name, range.held,
	       range.limited || !range.failed);
	measure_reach(load, (unsigned)(range.held * shares[0]));
	load_run(load, clock_us() + RECOVER_MS * 1000);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		const struct measure_name name = { "delay", shares[i] };
		unsigned calls = (unsigned)(range.held * shares[i]);

		measure_media(load, &name, calls ? calls : 1, seconds);
	}
}
