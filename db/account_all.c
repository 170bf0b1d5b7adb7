/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* All accounts and numbers, to a file that may have lost them. */
#include "db/account_store.h"
#include "db/row.h"

struct number_row {
	const char *number, *trunk, *texts;
	enum account_ring ring;
	uint32_t ring_s;
};

struct owner_row {
	const char *number, *jid;
	uint64_t position;
};

static const struct row_column number_columns[] = {
	ROW_COLUMN(TEXT, "number", number_row, number),
	ROW_COLUMN(TEXT, "trunk", number_row, trunk),
	ROW_COLUMN(TEXT, "texts", number_row, texts),
	ROW_COLUMN(UINT, "ring", number_row, ring),
	ROW_COLUMN(UINT, "ring_s", number_row, ring_s),
};
static struct row_text number_sql;
static struct row_table number_table = {
	.columns = number_columns,
	.n = sizeof(number_columns) / sizeof(number_columns[0]),
	.size = sizeof(struct number_row),
};

static const struct row_column owner_columns[] = {
	ROW_COLUMN(TEXT, "number", owner_row, number),
	ROW_COLUMN(TEXT, "jid", owner_row, jid),
	ROW_COLUMN(UINT, "position", owner_row, position),
};
static struct row_text owner_sql;
static struct row_table owner_table = {
	.columns = owner_columns,
	.n = sizeof(owner_columns) / sizeof(owner_columns[0]),
	.size = sizeof(struct owner_row),
};

struct all {
	struct account_store *store;
	int result;
};

static void put_account(const struct account *account, void *arg)
{
	struct all *all = arg;
	int r = account_put(all->store, account);

	if (r)
		all->result = r;
}

static void put_number(const struct account_number *number, void *arg)
{
	struct all *all = arg;
	const struct number_row row = { .number = number->number,
					.trunk = number->trunk,
					.texts = number->texts,
					.ring = number->ring,
					.ring_s = number->ring_s };
	int r = row_put(all->store->db, &number_table, &row, NULL, NULL);

	for (size_t i = 0; !r && i < number->nowners; i++) {
		const struct owner_row owner = { .number = number->number,
						 .jid = number->owners[i],
						 .position = i + 1 };
		r = row_put(all->store->db, &owner_table, &owner, NULL, NULL);
	}
	if (r)
		all->result = r;
}

int account_put_all(struct account_store *store)
{
	struct all all = { store, 0 };

	row_sql(&number_table, &number_sql, "number", "");
	row_sql(&owner_table, &owner_sql, "owner", "");
	account_each(store, put_account, &all);
	account_each_number(store, NULL, put_number, &all);
	return all.result;
}
