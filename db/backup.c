/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/backup.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/worker.h"

struct db_backup {
	sqlite3 *from, *to;
	sqlite3_backup *copy;
	struct event *timer;
	char *path; /* owned; NULL: the file is the user's now */
	db_backup_fn fn;
	void *arg;
};

static void again(struct db_backup *backup)
{
	const struct timeval now = { 0, 0 };

	evtimer_add(backup->timer, &now);
}

/* What SQLite has not written by then is not there. */
static int finish(struct db_backup *backup)
{
	int error = sqlite3_backup_finish(backup->copy);

	backup->copy = NULL;
	if (sqlite3_close(backup->to) != SQLITE_OK && error == SQLITE_OK)
		error = SQLITE_IOERR;
	backup->to = NULL;
	return error;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct db_backup *backup = arg;
	int error = sqlite3_backup_step(backup->copy, DB_BACKUP_PAGES);

	(void)fd;
	(void)what;
	if (error == SQLITE_OK || error == SQLITE_BUSY ||
	    error == SQLITE_LOCKED) {
		again(backup);
		return;
	}
	if (error == SQLITE_DONE)
		error = finish(backup);
	if (error == SQLITE_OK) {
		free(backup->path);
		backup->path = NULL;
	}
	backup->fn(db_error(error), backup->arg);
}

/* An empty file that is ours alone. */
static int create(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* A transaction that only reads holds the moment that is copied. */
static int begin(struct db_backup *backup, const char *from)
{
	static const char hold[] = "BEGIN; SELECT count(*) FROM sqlite_schema";
	int error = sqlite3_open_v2(from, &backup->from, SQLITE_OPEN_READONLY,
				    NULL);

	if (error == SQLITE_OK)
		error = sqlite3_exec(backup->from, hold, NULL, NULL, NULL);
	if (error == SQLITE_OK)
		error = sqlite3_open_v2(backup->path, &backup->to,
					SQLITE_OPEN_READWRITE, NULL);
	if (error != SQLITE_OK)
		return db_error(error);
	backup->copy =
		sqlite3_backup_init(backup->to, "main", backup->from, "main");
	return backup->copy ? 0 : db_error(sqlite3_errcode(backup->to));
}

int db_backup_new(struct db_backup **out, struct db *db,
		  struct event_base *base, const char *path, db_backup_fn fn,
		  void *arg)
{
	int r = create(path);

	if (r)
		return r;
	struct db_backup *backup = calloc(1, sizeof(*backup));
	if (!backup) {
		unlink(path);
		return -ENOMEM;
	}
	backup->fn = fn;
	backup->arg = arg;
	backup->path = strdup(path);
	backup->timer = evtimer_new(base, on_turn, backup);
	r = backup->path && backup->timer ? begin(backup, db_path(db))
					  : -ENOMEM;
	if (r) {
		db_backup_free(backup);
		return r;
	}
	again(backup);
	*out = backup;
	return 0;
}

struct db_backup *db_backup_free(struct db_backup *backup)
{
	if (!backup)
		return NULL;
	sqlite3_backup_finish(backup->copy);
	sqlite3_close(backup->to);
	sqlite3_close(backup->from);
	if (backup->timer)
		event_free(backup->timer);
	if (backup->path)
		unlink(backup->path);
	free(backup->path);
	free(backup);
	return NULL;
}
