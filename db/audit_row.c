/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/audit_row.h"

#include <sqlite3.h>

#include "db/row.h"

#define COLUMN(type, name) ROW_COLUMN(type, #name, audit_row, name)

static const struct row_column columns[] = {
	COLUMN(UINT, id),     COLUMN(INT, at_ms),  COLUMN(TEXT, who),
	COLUMN(TEXT, face),   COLUMN(TEXT, node),  COLUMN(TEXT, object),
	COLUMN(TEXT, before), COLUMN(TEXT, after),
};

static struct row_text sql;
static struct row_table table = { .columns = columns,
				  .n = sizeof(columns) / sizeof(columns[0]),
				  .size = sizeof(struct audit_row) };

static const struct row_table *audit_table(void)
{
	row_sql(&table, &sql, "audit", "");
	return &table;
}

int audit_row_put(struct db *db, const struct audit_row *row, db_done_fn done,
		  void *arg)
{
	return row_put(db, audit_table(), row, done, arg);
}

int audit_row_wait(struct db *db, db_done_fn done, void *arg)
{
	static const char nothing[] = "DELETE FROM audit WHERE id = ?";
	const struct row_param params[] = { { .number = -1 } };

	return row_execute(db, nothing, params, 1, done, arg);
}

/* Newest first; what stands in ?1 and ?2 may be anywhere. */
static const char find[] =
	"SELECT id, at_ms, who, face, node, object, before, after FROM audit "
	"WHERE (?1 = '' OR instr(who, ?1)) AND (?2 = '' OR instr(object, ?2) "
	"OR instr(before, ?2) OR instr(after, ?2) OR node = ?2) "
	"ORDER BY id DESC LIMIT ?3";

static int read_all(sqlite3_stmt *stmt, struct db *db, db_row_fn fn, void *arg)
{
	struct audit_row row;
	const char *column;
	int error;

	while ((error = sqlite3_step(stmt)) == SQLITE_ROW) {
		int r = row_read(stmt, audit_table(), db_seal(db), &row,
				 &column);

		if (r)
			return r < 0 ? r : -EIO;
		fn(&row, arg);
	}
	return db_read_error(db, error);
}

int audit_row_find(struct db *db, const struct audit_filter *filter,
		   db_row_fn fn, void *arg)
{
	sqlite3_stmt *stmt = NULL;
	int error = sqlite3_prepare_v2(db_reader(db), find, -1, &stmt, NULL);

	if (error == SQLITE_OK)
		error = sqlite3_bind_text(stmt, 1, filter->who, -1,
					  SQLITE_STATIC);
	if (error == SQLITE_OK)
		error = sqlite3_bind_text(stmt, 2, filter->what, -1,
					  SQLITE_STATIC);
	if (error == SQLITE_OK)
		error = sqlite3_bind_int64(stmt, 3, filter->limit);
	int r = error == SQLITE_OK ? read_all(stmt, db, fn, arg)
				   : db_read_error(db, error);
	sqlite3_finalize(stmt);
	return r;
}

/* Ids are times (gateway/admin/admin.c), and the table's order. */
int audit_row_expire(struct db *db, uint64_t before_id)
{
	static const char drop[] = "DELETE FROM audit WHERE id < ?";
	const struct row_param params[] = { { .number = (int64_t)before_id } };

	return row_execute(db, drop, params, 1, NULL, NULL);
}
