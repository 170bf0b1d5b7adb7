/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/text_row.h"

#include "db/row.h"

#define OUTBOX(type, field) ROW_COLUMN(type, #field, outbox_row, field)
#define TEXT(type, field)   ROW_COLUMN(type, #field, text_row, field)
#define SEEN(type, field)   ROW_COLUMN(type, #field, seen_row, field)
#define LENGTH(array)       (sizeof(array) / sizeof((array)[0]))

static const struct row_column outbox_columns[] = {
	OUTBOX(UINT, id),
	OUTBOX(TEXT, stanza),
	OUTBOX(INT, kept_ms),
};
static const struct row_column text_columns[] = {
	TEXT(UINT, id),      TEXT(TEXT, sender),     TEXT(TEXT, stanza_id),
	TEXT(TEXT, number),  TEXT(TEXT, party),      TEXT(TEXT, trunk),
	TEXT(TEXT, call_id), TEXT(TEXT, lang),       TEXT(TEXT, body),
	TEXT(UINT, receipt), TEXT(INT, received_ms),
};
static const struct row_column seen_columns[] = {
	SEEN(TEXT, key),
	SEEN(INT, seen_ms),
};

static struct kept_table {
	const char *name, *order;
	struct row_table table;
	struct row_text sql;
} outbox = { .name = "outbox",
	     .order = "ORDER BY id",
	     .table = { .columns = outbox_columns,
			.n = LENGTH(outbox_columns),
			.size = sizeof(struct outbox_row),
			.durable = true } },
  texts = { .name = "text",
	    .order = "ORDER BY id",
	    .table = { .columns = text_columns,
		       .n = LENGTH(text_columns),
		       .size = sizeof(struct text_row),
		       .durable = true } },
  seen = { .name = "seen",
	   .order = "ORDER BY seen_ms",
	   .table = { .columns = seen_columns,
		      .n = LENGTH(seen_columns),
		      .size = sizeof(struct seen_row),
		      .durable = true } };

static const struct row_table *table_of(struct kept_table *kept)
{
	row_sql(&kept->table, &kept->sql, kept->name, kept->order);
	return &kept->table;
}

int outbox_row_put(struct db *db, const struct outbox_row *row, db_done_fn done,
		   void *arg)
{
	return row_put(db, table_of(&outbox), row, done, arg);
}

int text_row_put(struct db *db, const struct text_row *row, db_done_fn done,
		 void *arg)
{
	return row_put(db, table_of(&texts), row, done, arg);
}

int seen_row_put(struct db *db, const struct seen_row *row)
{
	return row_put(db, table_of(&seen), row, NULL, NULL);
}

static int execute(struct db *db, const char *sql, int64_t number)
{
	const struct row_param params[] = { { .number = number } };

	return row_execute(db, sql, params, 1, NULL, NULL);
}

int outbox_row_drop_to(struct db *db, uint64_t id)
{
	static const char sql[] = "DELETE FROM outbox WHERE id <= ?";

	return execute(db, sql, (int64_t)id);
}

int outbox_row_drop(struct db *db, uint64_t id)
{
	static const char sql[] = "DELETE FROM outbox WHERE id = ?";

	return execute(db, sql, (int64_t)id);
}

int text_row_drop(struct db *db, uint64_t id)
{
	static const char sql[] = "DELETE FROM text WHERE id = ?";

	return execute(db, sql, (int64_t)id);
}

int seen_row_drop(struct db *db, const char *key)
{
	static const char sql[] = "DELETE FROM seen WHERE key = ?";
	const struct row_param params[] = { { .text = key } };

	return row_execute(db, sql, params, 1, NULL, NULL);
}

int seen_row_expire(struct db *db, int64_t before_ms)
{
	static const char sql[] = "DELETE FROM seen WHERE seen_ms < ?";

	return execute(db, sql, before_ms);
}

/* ---- reading ---- */

struct load {
	outbox_row_fn outbox;
	text_row_fn text;
	seen_row_fn seen;
	void *arg;
};

static void on_outbox(const void *row, void *arg)
{
	const struct load *load = arg;

	load->outbox(row, load->arg);
}

static void on_text(const void *row, void *arg)
{
	const struct load *load = arg;

	load->text(row, load->arg);
}

static void on_seen(const void *row, void *arg)
{
	const struct load *load = arg;

	load->seen(row, load->arg);
}

int outbox_row_load_all(struct db *db, outbox_row_fn fn, void *arg)
{
	struct load load = { .outbox = fn, .arg = arg };

	return row_load_all(db, table_of(&outbox), on_outbox, &load);
}

int text_row_load_all(struct db *db, text_row_fn fn, void *arg)
{
	struct load load = { .text = fn, .arg = arg };

	return row_load_all(db, table_of(&texts), on_text, &load);
}

int seen_row_load_all(struct db *db, seen_row_fn fn, void *arg)
{
	struct load load = { .seen = fn, .arg = arg };

	return row_load_all(db, table_of(&seen), on_seen, &load);
}
