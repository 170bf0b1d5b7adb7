/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The relay's process: started on a processor of its own, measured through
 * /proc, ended with the generator.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t pid; /* 0: none */
	int core;
	int in, out; /* its standard input and output; -1: not asked for */
};

/*
 * Start @argv on @core; what it says on stderr goes to the file @log. @pipes:
 * its standard input and output are ours.
 */
void process_start(struct process *process, const char *const *argv, int core,
		   const char *log, bool pipes);
/* SIGTERM, and wait. */
void process_stop(struct process *process);
/* SIGKILL, and wait. */
void process_kill(struct process *process);

struct usage {
	uint64_t at_us;
	/* The scheduler's account of all threads, in which packets that they
	 * send over loopback are received as well (softirq). */
	uint64_t cpu_ns;
	/* What /proc/stat says the core was busy, with all else that ran. */
	uint64_t busy_us, irq_us;
	uint64_t rss_kib;
	uint64_t own_us; /* our own CPU time */
};
void process_usage(const struct process *process, struct usage *out);
