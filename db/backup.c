/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/row.h"
#include "db/worker.h"

/* Of the writer thread while a step is queued; between steps of the main one.
 */
struct copying {
	const char *from_path; /* the database's, which outlives it */
	char *path;            /* owned */
	bool kept;             /* the file is the user's now */
	sqlite3 *from, *to;
	sqlite3_backup *copy;
	int error; /* SQLite's, of the last step; SQLITE_OK: there is more */
};

struct db_backup {
	struct db *db;
	db_backup_fn fn;
	void *arg;
};

/* One turn of the thread; @copying goes from each to the next. */
struct step {
	struct job job;
	struct copying *copying; /* owned; NULL: handed on */
};

static void free_copying(struct copying *copying)
{
	if (!copying)
		return;
	sqlite3_backup_finish(copying->copy);
	sqlite3_close(copying->to);
	sqlite3_close(copying->from);
	if (!copying->kept)
		unlink(copying->path);
	free(copying->path);
	free(copying);
}

/* A transaction that only reads holds the moment that is copied. */
static int begin(struct copying *copying)
{
	static const char hold[] = "BEGIN; SELECT count(*) FROM sqlite_schema";
	int error = sqlite3_open_v2(copying->from_path, &copying->from,
				    SQLITE_OPEN_READONLY, NULL);

	if (error == SQLITE_OK)
		error = sqlite3_exec(copying->from, hold, NULL, NULL, NULL);
	if (error == SQLITE_OK)
		error = sqlite3_open_v2(copying->path, &copying->to,
					SQLITE_OPEN_READWRITE, NULL);
	if (error != SQLITE_OK)
		return error;
	copying->copy =
		sqlite3_backup_init(copying->to, "main", copying->from, "main");
	return copying->copy ? SQLITE_OK : sqlite3_errcode(copying->to);
}

/* What SQLite has not written by then is not there. */
static int finish(struct copying *copying)
{
	int error = sqlite3_backup_finish(copying->copy);

	copying->copy = NULL;
	if (sqlite3_close(copying->to) != SQLITE_OK && error == SQLITE_OK)
		error = SQLITE_IOERR;
	copying->to = NULL;
	return error == SQLITE_OK ? SQLITE_DONE : error;
}

/* What becomes of the copy is none of the writer's transaction; when that is
 * tried again, what is over stays over. */
static int run_step(struct job *job, struct writer *writer)
{
	struct copying *copying = ((struct step *)job)->copying;

	(void)writer;
	if (copying->error != SQLITE_OK)
		return SQLITE_OK;
	int error = copying->copy ? SQLITE_OK : begin(copying);

	if (error == SQLITE_OK)
		error = sqlite3_backup_step(copying->copy, DB_BACKUP_PAGES);
	if (error == SQLITE_BUSY || error == SQLITE_LOCKED)
		error = SQLITE_OK; /* again */
	copying->error = error == SQLITE_DONE ? finish(copying) : error;
	return SQLITE_OK;
}

/* What was written before the copy was asked for is in it: by then it is
 * committed. */
static int run_wait(struct job *job, struct writer *writer)
{
	(void)job;
	(void)writer;
	return SQLITE_OK;
}

static void free_step(struct job *job)
{
	struct step *step = (struct step *)job;

	free_copying(step->copying);
	free(step);
}

static void on_step(struct job *job, int result);

/* @copying is the step's in any case. 0, -ENOMEM, -ENOBUFS. */
static int queue(struct db_backup *backup, struct copying *copying,
		 int (*run)(struct job *job, struct writer *writer))
{
	struct step *step = calloc(1, sizeof(*step));

	if (!step) {
		free_copying(copying);
		return -ENOMEM;
	}
	step->job = (struct job){
		.run = run, .finish = on_step, .free = free_step, .arg = backup
	};
	step->copying = copying;
	return worker_queue(db_worker(backup->db), &step->job);
}

/* A transaction that failed may still run the step again: it keeps the copy. */
static void on_step(struct job *job, int result)
{
	struct step *step = (struct step *)job;
	struct db_backup *backup = job->arg;
	struct copying *copying = step->copying;
	int r = result;

	if (!r && copying->error == SQLITE_DONE) {
		copying->kept = true;
		backup->fn(0, backup->arg);
		return;
	}
	if (!r)
		r = db_error(copying->error);
	if (!r) {
		step->copying = NULL;
		r = queue(backup, copying, run_step);
	}
	if (r)
		backup->fn(r, backup->arg);
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

static int start(struct db_backup *backup, const char *path)
{
	struct copying *copying = calloc(1, sizeof(*copying));
	char *copy = strdup(path);
	int r = copying && copy ? create(path) : -ENOMEM;

	if (r) {
		free(copy);
		free(copying);
		return r;
	}
	copying->from_path = db_path(backup->db);
	copying->path = copy;
	return queue(backup, copying, run_wait);
}

int db_backup_new(struct db_backup **out, struct db *db, const char *path,
		  db_backup_fn fn, void *arg)
{
	struct db_backup *backup = calloc(1, sizeof(*backup));

	if (!backup)
		return -ENOMEM;
	backup->db = db;
	backup->fn = fn;
	backup->arg = arg;
	int r = start(backup, path);
	if (r) {
		free(backup);
		return r;
	}
	*out = backup;
	return 0;
}

/* The step that is under way frees what it has. */
struct db_backup *db_backup_free(struct db_backup *backup)
{
	if (backup)
		db_forget(backup->db, backup);
	free(backup);
	return NULL;
}
