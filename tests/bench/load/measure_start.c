/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/base/clock.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/measure.h"

enum { TOLD_LIMIT_MS = 30000, TURN_US = 1000 };

/* Whoever talked is told that the call is over; in milliseconds. */
static double until_told(struct load *load)
{
	uint64_t end_us = clock_us() + TOLD_LIMIT_MS * 1000;

	while (load->nup && clock_us() < end_us)
		load_turn(load, clock_us() + TURN_US);
	return (double)(clock_us() - load->started_us) / 1e3;
}

void measure_start(struct load *load, unsigned calls)
{
	struct usage usage;
	double ready_ms = (double)(load->ready_us - load->started_us) / 1e3;
	double again_ms = 0, told_ms = 0;
	unsigned left = 0;

	process_usage(&load->process, &usage);
	if (calls && load->options.target->restart) {
		measure_reach(load, calls);
		/* rows of all of them are on the disk */
		load_run(load, clock_us() + TURN_US * 1000);
		load->ending = true;
		load->options.target->restart(load);
		again_ms = (double)(load->ready_us - load->started_us) / 1e3;
		told_ms = until_told(load);
		left = load->nup;
	}
	printf("target=%s phase=start accounts=%u calls=%u rss_kib=%" PRIu64
	       " ready_ms=%.1f again_ms=%.1f told_ms=%.1f left=%u\n",
	       load->options.target->name, load->options.accounts, calls,
	       usage.rss_kib, ready_ms, again_ms, told_ms, left);
	fflush(stdout);
}
