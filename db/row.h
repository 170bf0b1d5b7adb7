/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Plain structs as rows: a table of columns says which field is which column,
 * and one piece of code copies, binds and reads them all.
 *
 * Private to db/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"
#include "db/worker.h"

struct seal;

enum row_type {
	ROW_TEXT,   /* const char *, NULL as "" */
	ROW_UINT,   /* unsigned, enum and bool, of 1, 2, 4 or 8 octets */
	ROW_INT,    /* int64_t */
	ROW_ADDR,   /* struct addr, "" when unset */
	ROW_SECRET, /* struct db_secret */
};

struct row_column {
	const char *name;
	enum row_type type;
	size_t offset, size;
};
#define ROW_COLUMN(type, name, row, field)                     \
	{                                                      \
		name, ROW_##type, offsetof(struct row, field), \
			sizeof(((struct row *)NULL)->field)    \
	}

enum { ROW_MAX_COLUMNS = 96 };

struct row_table {
	const struct row_column *columns;
	size_t n;
	size_t size;  /* of the struct */
	bool durable; /* as struct job's */
	bool first;   /* a row that is there stays as it is */
	/* Done in the same transaction behind the insert, with the first column
	 * as its parameter. A constant; NULL: nothing. */
	const char *then;
	bool without_secrets; /* one that cannot be unsealed is read as empty */
	/* Fills what is no column of a row that was read; NULL: nothing is. */
	void (*complete)(void *row, const struct db *db);
	const char *insert; /* "INSERT … VALUES (?, …)" in the same order */
	const char *select; /* "SELECT … FROM …" in the same order */
};

/* The SQL of a table, built once by row_sql(). */
struct row_text {
	char insert[4096], select[4096];
};
/* Fill @text and point @table at it; again is fine. */
void row_sql(struct row_table *table, struct row_text *text, const char *name,
	     const char *order);

/* Octets of a copy of @row with its texts behind it; and make that at @copy. */
size_t row_size(const struct row_table *table, const void *row);
void row_copy(const struct row_table *table, const void *row, char *copy);

/* Queue a copy of @row to be inserted; one with its key is replaced, or stays
 * (@table first). As session_put(). */
CHECKED int row_put(struct db *db, const struct row_table *table,
		    const void *row, db_done_fn done, void *arg);

/* What is the same for rows that say the same, and tells no secret. 0, -ENOMEM.
 */
enum { ROW_DIGEST_LEN = 32 };
CHECKED int row_digest(const struct row_table *table, const void *row,
		       uint8_t out[static ROW_DIGEST_LEN]);

/* Parameters of a statement that changes something. */
enum { ROW_MAX_PARAMS = 4 };
struct row_param {
	const char *text; /* NULL: the number */
	int64_t number;
};
CHECKED int row_execute(struct db *db, const char *sql,
			const struct row_param *params, size_t n,
			db_done_fn done, void *arg);
/* Several (@sqls ends in NULL, and lasts), each with those of @params that it
 * names (?1, ?2, …): all of them are done, or none. */
CHECKED int row_execute_all(struct db *db, const char *const *sqls,
			    const struct row_param *params, size_t n,
			    db_done_fn done, void *arg);

/*
 * The current row of @stmt into @row; strings are borrowed from @stmt until its
 * next step. 0, or SEAL_E_AUTH with @column the one that cannot be read; of a
 * table without_secrets that is empty then, and all others are read.
 */
CHECKED int row_read(struct sqlite3_stmt *stmt, const struct row_table *table,
		     const struct seal *seal, void *row, const char **column);

/*
 * @fn for each row of @table, on the main thread. Rows that cannot be unsealed
 * are logged, and left out unless they may be @table without_secrets. 0 or
 * -errno.
 */
CHECKED int row_load_all(struct db *db, const struct row_table *table,
			 db_row_fn fn, void *arg);

/* The parts of the database that db/ itself uses. The reader is another one
 * after a turn of the loop. */
struct sqlite3 *db_reader(struct db *db);
struct worker *db_worker(struct db *db);
/* As db_error(), of a read from db_reader(): one that finds the file corrupt
 * has it replaced. */
int db_read_error(struct db *db, int code);
const struct seal *db_seal(const struct db *db);
