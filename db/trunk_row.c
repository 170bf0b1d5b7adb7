/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/trunk_row.h"

#include <stdlib.h>
#include <string.h>

#include "db/row.h"
#include "db/seal.h"
#include "gateway/base/log.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"

#define MORE_SEALED               "more_sealed"
#define COLUMN(type, name, field) ROW_COLUMN(type, name, trunk_row, field)

static const struct row_column columns[] = {
	COLUMN(TEXT, "name", name),
	COLUMN(TEXT, "proxy", proxy),
	COLUMN(TEXT, "username", username),
	COLUMN(SECRET, "password_sealed", password),
	COLUMN(TEXT, "allow", allow),
	COLUMN(UINT, "registers", registers),
	COLUMN(TEXT, "more", more),
	COLUMN(TEXT, MORE_SEALED, more_sealed),
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
	if (row && row->more)
		explicit_bzero((char *)row->more, strlen(row->more));
	if (row)
		explicit_bzero(&row->password, sizeof(row->password));
	free(row);
	return NULL;
}

int trunk_row_put(struct db *db, const struct trunk_row *row, db_done_fn done,
		  void *arg)
{
	struct trunk_row stored = *row;
	char *sealed = NULL;
	int r = 0;

	if (row->more && *row->more)
		r = seal_encode_text(&sealed, db_seal(db), MORE_SEALED,
				     row->more);
	stored.more = "";
	stored.more_sealed = sealed;
	if (!r)
		r = row_put(db, trunk_table(), &stored, done, arg);
	explicit_bzero(&stored.password, sizeof(stored.password));
	free(sealed);
	return r;
}

int trunk_row_drop(struct db *db, const char *name, db_done_fn done, void *arg)
{
	static const char drop[] = "DELETE FROM trunk WHERE name = ?";
	const struct row_param params[] = { { .text = name } };

	return row_execute(db, drop, params, 1, done, arg);
}

struct load {
	struct db *db;
	db_row_fn fn;
	void *arg;
};

static void on_row(const void *stored, void *arg)
{
	const struct load *load = arg;
	struct trunk_row row = *(const struct trunk_row *)stored;
	char *more = NULL;
	int r = *row.more_sealed
			? seal_decode_text(&more, db_seal(load->db),
					   MORE_SEALED, row.more_sealed)
			: 0;

	if (r) {
		log_error("trunk=%s not-opened: its further keys cannot be "
			  "unsealed",
			  log_text(slice_of(row.name)).s);
		return;
	}
	if (more)
		row.more = more;
	else if (*row.more) /* of a version before */
		(void)!trunk_row_put(load->db, &row, NULL, NULL);
	row.more_sealed = "";
	load->fn(&row, load->arg);
	explicit_bzero(&row.password, sizeof(row.password));
	text_wipe(more);
}

int trunk_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	struct load load = { db, fn, arg };

	return row_load_all(db, trunk_table(), on_row, &load);
}
