/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "tests/bench/load/measure.h"

enum {
	TALK_MS = 2000,
	AFTER_MS = 5000,
	CALLS_MIN = 200, /* or a quantile of 99 % says nothing */
};

struct times {
	struct delays propose, answer, path, media;
};

static void note(const struct load *load, unsigned from, struct times *times)
{
	for (unsigned i = from; i < load->ncalls; i++) {
		const struct call *c = load->calls[i];
		if (!c->heard_us)
			continue;
		delays_add(&times->propose, c->proposed_us - c->began_us);
		delays_add(&times->path, c->up_us - c->proceeded_us);
		delays_add(&times->media, c->heard_us - c->proceeded_us);
	}
}

static void print_times(const char *name, const struct delays *delays)
{
	printf(" %s_p50_us=%" PRIu64 " %s_p99_us=%" PRIu64, name,
	       delays_quantile(delays, 0.5), name,
	       delays_quantile(delays, 0.99));
}

static void end_old(const struct load *load, unsigned from)
{
	uint64_t now_us = clock_us();

	for (unsigned i = from; i < load->ncalls; i++)
		if (load->calls[i]->stage == CALL_FAILED ||
		    (load->calls[i]->stage == CALL_UP &&
		     now_us - load->calls[i]->up_us > TALK_MS * 1000))
			load_hang_up(load->calls[i]);
}

static unsigned heard(const struct load *load, unsigned from)
{
	unsigned n = 0;

	for (unsigned i = from; i < load->ncalls; i++)
		n += load->calls[i]->heard_us != 0;
	return n;
}

static bool live(const struct load *load, unsigned from)
{
	for (unsigned i = from; i < load->ncalls; i++)
		if (load->calls[i]->stage < CALL_FAILED)
			return true;
	return false;
}

static void come(struct load *load, unsigned from, unsigned rate,
		 uint64_t begin_us, uint64_t end_us)
{
	while (clock_us() < end_us) {
		uint64_t due_us = begin_us + (uint64_t)(load->ncalls - from) *
						     1000000 / rate;

		if (clock_us() >= due_us)
			load_call(load);
		load_turn(load, due_us);
		end_old(load, from);
	}
}

void measure_setup(struct load *load, unsigned rate, double seconds)
{
	static struct times times;
	struct usage before, after;
	unsigned from = load->ncalls, failed = load->nfailed;
	uint64_t begin_us = clock_us();

	if (seconds * rate < CALLS_MIN)
		seconds = (double)CALLS_MIN / rate;
	uint64_t end_us = begin_us + (uint64_t)(seconds * 1e6);

	memset(&times, 0, sizeof(times));
	memset(&load->late, 0, sizeof(load->late));
	process_usage(&load->process, &before);
	come(load, from, rate, begin_us, end_us);
	process_usage(&load->process, &after);
	unsigned in_time = heard(load, from), calls = load->ncalls - from;
	end_us = clock_us() + AFTER_MS * 1000;
	while (clock_us() < end_us && live(load, from)) {
		load_turn(load, end_us);
		end_old(load, from);
	}
	note(load, from, &times);
	printf("target=%s phase=setup rate=%u seconds=%.2f calls=%u in_time=%u "
	       "heard=%u failed=%u cpu_share=%.4f busy_share=%.4f "
	       "load_share=%.4f cpu_ms_per_call=%.3f rss_kib=%" PRIu64,
	       load->options.target->name, rate, seconds, calls, in_time,
	       heard(load, from), load->nfailed - failed,
	       (double)(after.cpu_ns - before.cpu_ns) / 1e9 / seconds,
	       (double)(after.busy_us - before.busy_us) / 1e6 / seconds,
	       (double)(after.own_us - before.own_us) / 1e6 / seconds,
	       (double)(after.cpu_ns - before.cpu_ns) / 1e6 / calls,
	       after.rss_kib);
	print_times("propose", &times.propose);
	print_times("path", &times.path);
	print_times("media", &times.media);
	print_times("late", &load->late);
	printf("\n");
	fflush(stdout);
}
