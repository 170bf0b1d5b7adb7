/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/row.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/seal.h"
#include "gateway/base/addr.h"
#include "gateway/base/log.h"

static void append(char *text, size_t cap, const char *fmt, ...) PRINTF(3, 4);
static void append(char *text, size_t cap, const char *fmt, ...)
{
	size_t at = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text + at, cap - at, fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < cap - at); /* our own tables */
	(void)n;
}

void row_sql(struct row_table *table, struct row_text *text, const char *name,
	     const char *order)
{
	const size_t cap = sizeof(text->insert);

	if (table->insert)
		return;
	append(text->insert, cap, "INSERT OR %s INTO %s (",
	       table->first ? "IGNORE" : "REPLACE", name);
	append(text->select, cap, "SELECT ");
	for (size_t i = 0; i < table->n; i++) {
		const char *comma = i ? ", " : "";

		append(text->insert, cap, "%s%s", comma,
		       table->columns[i].name);
		append(text->select, cap, "%s%s", comma,
		       table->columns[i].name);
	}
	append(text->insert, cap, ") VALUES (");
	for (size_t i = 0; i < table->n; i++)
		append(text->insert, cap, i ? ", ?" : "?");
	append(text->insert, cap, ")");
	append(text->select, cap, " FROM %s %s", name, order);
	table->insert = text->insert;
	table->select = text->select;
}

static uint64_t read_uint(const void *field, size_t size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)field;
	case 2:
		return *(const uint16_t *)field;
	case 4:
		return *(const uint32_t *)field;
	default:
		return *(const uint64_t *)field;
	}
}

static void write_uint(void *field, size_t size, uint64_t value)
{
	switch (size) {
	case 1:
		*(uint8_t *)field = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)field = (uint32_t)value;
		break;
	default:
		*(uint64_t *)field = value;
	}
}

static int bind_secret(sqlite3_stmt *stmt, int at, const struct row_column *c,
		       const struct seal *seal, const struct db_secret *secret)
{
	uint8_t blob[SEAL_MAX];
	size_t n = 0;
	int r = seal_encode(seal, c->name, secret, blob, &n);

	if (r)
		return r == -ENOMEM ? SQLITE_NOMEM : SQLITE_ERROR;
	return sqlite3_bind_blob(stmt, at, blob, (int)n, SQLITE_TRANSIENT);
}

/* @row outlives the step of @stmt, so its texts need no copy. */
static int bind_field(sqlite3_stmt *stmt, int at, const struct row_column *c,
		      const struct seal *seal, const void *row)
{
	const void *field = (const char *)row + c->offset;
	const char *text;

	switch (c->type) {
	case ROW_TEXT:
		text = *(const char *const *)field;
		return sqlite3_bind_text(stmt, at, text ? text : "", -1,
					 SQLITE_STATIC);
	case ROW_UINT:
		return sqlite3_bind_int64(stmt, at,
					  (int64_t)read_uint(field, c->size));
	case ROW_INT:
		return sqlite3_bind_int64(stmt, at, *(const int64_t *)field);
	case ROW_ADDR:
		return sqlite3_bind_text(stmt, at, addr_text(field).s, -1,
					 SQLITE_TRANSIENT);
	case ROW_SECRET:
		return bind_secret(stmt, at, c, seal, field);
	}
	return SQLITE_MISUSE;
}

static int read_secret(sqlite3_stmt *stmt, int at, const char *column,
		       const struct seal *seal, struct db_secret *secret)
{
	const uint8_t *blob = sqlite3_column_blob(stmt, at);
	int n = sqlite3_column_bytes(stmt, at);

	if (!blob || n < 0)
		return SEAL_E_AUTH;
	return seal_decode(seal, column, blob, (size_t)n, secret);
}

int row_read(sqlite3_stmt *stmt, const struct row_table *table,
	     const struct seal *seal, void *row, const char **column)
{
	int unread = 0;

	memset(row, 0, table->size);
	for (size_t i = 0; i < table->n; i++) {
		const struct row_column *c = &table->columns[i];
		void *field = (char *)row + c->offset;
		int at = (int)i, r = 0;
		const char *text = NULL;

		if (!unread)
			*column = c->name;
		if (c->type == ROW_UINT)
			write_uint(field, c->size,
				   (uint64_t)sqlite3_column_int64(stmt, at));
		else if (c->type == ROW_INT)
			*(int64_t *)field = sqlite3_column_int64(stmt, at);
		else if (c->type == ROW_SECRET)
			r = read_secret(stmt, at, c->name, seal, field);
		else
			text = (const char *)sqlite3_column_text(stmt, at);
		if (c->type == ROW_TEXT)
			*(const char **)field = text ? text : "";
		else if (c->type == ROW_ADDR && text && *text &&
			 addr_parse_port(field, slice_of(text)))
			memset(field, 0, c->size);
		if (r == SEAL_E_AUTH && table->without_secrets) {
			memset(field, 0, c->size);
			unread = r;
		} else if (r) {
			return r;
		}
	}
	return unread;
}

