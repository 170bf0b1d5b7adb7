/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/base/clock.h"
#include "gateway/watch/mos.h"
#include "tests/bench/load/flood.h"
#include "tests/bench/load/measure.h"

enum { BEGIN_MS = 500 }; /* a flood has come to its height */

static double opinion(const struct verdict *v)
{
	double p50_ms = (double)delays_quantile(&v->delays, 0.5) / 1e3;
	double p99_ms = (double)delays_quantile(&v->delays, 0.99) / 1e3;
	const struct mos_path path = {
		.loss = v->sent ? 1.0 - (double)v->delivered / (double)v->sent
				: 0,
		.delay_ms = p50_ms,
		.jitter_ms = (p99_ms - p50_ms) / 2,
		.codec = "PCMU/8000",
	};

	return mos_estimate(&path);
}

static void measure_once(struct load *load, unsigned calls, unsigned rate,
			 double seconds)
{
	const struct measure_name name = { .phase = rate ? "flood" : "calm" };
	struct flood *flood = NULL;
	uint64_t began_us, sent = 0;

	measure_reach(load, calls);
	began_us = clock_us();
	if (rate) {
		flood = flood_start(load->options.target->shared_port(load),
				    rate);
		load_run(load, clock_us() + BEGIN_MS * 1000);
	}
	(void)measure_media(load, &name, calls, seconds);
	if (flood)
		sent = flood_stop(flood);
	double took = (double)(clock_us() - began_us) / 1e6;
	printf("phase=opinion flooded=%d strangers=%.0f mos=%.3f loss=%.5f\n",
	       rate != 0, (double)sent / took, opinion(&load->verdict),
	       1.0 - (double)load->verdict.delivered /
			       (double)load->verdict.sent);
	fflush(stdout);
}

void measure_flood(struct load *load, unsigned calls, unsigned rate,
		   unsigned pairs, double seconds)
{
	for (unsigned i = 0; i < pairs; i++) {
		measure_once(load, calls, 0, seconds);
		measure_once(load, calls, rate, seconds);
	}
}
