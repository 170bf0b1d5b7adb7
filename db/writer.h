/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The connection that writes: jobs in one transaction, and the statements they
 * are made of. Of the writer thread (db/worker.h).
 *
 * Private to db/.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>

#include "db/db.h"

struct sqlite3;
struct sqlite3_stmt;
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
	size_t again; /* rows in it of db_put_again(); 0: it is one job */

	/* The worker's. */
	TAILQ_ENTRY(job) entry, told_entry, all_entry;
	uint64_t queued_us;
	int result, told_result;
	bool told, called;
	/* The last of a turn of the loop: no transaction ends before it. */
	bool ends_turn;
};

TAILQ_HEAD(job_list, job);

/* @sqlite is the writer's, closed in any case. The caller's: writer_free().
 * NULL: no memory. */
struct writer *writer_new(struct sqlite3 *sqlite);
struct writer *writer_free(struct writer *writer);

/* From now on another connection, owned as the first one; the file of that one
 * has been set aside. */
void writer_use(struct writer *writer, struct sqlite3 *sqlite);

/* Run @job, whose result says how it went. SQLITE_OK, or the code of what
 * another attempt may do better. */
CHECKED int writer_run(struct writer *writer, struct job *job);
/*
 * Run @jobs, in order, in one transaction. SQLITE_OK: it is committed, and each
 * job's result says how that one went. Another code of SQLite's: nothing is,
 * and another attempt may be better.
 */
CHECKED int writer_commit(struct writer *writer, struct job_list *jobs);
/* What SQLite says of the last failure. Borrowed until the next call. */
const char *writer_error(struct writer *writer);

/*
 * For jobs: the prepared statement of @sql, reset and without bindings. The
 * pointer @sql is its key, so it must be a constant. NULL with *@error set to
 * SQLite's code.
 */
struct sqlite3_stmt *writer_prepare(struct writer *writer, const char *sql,
				    int *error);

/* SQLite's result code as -errno; 0 for OK, ROW and DONE. */
int db_error(int code);
