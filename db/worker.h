/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The writer thread. The main thread queues jobs, which it gets at the end of
 * the turn of the loop; the thread runs all that wait in one transaction and
 * hands them back, in order, to the main thread's loop by an eventfd.
 *
 * When the disk is full, or the file cannot be written for another reason that
 * may pass, the transaction is rolled back, each job that waits is told so
 * once, and all are tried again with growing pauses. A job that fails for
 * itself (a value that the schema refuses) costs that job alone. A file that is
 * damaged is replaced (db/store.h), and the transaction made in the new one.
 *
 * Private to db/.
 */
#pragma once

#include "db/db.h"
#include "db/writer.h"

struct event_base;
struct sqlite3;
struct worker;

struct worker_config {
	struct sqlite3 *sqlite; /* taken over in any case */
	const char *path;       /* its file's; borrowed */
	struct event_base *base;
	/* The file was damaged and is another one now, which @reader is a
	 * connection to; it is the callee's. From the event loop. */
	void (*replaced)(struct sqlite3 *reader, void *arg);
	void *arg;
};

/* *@out is owned by the caller: worker_stop(). 0 or -errno. */
CHECKED int worker_start(struct worker **out,
			 const struct worker_config *config);

/* Runs what is queued, joins the thread, closes. NULL is fine. */
struct worker *worker_stop(struct worker *worker);

/*
 * Queue @job, which is the worker's from then on. 0, or -ENOBUFS and it has
 * been freed.
 */
CHECKED int worker_queue(struct worker *worker, struct job *job);
/* db_put_again(): while it is @on, jobs that nobody hears of are queued many as
 * one, and never refused for being many: -ENOMEM alone. */
void worker_bundle(struct worker *worker, bool on);

/* No job with @arg calls back any more. */
void worker_forget(struct worker *worker, const void *arg);

/* Who has read from the file found it damaged. */
void worker_distrust(struct worker *worker);

void worker_stats(struct worker *worker, struct db_stats *out);
