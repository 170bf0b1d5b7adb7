/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * tandem(8): options, signals and the loop.
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/doctor/doctor.h"
#include "gateway/gateway.h"
#include "gateway/sandbox.h"
#include "gateway/setup/setup.h"
#include "gateway/upgrade.h"

#define CONFIG_PATH "/etc/tandem/tandem.conf"

enum {
	EXIT_USAGE = 2,
	EXIT_ENDED = 3,  /* by a command: the service manager lets it be */
	DRAIN_MS = 3500, /* for peers that do not answer; systemd waits 90 s */
};

struct process {
	struct config *config;
	struct event_base *base;
	struct gateway *gateway;
	bool stopping;
	bool hurried; /* waited long enough, or told again */
	bool ended;   /* by a command */
};

struct options {
	const char *path;
	bool check, verbose, version;
	bool doctor, setup;
	char *const *rest; /* words behind the options, ended by NULL */
};

static void usage(FILE *to)
{
	fputs("usage: tandem [-c file] [-nV] [-v]\n"
	      "       tandem [-c file] doctor\n"
	      "       tandem [-c file] --setup [key=value ...]\n"
	      "  -c file  configuration, default " CONFIG_PATH "\n"
	      "  -n       check the configuration and exit; with -v print it\n"
	      "  -V       print the version and exit\n"
	      "  doctor   try all that is needed, and tell what to mend\n"
	      "  --setup  ask what is needed and write the configuration\n",
	      to);
}

static int parse_options(struct options *out, int argc, char **argv)
{
	enum { OPTION_SETUP = 256 };
	static const struct option longs[] = {
		{ "setup", no_argument, NULL, OPTION_SETUP },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*out = (struct options){ .path = CONFIG_PATH };
	while ((option = getopt_long(argc, argv, "c:nvVh", longs, NULL)) !=
	       -1) {
		switch (option) {
		case OPTION_SETUP:
			out->setup = true;
			break;
		case 'c':
			out->path = optarg;
			break;
		case 'n':
			out->check = true;
			break;
		case 'v':
			out->verbose = true;
			break;
		case 'V':
			out->version = true;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			return -EINVAL;
		}
	}
	out->rest = argv + optind;
	if (out->setup)
		return 0;
	out->doctor = *out->rest && !strcmp(*out->rest, "doctor");
	return optind + out->doctor == argc ? 0 : -EINVAL;
}

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static void on_stop_signal(evutil_socket_t fd, short what, void *arg)
{
	struct process *process = arg;

	(void)what;
	log_info("event=stopping signal=%d", (int)fd);
	process->hurried = process->stopping;
	process->stopping = true;
}

static void on_drain_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct process *process = arg;

	(void)fd;
	(void)what;
	log_warn("event=stopping drained=no: a peer has not answered");
	process->hurried = true;
}

static void on_retire_signal(evutil_socket_t fd, short what, void *arg)
{
	const struct process *process = arg;

	(void)fd;
	(void)what;
	gateway_retire(process->gateway, true);
}

static void on_upgrade_signal(evutil_socket_t fd, short what, void *arg)
{
	const struct process *process = arg;

	(void)fd;
	(void)what;
	upgrade_begin(process->gateway);
}

/* Rotated: write to the file of that name, not to the one that was moved. The
 * level is that of now, which a command may have changed. */