struct put_job {
	struct job job;
	const struct row_table *table;
	const struct seal *seal;
	size_t size;                      /* of the whole */
	_Alignas(max_align_t) char row[]; /* the struct, then its texts */
};

/* What belongs to the row: all of it, or nothing. */
static int run_then(const struct put_job *put, struct writer *writer)
{
	int error = SQLITE_OK;
	sqlite3_stmt *stmt = writer_prepare(writer, put->table->then, &error);

	if (stmt)
		error = bind_field(stmt, 1, &put->table->columns[0], put->seal,
				   put->row);
	return error == SQLITE_OK ? sqlite3_step(stmt) : error;
}

static int run_put(struct job *job, struct writer *writer)
{
	struct put_job *put = (struct put_job *)job;
	int error = SQLITE_OK;
	sqlite3_stmt *stmt = writer_prepare(writer, put->table->insert, &error);

	for (size_t i = 0; stmt && error == SQLITE_OK && i < put->table->n; i++)
		error = bind_field(stmt, (int)i + 1, &put->table->columns[i],
				   put->seal, put->row);
	if (error == SQLITE_OK)
		error = sqlite3_step(stmt);
	return error == SQLITE_DONE && put->table->then ? run_then(put, writer)
							: error;
}

/* Rows hold keys. */
static void free_put(struct job *job)
{
	struct put_job *put = (struct put_job *)job;

	explicit_bzero(put->row, put->size);
	free(put);
}

size_t row_size(const struct row_table *table, const void *row)
{
	size_t n = table->size;

	for (size_t i = 0; i < table->n; i++) {
		const struct row_column *c = &table->columns[i];
		const void *field = (const char *)row + c->offset;
		const char *text = c->type == ROW_TEXT
					   ? *(const char *const *)field
					   : NULL;

		n += text ? strlen(text) + 1 : 0;
	}
	return n;
}

void row_copy(const struct row_table *table, const void *row, char *copy)
{
	char *texts = copy + table->size;

	memcpy(copy, row, table->size);
	for (size_t i = 0; i < table->n; i++) {
		const struct row_column *c = &table->columns[i];
		const char **field = (const char **)(copy + c->offset);

		if (c->type != ROW_TEXT || !*field)
			continue;
		size_t n = strlen(*field) + 1;
		memcpy(texts, *field, n);
		*field = texts;
		texts += n;
	}
}

int row_put(struct db *db, const struct row_table *table, const void *row,
	    db_done_fn done, void *arg)
{
	size_t size = row_size(table, row);
	struct put_job *put = calloc(1, sizeof(*put) + size);

	if (!put)
		return -ENOMEM;
	put->job = (struct job){ .run = run_put,
				 .free = free_put,
				 .done = done,
				 .arg = arg,
				 .durable = table->durable };
	put->table = table;
	put->seal = db_seal(db);
	put->size = size;
	row_copy(table, row, put->row);
	return worker_queue(db_worker(db), &put->job);
}

struct execute_job {
	struct job job;
	const char *one[2]; /* what @sqls points to when there is one alone */
	const char *const *sqls;
	size_t n;
	int64_t numbers[ROW_MAX_PARAMS];
	char *texts[ROW_MAX_PARAMS]; /* owned; NULL: the number */
};

static bool is_well(int error)
{
	return error == SQLITE_OK || error == SQLITE_DONE;
}

static int step(struct writer *writer, const char *sql)
{
	int error = SQLITE_OK;
	sqlite3_stmt *stmt = writer_prepare(writer, sql, &error);

	return stmt ? sqlite3_step(stmt) : error;
}

