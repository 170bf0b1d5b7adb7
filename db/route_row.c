/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/route_row.h"

#include <stdlib.h>

#include "db/row.h"

#define COLUMN(type, name, field) ROW_COLUMN(type, name, route_row, field)

static const struct row_column columns[] = {
	COLUMN(TEXT, "name", name),
	COLUMN(UINT, "position", position),
	COLUMN(TEXT, "prefixes", prefixes),
	COLUMN(TEXT, "trunks", trunks),
	COLUMN(UINT, "days", days),
	COLUMN(UINT, "from_min", from_min),
	COLUMN(UINT, "until_min", until_min),
	COLUMN(UINT, "enabled", enabled),
};

static struct row_text sql;
static struct row_table table = { .columns = columns,
				  .n = sizeof(columns) / sizeof(columns[0]),
				  .size = sizeof(struct route_row) };

static const struct row_table *route_table(void)
{
	row_sql(&table, &sql, "route", "ORDER BY position, name");
	return &table;
}

struct route_row *route_row_copy(const struct route_row *row)
{
	char *copy = malloc(row_size(route_table(), row));

	if (copy)
		row_copy(route_table(), row, copy);
	return (struct route_row *)(void *)copy;
}

struct route_row *route_row_free(struct route_row *row)
{
	free(row);
	return NULL;
}

int route_row_put(struct db *db, const struct route_row *row, db_done_fn done,
		  void *arg)
{
	return row_put(db, route_table(), row, done, arg);
}

int route_row_drop(struct db *db, const char *name, db_done_fn done, void *arg)
{
	static const char drop[] = "DELETE FROM route WHERE name = ?";
	const struct row_param params[] = { { .text = name } };

	return row_execute(db, drop, params, 1, done, arg);
}

int route_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, route_table(), fn, arg);
}
