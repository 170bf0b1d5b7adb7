/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db/db.h"
#include "db/salvage.h"
#include "db/schema.h"
#include "db/writer.h"
#include "gateway/base/log.h"

enum { PART_CAP = STORE_PATH_CAP + 64 };

static const char *const parts[] = { "-wal", "-shm", "" };
enum { NPARTS = sizeof(parts) / sizeof(parts[0]) };

static int run(sqlite3 *sqlite, const char *sql)
{
	return db_error(sqlite3_exec(sqlite, sql, NULL, NULL, NULL));
}

/*
 * The file is made 0600 before SQLite writes the first octet. One that is there
 * is not opened: closing it would drop the locks of the other connection
 * (fcntl(2)), and a program that looks into the database, as the last one,
 * would take the journal away from under us.
 */
int store_connect(sqlite3 **out, const char *path)
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

void store_close(sqlite3 *sqlite)
{
	sqlite3_close(sqlite);
}

void store_leave(sqlite3 *sqlite)
{
	if (sqlite)
		sqlite3_db_config(sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				  NULL);
	sqlite3_close(sqlite);
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

static int open_checked(sqlite3 **out, const char *path)
{
	int r = store_connect(out, path);

	if (r)
		return r;
	r = check_integrity(*out);
	if (!r)
		r = schema_migrate(*out);
	if (r) {
		store_leave(*out);
		*out = NULL;
	}
	return r;
}

int store_open(sqlite3 **out, const char *path)
{
	int r = open_checked(out, path);

	return r == -EBADMSG ? store_replace(out, path, false) : r;
}

/* The file, its log and index, for whoever wants to mend it. */
static int move_parts(const char *from, const char *to)
{
	char old[PART_CAP], new[PART_CAP];
	int r = 0;

	for (size_t i = 0; i < NPARTS; i++) {
		snprintf(old, sizeof(old), "%s%s", from, parts[i]);
		snprintf(new, sizeof(new), "%s%s", to, parts[i]);
		if (rename(old, new) && errno != ENOENT)
			r = -errno;
	}
	return r;
}

static void unlink_parts(const char *path)
{
	char name[PART_CAP];

	for (size_t i = 0; i < NPARTS; i++) {
		snprintf(name, sizeof(name), "%s%s", path, parts[i]);
		unlink(name);
	}
}

/* A new file with what can be read of the one at @aside. */
static int make_from(sqlite3 **out, const char *path, const char *aside,
		     bool marked)
{
	struct salvage salvage;
	int r = open_checked(out, path);

	if (r)
		return r;
	r = salvage_rows(*out, aside, marked, &salvage);
	if (r) {
		store_close(*out);
		*out = NULL;
		return r;
	}
	log_error("db=salvaged rows=%lu damaged_tables=%u: what else was in "
		  "them is in the file that was set aside",
		  salvage.rows, salvage.tables);
	return 0;
}

/* Two within a second do not meet. */
static void name_aside(char out[static PART_CAP], const char *path)
{
	long long at = (long long)time(NULL);

	do
		snprintf(out, PART_CAP, "%s.corrupt-%lld", path, at++);
	while (!access(out, F_OK));
}

int store_replace(sqlite3 **out, const char *path, bool marked)
{
	char aside[PART_CAP];

	name_aside(aside, path);
	int r = move_parts(path, aside);
	bool moved = !r;
	log_error("db=corrupt path=%s aside=%s r=%d: a new one is made", path,
		  aside, r);
	if (!r)
		r = make_from(out, path, aside, marked);
	if (!r)
		return 0;
	if (moved) /* or else what stands there is the damaged file itself */
		unlink_parts(path);
	if (move_parts(aside, path))
		log_error("db=corrupt path=%s: it stays at %s", path, aside);
	return r;
}
