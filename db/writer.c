/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/writer.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "db/store.h"
#include "gateway/base/log.h"

enum { STATEMENTS_MAX = 128 }; /* constants in db/ */

struct writer {
	sqlite3 *sqlite;
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} statements[STATEMENTS_MAX];
	size_t nstatements;
	bool synchronous_full; /* as the connection is set now */
};

int db_error(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
		return -EIO;
	default:
		return -EINVAL;
	}
}

/* Whether another attempt can be better than this one. */
static bool may_pass(int code)
{
	return db_error(code) != 0 && db_error(code) != -EINVAL;
}

sqlite3_stmt *writer_prepare(struct writer *writer, const char *sql, int *error)
{
	size_t i = 0;

	while (i < writer->nstatements && writer->statements[i].sql != sql)
		i++;
	if (i == writer->nstatements) {
		sqlite3_stmt *stmt = NULL;

		assert(i < STATEMENTS_MAX);
		*error = sqlite3_prepare_v3(writer->sqlite, sql, -1,
					    SQLITE_PREPARE_PERSISTENT, &stmt,
					    NULL);
		if (*error != SQLITE_OK)
			return NULL;
		writer->statements[i].sql = sql;
		writer->statements[i].stmt = stmt;
		writer->nstatements++;
	}
	sqlite3_reset(writer->statements[i].stmt);
	sqlite3_clear_bindings(writer->statements[i].stmt);
	return writer->statements[i].stmt;
}

static int execute(struct writer *writer, const char *sql)
{
	int error = SQLITE_OK;
	sqlite3_stmt *stmt = writer_prepare(writer, sql, &error);

	if (!stmt)
		return error;
	error = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	return error == SQLITE_DONE ? SQLITE_OK : error;
}

/* Statements keep nothing of a secret, nor a read lock, between batches. */
static void reset_statements(struct writer *writer)
{
	for (size_t i = 0; i < writer->nstatements; i++) {
		sqlite3_reset(writer->statements[i].stmt);
		sqlite3_clear_bindings(writer->statements[i].stmt);
	}
}

static bool is_durable(const struct job_list *jobs)
{
	const struct job *job;

	TAILQ_FOREACH(job, jobs, entry) {
		if (job->durable)
			return true;
	}
	return false;
}

/* A write-ahead log outlives our own death without waiting for the disk. Such
 * pragmas act when they are compiled, so they cannot be kept prepared. */
static int set_synchronous(struct writer *writer, bool full)
{
	int error = SQLITE_OK;

	if (full != writer->synchronous_full)
		error = sqlite3_exec(writer->sqlite,
				     full ? "PRAGMA synchronous = FULL"
					  : "PRAGMA synchronous = NORMAL",
				     NULL, NULL, NULL);
	if (error == SQLITE_OK)
		writer->synchronous_full = full;
	return error;
}

int writer_run(struct writer *writer, struct job *job)
{
	int code = job->run(job, writer);

	job->result = db_error(code);
	if (may_pass(code))
		return code;
	if (job->result)
		log_error("db=refused error=\"%s\"",
			  sqlite3_errmsg(writer->sqlite));
	return SQLITE_OK;
}

int writer_commit(struct writer *writer, struct job_list *jobs)
{
	static const char begin[] = "BEGIN IMMEDIATE", commit[] = "COMMIT",
			  rollback[] = "ROLLBACK";
	struct job *job;
	int error = set_synchronous(writer, is_durable(jobs));

	if (error == SQLITE_OK)
		error = execute(writer, begin);
	TAILQ_FOREACH(job, jobs, entry) {
		if (error != SQLITE_OK)
			break;
		error = writer_run(writer, job);
	}
	reset_statements(writer);
	if (error == SQLITE_OK)
		error = execute(writer, commit);
	if (error != SQLITE_OK && !sqlite3_get_autocommit(writer->sqlite))
		(void)!execute(writer, rollback);
	return error;
}

const char *writer_error(struct writer *writer)
{
	return sqlite3_errmsg(writer->sqlite);
}

struct writer *writer_new(sqlite3 *sqlite)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		store_close(sqlite);
		return NULL;
	}
	writer->sqlite = sqlite;
	return writer;
}

static void finalize_statements(struct writer *writer)
{
	for (size_t i = 0; i < writer->nstatements; i++)
		sqlite3_finalize(writer->statements[i].stmt);
	writer->nstatements = 0;
}

void writer_use(struct writer *writer, sqlite3 *sqlite)
{
	finalize_statements(writer);
	store_leave(writer->sqlite);
	writer->sqlite = sqlite;
	writer->synchronous_full = false;
}

struct writer *writer_free(struct writer *writer)
{
	if (!writer)
		return NULL;
	finalize_statements(writer);
	store_close(writer->sqlite);
	free(writer);
	return NULL;
}
