/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The database: one SQLite file (WAL; synchronous=NORMAL, for texts FULL) with
 * sessions, accounts, trunks, texts and call records. It is read at the start
 * and by administration; the call path reads memory. Writes are queued for one
 * writer thread (db/worker.h), which commits all that waits in one transaction,
 * so the event loop never waits for a disk. What one call-back of the loop
 * queues is in one transaction: whoever dies leaves all of it or nothing.
 *
 * Next to the file stand `.key` (seals secrets, db/seal.h) and `.lock` (one
 * process at a time). All are 0600.
 *
 * Everything in the headers of db/ is called on the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct db;
struct event_base;

enum db_outcome {
	DB_E_NEWER = 1, /* a later version of Tandem wrote the file */
	DB_E_LOCKED = 2 /* another process uses it */
};

enum {
	DB_QUEUE_MAX = 20000, /* writes that wait, for a full disk too */
	/* Rows of db_put_again() that wait: more are for later. */
	DB_AGAIN_MAX = 5000,
	DB_BUSY_MS = 100,      /* for locks of other programs, off the loop */
	DB_RETRY_MIN_MS = 100, /* after a failed write, doubled up to */
	DB_RETRY_MAX_MS = 5000,
	/* Between two replacements of a corrupt file: a disk that spoils all
	 * that is written there would be filled with them. */
	DB_REPLACE_MS = 60000,
	DB_CLOSE_MS = 2000,  /* how long db_close() tries a failing disk */
	DB_SECRET_MAX = 256, /* octets */
	DB_NODE_CAP = 65,    /* HOST_NAME_MAX and NUL */
};

struct db_config {
	const char *path; /* its directory is made if only that is missing */
};

/* Stored sealed; wiped when freed. */
struct db_secret {
	size_t n;
	uint8_t octets[DB_SECRET_MAX];
};

/*
 * A write is done: @result 0, it is committed; or -errno (-ENOSPC, -EIO, …),
 * the first attempt failed, it is kept in memory and tried again. Called once,
 * from the event loop, in the order of the writes.
 */
typedef void (*db_done_fn)(int result, void *arg);

/* Whether a process has the database of @path open. */
bool db_is_in_use(const char *path);

/* A row that is read, of the struct that the reader names; borrowed. */
typedef void (*db_row_fn)(const void *row, void *arg);

/*
 * Open @config->path, making or migrating it. A corrupt file is set aside as
 * `<path>.corrupt-<time>` and a new one made with what can be read of it, with
 * an error in the log; the same when it turns out to be corrupt later.
 *
 * @base must outlive *@out, which is owned by the caller: db_close().
 * Returns 0, DB_E_NEWER, DB_E_LOCKED (both logged), or -errno.
 */
CHECKED int db_open(struct db **out, const struct db_config *config,
		    struct event_base *base);

/*
 * Write what is queued and close. No completion is called any more. NULL is
 * fine; returns NULL.
 */
struct db *db_close(struct db *db);
DEFINE_AUTO(struct db *, db_close)

/*
 * @fn is called, from the event loop, when the file was corrupt and another one
 * has taken its place: what was written is there as far as it could be read,
 * and what the caller knows is to be written again. One @fn; NULL: none.
 */
void db_on_replaced(struct db *db, void (*fn)(void *arg), void *arg);
/*
 * Between @on and not, in one turn of the loop: what is written and has no
 * completion is known already, and written once more. It takes no room of
 * others (DB_QUEUE_MAX), nor is it refused for want of that; so it is not to be
 * done unless it may: the disk has taken nearly all of what was before, and
 * others have half of their room.
 */
void db_put_again(struct db *db, bool on);
bool db_may_put_again(const struct db *db);

/* What the rows are about that a process knows all of. */
enum db_known {
	DB_KNOWN_NONE,
	DB_KNOWN_CALLS, /* of this run; db/session.h */
	DB_KNOWN_ACCOUNTS,
	DB_KNOWN_CONTACTS,
	DB_KNOWN_SETTINGS,
	DB_KNOWN_QUOTAS,
	DB_KNOWN_USAGE,
	DB_KNOWN_BLOCKS,
	DB_KNOWN_ROUTES,
	DB_KNOWN_TRUNKS,
	DB_KNOWN_TEXTS, /* with the outbox */
	DB_NKNOWN
};
/* All of @known has been written again: what else is there of it came from the
 * damaged file, and is gone since. 0, -ENOBUFS, -ENOMEM. */
CHECKED int db_drop_salvaged(struct db *db, enum db_known known);

/* No completion with @arg is called any more; the writes themselves go on. */
void db_forget(struct db *db, const void *arg);

/* This run of the process, a UUID; and the host's name. Borrowed. */
const char *db_boot_id(const struct db *db);
/* The machine's, of the kernel; "" unknown. */
const char *db_machine_boot(const struct db *db);
const char *db_node_id(const struct db *db);

enum { DB_LATENCY_BOUNDS = 11 };
extern const unsigned db_latency_bounds_us[DB_LATENCY_BOUNDS];

/* Its file. Borrowed. */
const char *db_path(const struct db *db);

struct db_stats {
	uint64_t written;      /* jobs committed */
	uint64_t transactions; /* in so many */
	uint64_t errors;       /* attempts that failed */
	size_t waiting;        /* jobs in memory now */
	size_t again;          /* rows of db_put_again() among them */
	/* From the queue to the loop that hears it is committed: jobs up to
	 * each bound, each its own, and those above the last. */
	uint64_t latency_counts[DB_LATENCY_BOUNDS + 1], latency_sum_us;
};
struct db_stats db_stats(const struct db *db);

/* Whether @writes more are taken now: none of them gets -ENOBUFS in this turn
 * of the loop. */
bool db_has_room(const struct db *db, size_t writes);
