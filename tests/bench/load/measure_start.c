/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/base/clock.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/measure.h"

enum { HEARD_LIMIT_MS = 10000, TURN_US = 1000, TALK_MS = 1000, STREAMS = 2 };

/* How far the streams were when the relay was killed. */
struct before {
	uint32_t highest[LOAD_MAX_CALLS][STREAMS];
	uint64_t rebased;
};

static void note(const struct load *load, struct before *before)
{
	for (unsigned i = 0; i < load->ncalls; i++)
		for (int end = 0; end < STREAMS; end++)
			before->highest[i][end] =
				load->calls[i]->streams[end].highest;
	before->rebased = load->verdict.rebased;
}

/* Calls that are heard both ways again. */
static unsigned heard(const struct load *load, const struct before *before)
{
	unsigned n = 0;

	for (unsigned i = 0; i < load->ncalls; i++) {
		const struct call *c = load->calls[i];

		n += c->stage == CALL_UP &&
		     c->streams[CALL_A].highest > before->highest[i][CALL_A] &&
		     c->streams[CALL_B].highest > before->highest[i][CALL_B];
	}
	return n;
}

/* From the new start until all @calls were heard, in milliseconds. */
static double until_heard(struct load *load, const struct before *before,
			  unsigned calls)
{
	uint64_t end_us = clock_us() + HEARD_LIMIT_MS * 1000;

	while (heard(load, before) < calls && clock_us() < end_us)
		load_turn(load, clock_us() + TURN_US);
	return (double)(clock_us() - load->started_us) / 1e3;
}

void measure_start(struct load *load, unsigned calls)
{
	static struct before before;
	struct usage usage;
	double ready_ms = (double)(load->ready_us - load->started_us) / 1e3;
	double again_ms = 0, heard_ms = 0;
	unsigned again = 0;

	process_usage(&load->process, &usage);
	if (calls && load->options.target->restart) {
		measure_reach(load, calls);
		/* rows of all of them are on the disk */
		load_run(load, clock_us() + TALK_MS * 1000);
		note(load, &before);
		load->options.target->restart(load);
		again_ms = (double)(load->ready_us - load->started_us) / 1e3;
		heard_ms = until_heard(load, &before, calls);
		load_run(load, clock_us() + TALK_MS * 1000);
		again = heard(load, &before);
	}
	printf("target=%s phase=start accounts=%u calls=%u rss_kib=%" PRIu64
	       " ready_ms=%.1f again_ms=%.1f heard_ms=%.1f heard=%u "
	       "rebased=%" PRIu64 "\n",
	       load->options.target->name, load->options.accounts, calls,
	       usage.rss_kib, ready_ms, again_ms, heard_ms, again,
	       load->verdict.rebased - before.rebased);
	fflush(stdout);
}
