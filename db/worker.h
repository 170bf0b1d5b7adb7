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

#include "db/db.h"
#include "db/writer.h"

struct event_base;
struct sqlite3;
struct worker;

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