static int execute_one(const struct execute_job *x, struct writer *writer,
		       const char *sql)
{
	int error = SQLITE_OK;
	sqlite3_stmt *stmt = writer_prepare(writer, sql, &error);
	size_t n = stmt ? (size_t)sqlite3_bind_parameter_count(stmt) : 0;

	for (size_t i = 0; error == SQLITE_OK && i < n && i < x->n; i++) {
		int at = (int)i + 1;

		error = x->texts[i]
				? sqlite3_bind_text(stmt, at, x->texts[i], -1,
						    SQLITE_STATIC)
				: sqlite3_bind_int64(stmt, at, x->numbers[i]);
	}
	return error == SQLITE_OK ? sqlite3_step(stmt) : error;
}

static int run_execute(struct job *job, struct writer *writer)
{
	const struct execute_job *x = (const struct execute_job *)job;

	return execute_one(x, writer, x->sqls[0]);
}

/* The transaction is that of all jobs of the time, and goes on when this one is
 * refused. */
static int run_execute_all(struct job *job, struct writer *writer)
{
	const struct execute_job *x = (const struct execute_job *)job;
	int error = step(writer, "SAVEPOINT several");

	for (size_t i = 0; is_well(error) && x->sqls[i]; i++)
		error = execute_one(x, writer, x->sqls[i]);
	if (!is_well(error))
		(void)step(writer, "ROLLBACK TO several");
	int ended = step(writer, "RELEASE several");
	return is_well(error) ? ended : error;
}

static void free_execute(struct job *job)
{
	struct execute_job *x = (struct execute_job *)job;

	for (size_t i = 0; i < ROW_MAX_PARAMS; i++)
		free(x->texts[i]);
	free(x);
}

/* *@out is owned by the caller. */
static int new_execute(struct execute_job **out, const struct row_param *params,
		       size_t n, db_done_fn done, void *arg)
{
	struct execute_job *x = calloc(1, sizeof(*x));

	assert(n <= ROW_MAX_PARAMS);
	if (!x)
		return -ENOMEM;
	x->job = (struct job){ .run = run_execute,
			       .free = free_execute,
			       .done = done,
			       .arg = arg };
	x->sqls = x->one;
	x->n = n;
	for (size_t i = 0; i < n; i++) {
		x->numbers[i] = params[i].number;
		x->texts[i] = params[i].text ? strdup(params[i].text) : NULL;
		if (params[i].text && !x->texts[i]) {
			free_execute(&x->job);
			return -ENOMEM;
		}
	}
	*out = x;
	return 0;
}

int row_execute(struct db *db, const char *sql, const struct row_param *params,
		size_t n, db_done_fn done, void *arg)
{
	struct execute_job *x;
	int r = new_execute(&x, params, n, done, arg);

	if (r)
		return r;
	x->one[0] = sql;
	return worker_queue(db_worker(db), &x->job);
}

int row_execute_all(struct db *db, const char *const *sqls,
		    const struct row_param *params, size_t n, db_done_fn done,
		    void *arg)
{
	struct execute_job *x;
	int r = new_execute(&x, params, n, done, arg);

	if (r)
		return r;
	x->sqls = sqls;
	x->job.run = run_execute_all;
	return worker_queue(db_worker(db), &x->job);
}

static void finalize(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}

static void free_row(void *rowp)
{
	free(*(void **)rowp);
}

static void tell_unread(sqlite3_stmt *stmt, const struct row_table *table,
			const char *column)
{
	const char *key = (const char *)sqlite3_column_text(stmt, 0);

	log_error("db=unreadable row=%s column=%s: %s",
		  log_text(slice_of(key)).s, column,
		  table->without_secrets ? "read without it" : "left out");
}

int row_load_all(struct db *db, const struct row_table *table, db_row_fn fn,
		 void *arg)
{
	AUTO(finalize) sqlite3_stmt *stmt = NULL;
	AUTO(free_row) void *row = malloc(table->size);
	int error = sqlite3_prepare_v2(db_reader(db), table->select, -1, &stmt,
				       NULL);

	if (!row)
		return -ENOMEM;
	while (error == SQLITE_OK || error == SQLITE_ROW) {
		const char *column = NULL;

		error = sqlite3_step(stmt);
		if (error != SQLITE_ROW)
			break;
		int r = row_read(stmt, table, db_seal(db), row, &column);
		if (r < 0)
			return r;
		if (r)
			tell_unread(stmt, table, column);
		if (!r || table->without_secrets) {
			if (table->complete)
				table->complete(row, db);
			fn(row, arg);
		}
		explicit_bzero(row, table->size);
	}
	return db_read_error(db, error);
}
