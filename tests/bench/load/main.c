/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The load generator: starts a relay on a processor of its own, puts calls
 * through it, checks every packet, and prints what it cost as lines of
 * key=value. tests/bench/run says in which order and how often.
 *
 *     load [-grtv] [-a accounts] [-b binary] [-c core] [-d directory]
 *          [-s seconds] target mode number...
 *
 * media    ever more calls, each number measured for some seconds; ends early
 *          after one that is not held.
 * profile  the same, then the most calls that are held, and the delay at shares
 *          of them.
 * setup    calls that come at a rate, speak for two seconds and end.
 * memory   ever more calls.
 * flood    calls, packets a second, and how often: the calls are measured with
 *          and without strangers who send these to the port of the clients.
 * start    how long it takes, and again after a SIGKILL with that many calls.
 *
 * -r       the calls ring and are not answered.
 * -t       the calls come by TCP.
 * -v       the relay logs what it does.
 * -a       so many accounts with a number each are in its database.
 * -g       AEAD_AES_128_GCM instead of AES_CM_128_HMAC_SHA1_80.
 */
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/measure.h"

enum {
	FILES_MAX = 65536,
	PRIORITY = -20,
	NUMBERS_MAX = 16,
};

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
	while ((option = getopt(argc, argv, "a:b:c:d:grs:tv")) != -1) {
		if (option == 'a')
			options->accounts = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'b')
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
		else if (option == 't')
			options->tcp = true;
		else if (option == 'v')
			options->verbose = true;
		else
			exit(2);
	}
	if (argc - optind < 3 || seconds <= 0)
		DIE("usage: load [options] target mode number...");
	options->target = target_find(argv[optind]);
	return seconds;
}

/*
 * Others may use the machine: generator and relay go before them, in their own
 * session (sched(7), autogroup). The generator is not to be late at all: what
 * it sends late would come to the relay in heaps. It needs privileges, and does
 * without.
 */
static void go_first(void)
{
	const struct sched_param first = { .sched_priority = 1 };
	FILE *f = getsid(0) == getpid() ? fopen("/proc/self/autogroup", "we")
					: NULL;

	(void)setpriority(PRIO_PROCESS, 0, PRIORITY);
	(void)sched_setscheduler(0, SCHED_RR, &first);
	if (!f)
		return;
	fprintf(f, "%d", PRIORITY);
	fclose(f);
}

/* Modes */

struct numbers {
	unsigned v[NUMBERS_MAX];
	int n;
	double seconds;
};

static void run_media(struct load *load, const struct numbers *numbers)
{
	const struct measure_name name = { .phase = "packet" };
	int i = 0;

	while (i < numbers->n &&
	       measure_media(load, &name, numbers->v[i], numbers->seconds) ==
		       MEASURE_HELD)
		i++;
}

/* What else the machine does may fail a step: the second try counts. */
static bool is_held(struct load *load, unsigned calls, double seconds)
{
	const struct measure_name first = { .phase = "packet" };
	const struct measure_name second = { .phase = "again" };

	return measure_media(load, &first, calls, seconds) == MEASURE_HELD ||
	       measure_media(load, &second, calls, seconds) == MEASURE_HELD;
}

static void run_profile(struct load *load, const struct numbers *numbers)
{
	unsigned held = 0, failed = 0;

	for (int i = 0; i < numbers->n && !failed; i++) {
		unsigned calls = numbers->v[i];

		if (is_held(load, calls, numbers->seconds))
			held = calls;
		else
			failed = calls;
	}
	measure_capacity(load, held, failed, numbers->seconds);
}

static void run_setup(struct load *load, const struct numbers *numbers)
{
	for (int i = 0; i < numbers->n; i++)
		if (numbers->v[i])
			measure_setup(load, numbers->v[i], numbers->seconds);
}

static void run_memory(struct load *load, const struct numbers *numbers)
{
	for (int i = 0; i < numbers->n; i++)
		measure_memory(load, numbers->v[i]);
}

static void run_start(struct load *load, const struct numbers *numbers)
{
	measure_start(load, numbers->v[0]);
}

static void run_flood(struct load *load, const struct numbers *numbers)
{
	if (numbers->n != 3 || !load->options.target->shared_port)
		DIE("usage: load target flood calls rate pairs");
	measure_flood(load, numbers->v[0], numbers->v[1], numbers->v[2],
		      numbers->seconds);
}

static const struct mode {
	const char *name;
	void (*run)(struct load *load, const struct numbers *numbers);
} modes[] = {
	{ "media", run_media }, { "profile", run_profile },
	{ "setup", run_setup }, { "memory", run_memory },
	{ "start", run_start }, { "flood", run_flood },
};

static const struct mode *mode_find(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	DIE("load: no mode %s", name);
}

int main(int argc, char **argv)
{
	static struct load load;
	struct rlimit files = { FILES_MAX, FILES_MAX };
	struct load_options options;
	struct numbers numbers = { .seconds = parse_options(&options, argc,
							    argv) };
	const struct mode *mode = mode_find(argv[optind + 1]);

	for (int i = optind + 2; i < argc && numbers.n < NUMBERS_MAX; i++)
		numbers.v[numbers.n++] = (unsigned)strtoul(argv[i], NULL, 10);
	setrlimit(RLIMIT_NOFILE, &files);
	go_first();
	log_set_level((enum log_level)0);
	load_open(&load, &options);
	mode->run(&load, &numbers);
	load_close(&load);
	return 0;
}
