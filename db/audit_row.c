/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/audit_row.h"

#include <assert.h>

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
	row_sql(&table, &sql, "audit", "ORDER BY id DESC LIMIT 1000");
	static_assert(AUDIT_ROW_MAX == 1000, "as the statement says");
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

int audit_row_load(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, audit_table(), fn, arg);
}
