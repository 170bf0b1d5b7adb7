/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/db.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "db/row.h"
#include "db/schema.h"
#include "db/seal.h"
#include "db/worker.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"

enum { PATH_CAP = 4096 };

struct db {
	char path[PATH_CAP];
	char boot_id[RAND_UUID_CAP], machine_boot[RAND_UUID_CAP];
	char node_id[DB_NODE_CAP];
	int lock;
	struct seal *seal;
	sqlite3 *reader;
	struct worker *worker;
};

static void make_directory(const char *path)
{
	char dir[PATH_CAP];
	const char *slash = strrchr(path, '/');

	if (slash && slash != path &&
	    !text_copy(dir, sizeof(dir),
		       (struct slice){ path, (size_t)(slash - path) }))
		mkdir(dir, 0700);
}

/* *@out: the lock's file. 0 or -errno. */
static int open_lock(int *out, const char *path, int flags)
{
	char name[PATH_CAP + 8];

	snprintf(name, sizeof(name), "%s.lock", path);
	*out = open(name, flags | O_RDWR | O_CLOEXEC, 0600);
	return *out < 0 ? -errno : 0;
}

/*
 * The lock is the kernel's: it goes with the process, however that ends.
 * 0, DB_E_LOCKED, or -errno.
 */
static int take_lock(struct db *db)
{
	int r = open_lock(&db->lock, db->path, O_CREAT);

	if (r)
		return r;
	if (!flock(db->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	log_error("db=locked path=%s: another process uses it", db->path);
	return DB_E_LOCKED;
}

bool db_is_in_use(const char *path)
{
	int fd;

	if (open_lock(&fd, path, 0))
		return false;
	bool taken = flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return taken;
}

static int run(sqlite3 *sqlite, const char *sql)
{
	return db_error(sqlite3_exec(sqlite, sql, NULL, NULL, NULL));
}

/*
 * A connection; the file is made 0600 before SQLite writes the first octet. One
 * that is there is not opened: closing it would drop the locks of the other
 * connection (fcntl(2)), and a program that looks into the database, as the
 * last one, would take the journal away from under us.
 */
static int connect_to(sqlite3 **out, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	*out = NULL;
	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return -errno;
	int error =
		sqlite3_open_v2(path, out,
				SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
					SQLITE_OPEN_EXRESCODE,
				NULL);
	if (error == SQLITE_OK)
		error = sqlite3_busy_timeout(*out, DB_BUSY_MS);
	int r = db_error(error);
	if (!r)
		r = run(*out, "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = NORMAL;"
			      "PRAGMA secure_delete = ON;"
			      "PRAGMA trusted_schema = OFF;");
	if (r) {
		sqlite3_close(*out);
		*out = NULL;
	}
	return r;
}

/* 0, or -EBADMSG when the file is damaged, or -errno. */
static int check_integrity(sqlite3 *sqlite)
{
	sqlite3_stmt *stmt = NULL;
	int error = sqlite3_prepare_v2(sqlite, "PRAGMA quick_check(1)", -1,
				       &stmt, NULL);
	int r = 0;

	if (error == SQLITE_OK)
		error = sqlite3_step(stmt);
	if (error == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);
		r = text && !strcmp(text, "ok") ? 0 : -EBADMSG;
		if (r)
			log_error("db=check found=%s",
				  log_text(slice_of(text)).s);
	} else {
		r = db_error(error);
	}
	sqlite3_finalize(stmt);
	return r;
}

/* The file, its log and index, for whoever wants to mend it. */
static int set_aside(const char *path)
{
	static const char *const parts[] = { "-wal", "-shm", "" };
	char from[PATH_CAP + 8], to[PATH_CAP + 64];
	long long now = (long long)time(NULL);
	int r = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", path, parts[i]);
		snprintf(to, sizeof(to), "%s.corrupt-%lld%s", path, now,
			 parts[i]);
		if (rename(from, to) && errno != ENOENT)
			r = -errno;
	}
	log_error("db=corrupt path=%s aside=%s.corrupt-%lld: a new one is made",
		  path, path, now);
	return r;
}

static int open_checked(sqlite3 **out, const char *path)
{
	int r = connect_to(out, path);

	if (r)
		return r;
	r = check_integrity(*out);
	if (!r)
		r = schema_migrate(*out);
	if (r) {
		sqlite3_close(*out);
		*out = NULL;
	}
	return r;
}

static int open_or_replace(sqlite3 **out, const char *path)
{
	int r = open_checked(out, path);

	if (r != -EBADMSG)
		return r;
	r = set_aside(path);
	return r ? r : open_checked(out, path);
}

static int note_boot(struct db *db)
{
	static const char insert[] = "INSERT INTO boot (boot_id, node_id, "
				     "started_ms) VALUES (?, ?, ?)";
	const struct row_param params[] = { { .text = db->boot_id },
					    { .text = db->node_id },
					    { .number = clock_wall_ms() } };

	return row_execute(db, insert, params, 3, NULL, NULL);
}

static int start(struct db *db, struct event_base *base)
{
	char key[PATH_CAP + 8];
	sqlite3 *writer = NULL;

	make_directory(db->path);
	snprintf(key, sizeof(key), "%s.key", db->path);
	int r = take_lock(db);
	if (!r)
		r = seal_open(&db->seal, key);
	if (!r)
		r = open_or_replace(&db->reader, db->path);
	if (!r)
		r = connect_to(&writer, db->path);
	if (!r)
		r = worker_start(&db->worker, writer, base);
	if (!r)
		r = note_boot(db);
	return r;
}

static void read_machine_boot(char out[static RAND_UUID_CAP])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, RAND_UUID_CAP - 1);

	out[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

int db_open(struct db **out, const struct db_config *config,
	    struct event_base *base)
{
	AUTO(db_closep) struct db *db = calloc(1, sizeof(*db));

	if (!db)
		return -ENOMEM;
	db->lock = -1;
	rand_uuid(db->boot_id);
	read_machine_boot(db->machine_boot);
	if (gethostname(db->node_id, sizeof(db->node_id) - 1))
		db->node_id[0] = '\0';
	int r = text_set(db->path, sizeof(db->path), config->path);
	if (!r)
		r = start(db, base);
	if (r) {
		if (r < 0)
			log_error("db=open path=%s error=\"%s\"", config->path,
				  strerror(-r));
		return r;
	}
	*out = db;
	db = NULL;
	return 0;
}

struct db *db_close(struct db *db)
{
	if (!db)
		return NULL;
	db->worker = worker_stop(db->worker);
	sqlite3_close(db->reader);
	db->seal = seal_free(db->seal);
	if (db->lock >= 0)
		close(db->lock);
	free(db);
	return NULL;
}

void db_forget(struct db *db, const void *arg)
{
	worker_forget(db->worker, arg);
}

const char *db_path(const struct db *db)
{
	return db->path;
}

const char *db_boot_id(const struct db *db)
{
	return db->boot_id;
}

const char *db_machine_boot(const struct db *db)
{
	return db->machine_boot;
}

const char *db_node_id(const struct db *db)
{
	return db->node_id;
}

struct db_stats db_stats(const struct db *db)
{
	struct db_stats stats;

	worker_stats(db->worker, &stats);
	return stats;
}

bool db_has_room(const struct db *db, size_t writes)
{
	return db_stats(db).waiting + writes <= DB_QUEUE_MAX;
}

sqlite3 *db_reader(struct db *db)
{
	return db->reader;
}

struct worker *db_worker(struct db *db)
{
	return db->worker;
}

const struct seal *db_seal(const struct db *db)
{
	return db->seal;
}
