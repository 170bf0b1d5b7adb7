/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "tests/bench/load/die.h"

enum {
	SETTLE_MS = 700, /* between the last set-up and measuring */
	DRAIN_MS = 250,
	REACH_LIMIT_S = 120,
	FAILED_MIN = 8, /* so many may, and a tenth of the calls */
};

static unsigned here(const struct load *load)
{
	return load->nup + load->nringing;
}

static void end_some(struct load *load, unsigned calls)
{
	for (unsigned i = load->ncalls; i-- > 0 && here(load) > calls;)
		if (load->calls[i]->stage == CALL_UP)
			load_hang_up(load->calls[i]);
}

void measure_reach(struct load *load, unsigned calls)
{
	uint64_t end_us = clock_us() + REACH_LIMIT_S * UINT64_C(1000000);
	unsigned failed = load->nfailed + FAILED_MIN + calls / 10;

	end_some(load, calls);
	while (here(load) < calls) {
		while (here(load) + load->nsetting_up < calls &&
		       load->nsetting_up < LOAD_WINDOW)
			load_call(load);
		load_turn(load, clock_us() + 1000);
		if (clock_us() > end_us || load->nfailed > failed)
			DIE("load: %u calls cannot be set up", calls);
	}
}

struct step {
	struct usage before, after;
	uint64_t sent;
};

static double per_packet_us(const struct load *load, double us)
{
	return load->verdict.delivered ? us / (double)load->verdict.delivered
				       : 0;
}

static void print_packets(const struct load *load, const struct step *step,
			  double seconds)
{
	const struct verdict *v = &load->verdict;

	printf("calls=%u failed=%u seconds=%.2f sent=%" PRIu64
	       " delivered=%" PRIu64 " lost=%" PRIu64 " corrupt=%" PRIu64
	       " reordered=%" PRIu64 " duplicated=%" PRIu64 " rebased=%" PRIu64
	       " unsent=%" PRIu64,
	       here(load), load->nfailed, seconds, step->sent, v->delivered,
	       step->sent - v->delivered, v->corrupt, v->reordered,
	       v->duplicated, v->rebased, v->unsent);
}

static void print_delays(const char *name, const struct delays *delays)
{
	printf(" %sp50_us=%" PRIu64 " %sp99_us=%" PRIu64 " %sp999_us=%" PRIu64,
	       name, delays_quantile(delays, 0.5), name,
	       delays_quantile(delays, 0.99), name,
	       delays_quantile(delays, 0.999));
}

static void print_costs(const struct load *load, const struct step *step,
			double seconds)
{
	const struct usage *a = &step->before, *b = &step->after;
	double cpu_us = (double)(b->cpu_ns - a->cpu_ns) / 1e3;
	double busy_us = (double)(b->busy_us - a->busy_us);

	printf(" cpu_us=%.3f busy_us=%.3f cpu_share=%.4f busy_share=%.4f"
	       " load_share=%.4f rss_kib=%" PRIu64,
	       per_packet_us(load, cpu_us), per_packet_us(load, busy_us),
	       cpu_us / seconds / 1e6, busy_us / seconds / 1e6,
	       (double)(b->own_us - a->own_us) / seconds / 1e6, b->rss_kib);
}

static enum measure_verdict judge(const struct load *load,
				  const struct step *step, double seconds)
{
	const struct verdict *v = &load->verdict;
	uint64_t own_us = step->after.own_us - step->before.own_us;
	uint64_t lost = step->sent - v->delivered;

	if (lost * 1000 <= step->sent * MEASURE_LOST_PER_MILLE &&
	    delays_quantile(&v->delays, 0.99) < MEASURE_P99_US)
		return MEASURE_HELD;
	if (delays_quantile(&load->late, 0.99) > MEASURE_LATE_P99_US ||
	    (double)own_us / seconds > MEASURE_LOAD_PERCENT * 1e4)
		return MEASURE_LIMITED;
	return MEASURE_LOST;
}

enum measure_verdict measure_media(struct load *load,
				   const struct measure_name *name,
				   unsigned calls, double seconds)
{
	struct step step;

	measure_reach(load, calls);
	load_run(load, clock_us() + SETTLE_MS * 1000);
	load_measure_begin(load);
	process_usage(&load->process, &step.before);
	load_run(load, clock_us() + (uint64_t)(seconds * 1e6));
	process_usage(&load->process, &step.after);
	step.sent = load_measure_end(load);
	load_run(load, clock_us() + DRAIN_MS * 1000);

	seconds = (double)(step.after.at_us - step.before.at_us) / 1e6;
	enum measure_verdict verdict = judge(load, &step, seconds);
	printf("target=%s phase=%s share=%.2f held=%d limited=%d ",
	       load->options.target->name, name->phase, name->share,
	       verdict == MEASURE_HELD, verdict == MEASURE_LIMITED);
	print_packets(load, &step, seconds);
	print_costs(load, &step, seconds);
	print_delays("", &load->verdict.delays);
	print_delays("late_", &load->late);
	printf("\n");
	fflush(stdout);
	return verdict;
}

void measure_memory(struct load *load, unsigned calls)
{
	struct usage before, after;
	unsigned were = here(load);

	process_usage(&load->process, &before);
	measure_reach(load, calls);
	process_usage(&load->process, &after);
	double cpu_ms = (double)(after.cpu_ns - before.cpu_ns) / 1e6;
	unsigned more = here(load) - were;
	load_run(load, clock_us() + SETTLE_MS * 1000);
	process_usage(&load->process, &after);
	printf("target=%s phase=memory calls=%u failed=%u ringing=%d "
	       "rss_kib=%" PRIu64 " cpu_ms_per_call=%.3f\n",
	       load->options.target->name, here(load), load->nfailed,
	       load->options.ring, after.rss_kib, more ? cpu_ms / more : 0);
	fflush(stdout);
}
