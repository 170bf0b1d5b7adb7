/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/quota.h"

#include "db/row.h"

#define QUOTA(type, name, field) ROW_COLUMN(type, name, quota_row, field)
#define USAGE(type, name, field) ROW_COLUMN(type, name, usage_row, field)

static const struct row_column quota_columns[] = {
	QUOTA(UINT, "kind", kind),
	QUOTA(TEXT, "name", name),
	QUOTA(UINT, "calls", calls),
	QUOTA(UINT, "calls_per_minute", calls_per_minute),
	QUOTA(UINT, "minutes_per_day", minutes_per_day),
	QUOTA(TEXT, "allow", allow),
	QUOTA(TEXT, "deny", deny),
	QUOTA(UINT, "withhold", withhold),
};
static struct row_text quota_sql;
static struct row_table quota_rows = { .columns = quota_columns,
				       .n = sizeof(quota_columns) /
					    sizeof(quota_columns[0]),
				       .size = sizeof(struct quota_row) };

static const struct row_column usage_columns[] = {
	USAGE(UINT, "kind", kind),
	USAGE(TEXT, "name", name),
	USAGE(INT, "day", day),
	USAGE(UINT, "seconds", seconds),
};
static struct row_text usage_sql;
static struct row_table usage_rows = { .columns = usage_columns,
				       .n = sizeof(usage_columns) /
					    sizeof(usage_columns[0]),
				       .size = sizeof(struct usage_row) };

static const struct row_table *quota_table(void)
{
	row_sql(&quota_rows, &quota_sql, "quota", "ORDER BY kind, name");
	return &quota_rows;
}

static const struct row_table *usage_table(void)
{
	row_sql(&usage_rows, &usage_sql, "usage", "ORDER BY kind, name");
	return &usage_rows;
}

int quota_put(struct db *db, const struct quota_row *row, db_done_fn done,
	      void *arg)
{
	return row_put(db, quota_table(), row, done, arg);
}

int quota_drop(struct db *db, enum quota_kind kind, const char *name,
	       db_done_fn done, void *arg)
{
	static const char drop[] = "DELETE FROM quota WHERE kind = ? AND "
				   "name = ?";
	const struct row_param params[] = { { .number = kind },
					    { .text = name } };

	return row_execute(db, drop, params, 2, done, arg);
}

int usage_put(struct db *db, const struct usage_row *row, db_done_fn done,
	      void *arg)
{
	return row_put(db, usage_table(), row, done, arg);
}

int quota_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, quota_table(), fn, arg);
}

int usage_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, usage_table(), fn, arg);
}