static void on_reopen_signal(evutil_socket_t fd, short what, void *arg)
{
	const struct process *process = arg;
	int r = log_open(process->config->log.file, log_level());

	(void)fd;
	(void)what;
	if (r)
		log_error("log=%s not-opened r=%d", process->config->log.file,
			  r);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

/* A loop that stands still is ended by systemd (WatchdogSec), and the calls go
 * on in the next process. NULL: nobody watches. */
static struct event *watch_loop(struct event_base *base)
{
	uint64_t us = 0;

	if (sd_watchdog_enabled(0, &us) <= 0)
		return NULL;
	const struct timeval half = { (time_t)(us / 2 / 1000000),
				      (suseconds_t)(us / 2 % 1000000) };
	struct event *timer =
		event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
	if (timer)
		event_add(timer, &half);
	return timer;
}

static void turn(struct process *process)
{
	event_base_loop(process->base, EVLOOP_ONCE);
	gateway_pump(process->gateway);
}

/* Without memory for the timer there is none for the farewell either. */
static void drain(struct process *process)
{
	const struct timeval most = { DRAIN_MS / 1000, DRAIN_MS % 1000 * 1000 };
	struct event *timer =
		evtimer_new(process->base, on_drain_timeout, process);

	process->hurried = !timer || evtimer_add(timer, &most);
	gateway_drain(process->gateway);
	while (!process->hurried && !gateway_is_drained(process->gateway))
		turn(process);
	if (timer)
		event_free(timer);
}

static void run(struct process *process)
{
	while (!process->stopping) {
		turn(process);
		if (upgrade_is_due(process->gateway))
			upgrade_run(process->gateway);
		process->ended = gateway_has_ended(process->gateway);
		if (gateway_has_retired(process->gateway) || process->ended)
			process->stopping = true;
	}
	sd_notify(0, "STOPPING=1");
	drain(process);
}

/* Without it we serve all the same: the unit's sandbox stands. */
static void enter_sandbox(const struct process *process)
{
	int r = process->config->sandbox ? sandbox_enter() : -ECANCELED;

	if (r)
		log_warn("event=sandbox state=off: %s",
			 r == -ECANCELED ? "the configuration says so"
					 : strerror(-r));
	else
		log_info("event=sandbox state=on");
}

static int serve(struct process *process)
{
	static const struct {
		int number;
		event_callback_fn fn;
	} signals[] = {
		{ SIGTERM, on_stop_signal },    { SIGINT, on_stop_signal },
		{ SIGHUP, on_reopen_signal },   { SIGUSR1, on_retire_signal },
		{ SIGUSR2, on_upgrade_signal },
	};
	enum { NSIGNALS = sizeof(signals) / sizeof(signals[0]) };
	struct event *events[NSIGNALS];
	int r = gateway_new(&process->gateway, process->config, process->base);

	if (r)
		return r;
	for (size_t i = 0; i < NSIGNALS; i++) {
		events[i] = evsignal_new(process->base, signals[i].number,
					 signals[i].fn, process);
		event_add(events[i], NULL);
	}
	struct event *watchdog = watch_loop(process->base);
	enter_sandbox(process);
	run(process);
	if (watchdog)
		event_free(watchdog);
	process->gateway = gateway_free(process->gateway);
	for (size_t i = 0; i < NSIGNALS; i++)
		event_free(events[i]);
	return 0;
}

/* Two sockets a call: as many descriptors as we may have. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) ||
	    limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warn("descriptors=few: %s", strerror(errno));
}

static int start(struct process *process)
{
	int r = log_open(process->config->log.file, process->config->log.level);

	if (r) {
		fprintf(stderr, "tandem: %s: %s\n", process->config->log.file,
			strerror(-r));
		return r;
	}
	log_set_json(process->config->log.json);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ,
	       SIG_IGN); /* a limit of files' sizes is as a full disk */
	raise_descriptors();
	if (evthread_use_pthreads())
		return -ENOMEM;
	process->base = event_base_new();
	if (!process->base)
		return -ENOMEM;
	r = serve(process);
	event_base_free(process->base);
	libevent_global_shutdown();
	return r;
}

int main(int argc, char **argv)
{
	struct process process = { 0 };
	struct options options;

	if (parse_options(&options, argc, argv)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (options.version) {
		puts("tandem " TANDEM_VERSION);
		return EXIT_SUCCESS;
	}
	if (options.setup)
		return setup_run(options.path, options.rest) ? EXIT_FAILURE
							     : EXIT_SUCCESS;
	if (options.doctor)
		return doctor_run(options.path, stdout) ? EXIT_FAILURE
							: EXIT_SUCCESS;
	if (config_load(&process.config, options.path, on_mistake, NULL))
		return EXIT_FAILURE;
	if (options.check && options.verbose)
		config_print(process.config, stdout);

	int r = options.check ? 0 : start(&process);
	config_free(process.config);
	if (r)
		return EXIT_FAILURE;
	return process.ended ? EXIT_ENDED : EXIT_SUCCESS;
}
