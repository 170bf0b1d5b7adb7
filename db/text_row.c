/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/text_row.h"

#include "db/row.h"

#define OUTBOX(type, field) ROW_COLUMN(type, #field, outbox_row, field)
#define TEXT(type, field)   ROW_COLUMN(type, #field, text_row, field)
#define SEEN(type, field)   ROW_COLUMN(type, #field, seen_row, field)
#define REPORT(type, field) ROW_COLUMN(type, #field, report_row, field)
#define AGAIN(type, field)  ROW_COLUMN(type, #field, again_row, field)
#define BLOCK(type, field)  ROW_COLUMN(type, #field, block_row, field)
#define LENGTH(array)       (sizeof(array) / sizeof((array)[0]))

static const struct row_column outbox_columns[] = {
	OUTBOX(UINT, id),
	OUTBOX(TEXT, stanza),
	OUTBOX(INT, kept_ms),
	OUTBOX(INT, taken_ms),
};
static const struct row_column text_columns[] = {
	TEXT(UINT, id),      TEXT(TEXT, sender),     TEXT(TEXT, stanza_id),
	TEXT(TEXT, number),  TEXT(TEXT, party),      TEXT(TEXT, trunk),
	TEXT(TEXT, call_id), TEXT(TEXT, lang),       TEXT(TEXT, body),
	TEXT(UINT, receipt), TEXT(INT, received_ms), TEXT(UINT, kind),
	TEXT(UINT, sent),    TEXT(UINT, markable),
};
static const struct row_column seen_columns[] = {
	SEEN(TEXT, key),
	SEEN(INT, seen_ms),
};
static const struct row_column report_columns[] = {
	REPORT(TEXT, key),    REPORT(UINT, inbound), REPORT(TEXT, jid),
	REPORT(TEXT, id),     REPORT(TEXT, number),  REPORT(TEXT, party),
	REPORT(TEXT, trunk),  REPORT(TEXT, date),    REPORT(UINT, wants),
	REPORT(INT, kept_ms),
};
static const struct row_column again_columns[] = {
	AGAIN(TEXT, key),    AGAIN(TEXT, stanza), AGAIN(INT, kept_ms),
	AGAIN(INT, next_ms), AGAIN(UINT, tries),
};
static const struct row_column block_columns[] = {
	BLOCK(TEXT, account),
	BLOCK(TEXT, party),
	BLOCK(INT, since_ms),
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
  outbox_past = { .name = "outbox",
		  .order = "",
		  .table = { .columns = outbox_columns,
			     .n = LENGTH(outbox_columns),
			     .size = sizeof(struct outbox_row),
			     .durable = true,
			     .first = true,
			     .then = "UPDATE outbox SET salvaged = 0 "
				     "WHERE id = ?" } },
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
		      .durable = true } },
  reports = { .name = "report",
	      .order = "ORDER BY kept_ms",
	      .table = { .columns = report_columns,
			 .n = LENGTH(report_columns),
			 .size = sizeof(struct report_row),
			 .durable = true } },
  again = { .name = "again",
	    .order = "ORDER BY next_ms",
	    .table = { .columns = again_columns,
		       .n = LENGTH(again_columns),
		       .size = sizeof(struct again_row),
		       .durable = true } },
  blocks = { .name = "block",
	     .order = "",
	     .table = { .columns = block_columns,
			.n = LENGTH(block_columns),
			.size = sizeof(struct block_row),
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

int outbox_row_keep(struct db *db, const struct outbox_row *row)
{
	return row_put(db, table_of(&outbox_past), row, NULL, NULL);
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

int report_row_put(struct db *db, const struct report_row *row)
{
	return row_put(db, table_of(&reports), row, NULL, NULL);
}

int again_row_put(struct db *db, const struct again_row *row)
{
	return row_put(db, table_of(&again), row, NULL, NULL);
}

int block_row_put(struct db *db, const struct block_row *row, db_done_fn done,
		  void *arg)
{
	return row_put(db, table_of(&blocks), row, done, arg);
}

int text_row_sent(struct db *db, uint64_t id, uint64_t sent)
{
	static const char sql[] = "UPDATE text SET sent = ? WHERE id = ?";
	const struct row_param params[] = { { .number = (int64_t)sent },
					    { .number = (int64_t)id } };

	return row_execute(db, sql, params, 2, NULL, NULL);
}

static int execute(struct db *db, const char *sql, int64_t number)
{
	const struct row_param params[] = { { .number = number } };

	return row_execute(db, sql, params, 1, NULL, NULL);
}

int outbox_row_take(struct db *db, uint64_t after, uint64_t id,
		    int64_t taken_ms)
{
	static const char sql[] =
		"UPDATE outbox SET taken_ms = ? WHERE id > ? AND id <= ?";
	const struct row_param params[] = { { .number = taken_ms },
					    { .number = (int64_t)after },
					    { .number = (int64_t)id } };

	return row_execute(db, sql, params, 3, NULL, NULL);
}

int outbox_row_take_back(struct db *db, uint64_t id)
{
	static const char sql[] =
		"UPDATE outbox SET taken_ms = 0 WHERE id >= ?";

	return execute(db, sql, (int64_t)id);
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

static int drop_key(struct db *db, const char *sql, const char *key)
{
	const struct row_param params[] = { { .text = key } };

	return row_execute(db, sql, params, 1, NULL, NULL);
}

int seen_row_drop(struct db *db, const char *key)
{
	static const char sql[] = "DELETE FROM seen WHERE key = ?";

	return drop_key(db, sql, key);
}

int report_row_drop(struct db *db, const char *key)
{
	static const char sql[] = "DELETE FROM report WHERE key = ?";

	return drop_key(db, sql, key);
}

int again_row_drop(struct db *db, const char *key)
{
	static const char sql[] = "DELETE FROM again WHERE key = ?";

	return drop_key(db, sql, key);
}

int block_row_drop(struct db *db, const char *account, const char *party,
		   db_done_fn done, void *arg)
{
	static const char sql[] =
		"DELETE FROM block WHERE account = ? AND party = ?";
	const struct row_param params[] = { { .text = account },
					    { .text = party } };

	return row_execute(db, sql, params, 2, done, arg);
}

int seen_row_expire(struct db *db, int64_t before_ms)
{
	static const char sql[] = "DELETE FROM seen WHERE seen_ms < ?";

	return execute(db, sql, before_ms);
}

int report_row_expire(struct db *db, int64_t before_ms)
{
	static const char sql[] = "DELETE FROM report WHERE kept_ms < ?";

	return execute(db, sql, before_ms);
}

/* ---- reading ---- */

int outbox_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, table_of(&outbox), fn, arg);
}

int text_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, table_of(&texts), fn, arg);
}

int seen_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, table_of(&seen), fn, arg);
}

int report_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, table_of(&reports), fn, arg);
}

int again_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, table_of(&again), fn, arg);
}

int block_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, table_of(&blocks), fn, arg);
}
