/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The writer thread. The main thread queues jobs; the thread runs all that wait
 * in one transaction and hands them back, in order, to the main thread's loop
 * by an eventfd.
 *
 * When the disk is full, or the file cannot be written for another reason that
 * may pass, the transaction is rolled back, each job that waits is told so
 * once, and all are tried again with growing pauses. A job that fails for
 * itself (a value that the schema refuses) costs that job alone.
 *
 * Private to db/.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>

#include "db/db.h"

struct event_base;
struct sqlite3;
struct sqlite3_stmt;
struct worker;
struct writer;

struct job {
	/*
	 * On the writer thread, inside a transaction; maybe again after a
	 * roll-back. Returns SQLite's code, SQLITE_OK or SQLITE_DONE when well.
	 */
	int (*run)(struct job *job, struct writer *writer);
	/* On the main thread, once; NULL: done(result, arg). */
	void (*finish)(struct job *job, int result);
	/* Frees what the job owns, and the job. */
	void (*free)(struct job *job);
	db_done_fn done; /* may be NULL */
	void *arg;
	/* Its commit waits until the disk has it, for a loss of power too. */
	bool durable;

	/* The worker's. */
	TAILQ_ENTRY(job) entry, told_entry, all_entry;
	uint64_t queued_us;
	int result, told_result;
	bool told, called;
};

/*
 * Takes over @sqlite (closed by worker_stop()). *@out is owned by the caller:
 * worker_stop(). 0 or -errno.
 */
CHECKED int worker_start(struct worker **out, struct sqlite3 *sqlite,
			 struct event_base *base);

/* Runs what is queued, joins the thread, closes. NULL is fine. */
struct worker *worker_stop(struct worker *worker);

/*
 * Queue @job, which is the worker's from then on. 0, or -ENOBUFS and it has
 * been freed.
 */
CHECKED int worker_queue(struct worker *worker, struct job *job);

/* No job with @arg calls back any more. */
void worker_forget(struct worker *worker, const void *arg);

void worker_stats(struct worker *worker, struct db_stats *out);

/*
 * For jobs: the prepared statement of @sql, reset and without bindings. The
 * pointer @sql is its key, so it must be a constant. NULL with *@error set to
 * SQLite's code.
 */
struct sqlite3_stmt *writer_prepare(struct writer *writer, const char *sql,
				    int *error);

/* SQLite's result code as -errno; 0 for OK, ROW and DONE. */
int db_error(int code);
