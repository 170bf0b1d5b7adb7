/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/salvage.h"

#include <sqlite3.h>
#include <string.h>

#include "db/writer.h"

#define MARK "salvaged" /* of tables whose rows a process knows */

/* One table, of both databases. */
struct copy {
	sqlite3 *from, *to;
	const char *table;
	char *columns; /* that both have; sqlite3_free() */
	bool marked;   /* asked for */
	bool has_mark; /* @table */
	struct salvage *result;
};

static void finalize(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}

static void free_text(char **text)
{
	sqlite3_free(*text);
}

/* Whether the old table, which an earlier version may have written, has
 * @column. */
static bool has_column(const struct copy *copy, const char *column)
{
	AUTO(finalize) sqlite3_stmt *stmt = NULL;
	static const char find[] =
		"SELECT 1 FROM pragma_table_info(?) WHERE name = ?";
	int error = sqlite3_prepare_v2(copy->from, find, -1, &stmt, NULL);

	if (error == SQLITE_OK)
		error = sqlite3_bind_text(stmt, 1, copy->table, -1,
					  SQLITE_STATIC);
	if (error == SQLITE_OK)
		error = sqlite3_bind_text(stmt, 2, column, -1, SQLITE_STATIC);
	return error == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
}

/* SQLite's code. */
static int find_columns(struct copy *copy)
{
	AUTO(finalize) sqlite3_stmt *stmt = NULL;
	static const char all[] = "SELECT name FROM pragma_table_info(?)";
	sqlite3_str *list = sqlite3_str_new(copy->to);
	int error = sqlite3_prepare_v2(copy->to, all, -1, &stmt, NULL);

	if (error == SQLITE_OK)
		error = sqlite3_bind_text(stmt, 1, copy->table, -1,
					  SQLITE_STATIC);
	while (error == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
		const char *column = (const char *)sqlite3_column_text(stmt, 0);

		if (column && !strcmp(column, MARK))
			copy->has_mark = true;
		else if (column && has_column(copy, column))
			sqlite3_str_appendf(
				list, "%s\"%w\"",
				sqlite3_str_length(list) ? ", " : "", column);
	}
	copy->columns = sqlite3_str_finish(list);
	return error;
}

/* "INSERT … VALUES (?1, ?2, …)" with as many as @rows has. */
static int prepare_insert(sqlite3_stmt **out, const struct copy *copy,
			  sqlite3_stmt *rows)
{
	sqlite3_str *text = sqlite3_str_new(copy->to);
	int n = sqlite3_column_count(rows);

	bool mark = copy->marked && copy->has_mark;
	sqlite3_str_appendf(text,
			    "INSERT OR IGNORE INTO \"%w\" (%s%s) VALUES (",
			    copy->table, copy->columns, mark ? ", " MARK : "");
	for (int i = 0; i < n; i++)
		sqlite3_str_appendall(text, i ? ", ?" : "?");
	sqlite3_str_appendall(text, mark ? ", 1)" : ")");
	AUTO(free_text) char *sql = sqlite3_str_finish(text);
	return sql ? sqlite3_prepare_v2(copy->to, sql, -1, out, NULL)
		   : SQLITE_NOMEM;
}

static int insert_row(const struct copy *copy, sqlite3_stmt *insert,
		      sqlite3_stmt *rows)
{
	int n = sqlite3_column_count(rows), error = SQLITE_OK;

	for (int i = 0; error == SQLITE_OK && i < n; i++)
		error = sqlite3_bind_value(insert, i + 1,
					   sqlite3_column_value(rows, i));
	if (error == SQLITE_OK)
		error = sqlite3_step(insert);
	if (error == SQLITE_DONE)
		copy->result->rows += (unsigned long)sqlite3_changes(copy->to);
	sqlite3_reset(insert);
	return error == SQLITE_DONE ? SQLITE_OK : error;
}

/*
 * As far as they can be read; *@whole: to the end. Returns SQLite's code of the
 * new database: what the old one says is no error of ours.
 */
static int copy_rows(const struct copy *copy, const char *order, bool *whole)
{
	AUTO(free_text)
	char *sql = sqlite3_mprintf("SELECT %s FROM \"%w\" %s", copy->columns,
				    copy->table, order);
	AUTO(finalize) sqlite3_stmt *rows = NULL;
	AUTO(finalize) sqlite3_stmt *insert = NULL;
	int got = SQLITE_ROW;

	*whole = false;
	if (!sql)
		return SQLITE_NOMEM;
	if (sqlite3_prepare_v2(copy->from, sql, -1, &rows, NULL) != SQLITE_OK)
		return SQLITE_OK;
	int error = prepare_insert(&insert, copy, rows);
	while (error == SQLITE_OK && (got = sqlite3_step(rows)) == SQLITE_ROW)
		error = insert_row(copy, insert, rows);
	*whole = got == SQLITE_DONE;
	return error;
}

static int copy_table(struct copy *copy)
{
	bool whole = false;

	copy->has_mark = false;
	int error = find_columns(copy);

	if (error == SQLITE_OK && copy->columns)
		error = copy_rows(copy, "", &whole);
	if (error == SQLITE_OK && copy->columns && !whole) {
		copy->result->tables++;
		/* Ends at the damage; a table without a rowid has none. */
		error = copy_rows(copy, "ORDER BY rowid DESC", &whole);
	}
	sqlite3_free(copy->columns);
	copy->columns = NULL;
	return error;
}

static int copy_tables(sqlite3 *to, sqlite3 *from, bool marked,
		       struct salvage *result)
{
	AUTO(finalize) sqlite3_stmt *tables = NULL;
	static const char all[] = "SELECT name FROM sqlite_schema "
				  "WHERE type = 'table' AND "
				  "name NOT LIKE 'sqlite_%'";
	struct copy copy = {
		.from = from, .to = to, .marked = marked, .result = result
	};
	int error = sqlite3_prepare_v2(to, all, -1, &tables, NULL);

	while (error == SQLITE_OK && sqlite3_step(tables) == SQLITE_ROW) {
		copy.table = (const char *)sqlite3_column_text(tables, 0);
		error = copy.table ? copy_table(&copy) : SQLITE_NOMEM;
	}
	return error;
}

int salvage_rows(sqlite3 *to, const char *path, bool marked,
		 struct salvage *out)
{
	sqlite3 *from = NULL;

	*out = (struct salvage){ 0 };
	int error = sqlite3_exec(to, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (error == SQLITE_OK &&
	    sqlite3_open_v2(path, &from,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
			    NULL) == SQLITE_OK)
		error = copy_tables(to, from, marked, out);
	sqlite3_close(from);
	if (error == SQLITE_OK)
		error = sqlite3_exec(to, "COMMIT", NULL, NULL, NULL);
	if (error != SQLITE_OK && !sqlite3_get_autocommit(to))
		sqlite3_exec(to, "ROLLBACK", NULL, NULL, NULL);
	return db_error(error);
}
