/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The load generator: starts a relay on a processor of its own, puts calls
 * through it, checks every packet, and prints what it cost as one line of
 * key=value a step. tests/bench/run says in which order and how often.
 *
 *     load [-r] [-b binary] [-c core] [-d directory] [-g] [-s seconds]
 *          target media calls...
 *     load ... target setup calls_per_s...
 *
 * media   ever more calls, each number measured for some seconds; ends early
 *         after one that is not held. -r: they ring and are not answered.
 * setup   calls that come at a rate, speak for two seconds and end.
 * -g      AEAD_AES_128_GCM instead of AES_CM_128_HMAC_SHA1_80.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/load.h"

enum {
	SETTLE_MS = 1500, /* between the last set-up and measuring */
	DRAIN_MS = 250,
	SETUP_LIMIT_S = 120,
	TALK_MS = 2000, /* of a call of setup */
	FILES_MAX = 65536,
	PRIORITY = -20,
	/* A number of calls is held with less than this. */
	HELD_LOSS_PER_MILLE = 1,
	HELD_P99_US = 20000,
};

static void set_up(struct load *load, unsigned calls)
{
	uint64_t end_us = clock_us() + SETUP_LIMIT_S * UINT64_C(1000000);
	unsigned want = calls + load->nfailed;

	while (load->nup + load->nringing + load->nfailed < want) {
		while (load->ncalls < want && load->nsetting_up < LOAD_WINDOW)
			load_call(load);
		load_turn(load, clock_us() + 1000);
		if (clock_us() > end_us)
			DIE("load: %u calls take too long", calls);
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

static bool print_step(const struct load *load, const struct step *step)
{
	const struct verdict *v = &load->verdict;
	uint64_t lost = step->sent - v->delivered;
	uint64_t p99_us = delays_quantile(&v->delays, 0.99);
	double seconds = (double)(step->after.at_us - step->before.at_us) / 1e6;
	double cpu_us =
		(double)(step->after.cpu_ns - step->before.cpu_ns) / 1e3;
	double busy_us = (double)(step->after.busy_us - step->before.busy_us);

	printf("target=%s calls=%u failed=%u seconds=%.2f sent=%" PRIu64
	       " delivered=%" PRIu64 " lost=%" PRIu64 " corrupt=%" PRIu64
	       " reordered=%" PRIu64 " duplicated=%" PRIu64 " rebased=%" PRIu64
	       " unsent=%" PRIu64,
	       load->options.target->name, load->nup + load->nringing,
	       load->nfailed, seconds, step->sent, v->delivered, lost,
	       v->corrupt, v->reordered, v->duplicated, v->rebased, v->unsent);
	printf(" cpu_us=%.3f busy_us=%.3f cpu_share=%.4f busy_share=%.4f"
	       " p50_us=%" PRIu64 " p99_us=%" PRIu64 " p999_us=%" PRIu64
	       " late_p50_us=%" PRIu64 " late_p99_us=%" PRIu64
	       " rss_kib=%" PRIu64 "\n",
	       per_packet_us(load, cpu_us), per_packet_us(load, busy_us),
	       cpu_us / seconds / 1e6, busy_us / seconds / 1e6,
	       delays_quantile(&v->delays, 0.5), p99_us,
	       delays_quantile(&v->delays, 0.999),
	       delays_quantile(&load->late, 0.5),
	       delays_quantile(&load->late, 0.99), step->after.rss_kib);
	fflush(stdout);
	return lost * 1000 <= step->sent * HELD_LOSS_PER_MILLE &&
	       p99_us < HELD_P99_US;
}

static bool measure(struct load *load, unsigned calls, double seconds)
{
	struct step step;

	set_up(load, calls);
	load_run(load, clock_us() + SETTLE_MS * 1000);
	load_measure_begin(load);
	process_usage(&load->process, &step.before);
	load_run(load, clock_us() + (uint64_t)(seconds * 1e6));
	process_usage(&load->process, &step.after);
	step.sent = load_measure_end(load);
	load_run(load, clock_us() + DRAIN_MS * 1000);
	return print_step(load, &step) || load->options.ring;
}

/* Set-ups */

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

static void measure_setup(struct load *load, unsigned rate, double seconds)
{
	static struct times times;
	struct usage before, after;
	unsigned from = load->ncalls, failed = load->nfailed;
	uint64_t begin_us = clock_us();
	uint64_t end_us = begin_us + (uint64_t)(seconds * 1e6);

	memset(&times, 0, sizeof(times));
	memset(&load->late, 0, sizeof(load->late));
	process_usage(&load->process, &before);
	come(load, from, rate, begin_us, end_us);
	process_usage(&load->process, &after);
	unsigned in_time = heard(load, from), calls = load->ncalls - from;
	end_us = clock_us() + 5000000;
	while (clock_us() < end_us) {
		load_turn(load, end_us);
		end_old(load, from);
	}
	note(load, from, &times);
	printf("target=%s rate=%u seconds=%.2f calls=%u in_time=%u heard=%u "
	       "failed=%u cpu_share=%.4f busy_share=%.4f cpu_ms_per_call=%.3f"
	       " rss_kib=%" PRIu64,
	       load->options.target->name, rate, seconds, calls, in_time,
	       heard(load, from), load->nfailed - failed,
	       (double)(after.cpu_ns - before.cpu_ns) / 1e9 / seconds,
	       (double)(after.busy_us - before.busy_us) / 1e6 / seconds,
	       (double)(after.cpu_ns - before.cpu_ns) / 1e6 / calls,
	       after.rss_kib);
	print_times("propose", &times.propose);
	print_times("path", &times.path);
	print_times("media", &times.media);
	print_times("late", &load->late);
	printf("\n");
	fflush(stdout);
}

/* Options */

static const struct target_ops *target_find(const char *name)
{
	static const struct target_ops *const all[] = {
		&target_tandem, &target_rtpengine, &target_epoll, &target_batch
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	DIE("load: no target %s", name);
}

static double parse_options(struct load_options *options, int argc, char **argv)
{
	double seconds = 5;
	int option;

	*options = (struct load_options){ .dir = ".",
					  .core = 1,
					  .suite = SRTP_AES128_CM_SHA1_80 };
	while ((option = getopt(argc, argv, "b:c:d:grs:")) != -1) {
		if (option == 'b')
			options->binary = optarg;
		else if (option == 'c')
			options->core = (int)strtol(optarg, NULL, 10);
		else if (option == 'd')
			options->dir = optarg;
		else if (option == 'g')
			options->suite = SRTP_AEAD_AES_128_GCM;
		else if (option == 'r')
			options->ring = true;
		else if (option == 's')
			seconds = strtod(optarg, NULL);
		else
			exit(2);
	}
	if (argc - optind < 3 || seconds <= 0)
		DIE("usage: load [options] target media|setup number...");
	options->target = target_find(argv[optind]);
	return seconds;
}

/*
 * Others may use the machine: generator and relay go before them, in their own
 * session (sched(7), autogroup). It needs privileges, and does without.
 */
static void go_first(void)
{
	FILE *f = getsid(0) == getpid() ? fopen("/proc/self/autogroup", "we")
					: NULL;

	(void)setpriority(PRIO_PROCESS, 0, PRIORITY);
	if (!f)
		return;
	fprintf(f, "%d", PRIORITY);
	fclose(f);
}

int main(int argc, char **argv)
{
	static struct load load;
	struct rlimit files = { FILES_MAX, FILES_MAX };
	struct load_options options;
	double seconds = parse_options(&options, argc, argv);
	bool setup = !strcmp(argv[optind + 1], "setup"), held = true;

	setrlimit(RLIMIT_NOFILE, &files);
	go_first();
	log_set_level((enum log_level)0);
	load_open(&load, &options);
	for (int i = optind + 2; i < argc && held; i++) {
		unsigned n = (unsigned)strtoul(argv[i], NULL, 10);

		if (setup && n)
			measure_setup(&load, n, seconds);
		else if (!setup)
			held = measure(&load, n, seconds);
	}
	load_close(&load);
	return 0;
}
