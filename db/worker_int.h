/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of the writer, shared by worker.c (the main thread's side) and
 * worker_thread.c (the thread's). Nobody else includes it.
 *
 * Who touches what: the queues under `lock` are shared; the batch and the
 * writer belong to the thread; `turn`, `all` and the call-backs of a job belong
 * to the main thread.
 *
 *   main --worker_queue()--> turn
 *     ^                        | all of it at its end
 *     |                      queued --> [batch: one transaction] --> finished
 *     ^                                        | it failed             |
 *     +-- told (the first failure only) <------+                       |
 *     +-- on_events() <------------------- eventfd --------------------+
 *
 * When the file is damaged the thread makes another one, and hands the main
 * thread a connection to it by the same way.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/worker.h"

struct bundle;
struct event;
struct sqlite3;

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job_list queued, told, finished; /* under lock */
	bool stopping;                          /* under lock */
	bool distrusted;                        /* under lock */
	struct sqlite3
		*reader; /* of a new file, not handed over yet; under lock */
	_Atomic size_t waiting, again;
	_Atomic uint64_t written, transactions, errors;
	_Atomic int failing; /* why the last attempt failed; 0: it did not */

	const char *path;
	struct writer *writer; /* the thread's */
	uint64_t replaced_ms;  /* the thread's; 0: never */
	bool reads_old;        /* the main thread, after that; the thread's */
	struct job_list batch; /* the thread's */
	unsigned pause_ms;     /* 0: the last attempt was well */
	uint64_t give_up_ms;   /* when stopping */

	struct job_list all;  /* the main thread's, with what follows */
	struct job_list turn; /* of this turn of the loop */
	struct event *end_of_turn;
	bool bundling;
	struct bundle *bundle; /* not queued yet; NULL: none */
	uint64_t latency_counts[DB_LATENCY_BOUNDS + 1], latency_sum_us;
	void (*replaced)(struct sqlite3 *reader, void *arg);
	void *arg;
	struct event *event;
	int fd;
};

/* The thread: runs until worker->stopping, and all is written or given up. */
void *worker_run(void *worker);
/* There is something in the lists for the main thread. */
void worker_signal(const struct worker *worker);
