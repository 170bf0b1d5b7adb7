/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/trunk_row.h"

#include <stdlib.h>
#include <string.h>

#include "db/row.h"

#define COLUMN(type, name, field) ROW_COLUMN(type, name, trunk_row, field)

static const struct row_column columns[] = {
	COLUMN(TEXT, "name", name),
	COLUMN(TEXT, "proxy", proxy),
	COLUMN(TEXT, "username", username),
	COLUMN(SECRET, "password_sealed", password),
	COLUMN(TEXT, "allow", allow),
	COLUMN(UINT, "registers", registers),
	COLUMN(TEXT, "more", more),
	COLUMN(INT, "created_ms", created_ms),
};

static struct row_text sql;
static struct row_table table = { .columns = columns,
				  .n = sizeof(columns) / sizeof(columns[0]),
				  .size = sizeof(struct trunk_row) };

static const struct row_table *trunk_table(void)
{
	row_sql(&table, &sql, "trunk", "ORDER BY name");
	return &table;
}

struct trunk_row *trunk_row_copy(const struct trunk_row *row)
{
	char *copy = malloc(row_size(trunk_table(), row));

	if (copy)
		row_copy(trunk_table(), row, copy);
	return (struct trunk_row *)(void *)copy;
}

struct trunk_row *trunk_row_free(struct trunk_row *row)
{
	if (row)
		explicit_bzero(&row->password, sizeof(row->password));
	free(row);
	return NULL;
}

int trunk_row_put(struct db *db, const struct trunk_row *row, db_done_fn done,
		  void *arg)
{
	return row_put(db, trunk_table(), row, done, arg);
}

int trunk_row_drop(struct db *db, const char *name, db_done_fn done, void *arg)
{
	static const char drop[] = "DELETE FROM trunk WHERE name = ?";
	const struct row_param params[] = { { .text = name } };

	return row_execute(db, drop, params, 1, done, arg);
}

int trunk_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, trunk_table(), fn, arg);
}
