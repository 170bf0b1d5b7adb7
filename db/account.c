/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accounts, and the store of accounts and numbers. */
#include <stdlib.h>
#include <string.h>

#include "db/account_store.h"
#include "db/quota.h"
#include "db/row.h"
#include "db/setting.h"

static int compare_accounts(const struct account_node *a,
			    const struct account_node *b)
{
	return strcmp(a->account.jid, b->account.jid);
}

TREE_GENERATE(account_tree, account_node, entry, compare_accounts)

static struct account_node *find_account(const struct account_store *store,
					 const char *jid)
{
	struct account_node key = { .account.jid = jid };
	struct account_tree tree = store->accounts;

	return RB_FIND(account_tree, &tree, &key);
}

static const struct row_column account_columns[] = {
	ROW_COLUMN(TEXT, "jid", account, jid),
	ROW_COLUMN(UINT, "enabled", account, enabled),
	ROW_COLUMN(UINT, "calls", account, calls),
	ROW_COLUMN(INT, "created_ms", account, created_ms),
	ROW_COLUMN(UINT, "second_call", account, second_call),
	ROW_COLUMN(TEXT, "forward", account, forward),
	ROW_COLUMN(UINT, "early_media", account, early_media),
	ROW_COLUMN(UINT, "chat_digits", account, chat_digits),
};
static struct row_text account_sql;
static struct row_table account_table = {
	.columns = account_columns,
	.n = sizeof(account_columns) / sizeof(account_columns[0]),
	.size = sizeof(struct account),
};

/* A new node of @jid that is in no tree; NULL: no memory. */
static struct account_node *new_account(const char *jid)
{
	size_t n = strlen(jid) + 1;
	struct account_node *node = calloc(1, sizeof(*node) + n);

	if (!node)
		return NULL;
	memcpy(node->jid, jid, n);
	return node;
}

static void fill_account(struct account_node *node,
			 const struct account *account, char *forward)
{
	node->account = *account;
	node->account.jid = node->jid;
	node->account.forward = node->forward = forward;
}

/* Add or change, with @to_disk on the disk as well. */
static int set_account(struct account_store *store,
		       const struct account *account, bool to_disk)
{
	struct account_node *known = find_account(store, account->jid);
	struct account_node *node = known ? known : new_account(account->jid);
	char *forward = strdup(account->forward ? account->forward : "");
	int r = node && forward ? 0 : -ENOMEM;

	if (!r && to_disk)
		r = row_put(store->db, &account_table, account, NULL, NULL);
	if (r) {
		free(forward);
		if (!known)
			free(node);
		return r;
	}
	if (known)
		free(known->forward);
	fill_account(node, account, forward);
	if (!known)
		RB_INSERT(account_tree, &store->accounts, node);
	return 0;
}

static void forget_account(struct account_store *store,
			   struct account_node *node)
{
	RB_REMOVE(account_tree, &store->accounts, node);
	free(node->forward);
	free(node);
}

/* Load */

struct load {
	struct account_store *store;
	int result;
};

static void on_account(const void *row, void *arg)
{
	struct load *load = arg;
	int r = set_account(load->store, row, false);

	if (r)
		load->result = r;
}

int account_store_new(struct account_store **out, struct db *db)
{
	AUTO(account_store_freep)
	struct account_store *store = calloc(1, sizeof(*store));
	struct load load = { store, 0 };

	if (!store)
		return -ENOMEM;
	store->db = db;
	RB_INIT(&store->accounts);
	row_sql(&account_table, &account_sql, "account", "ORDER BY jid");
	int r = row_load_all(db, &account_table, on_account, &load);
	if (!r)
		r = account_numbers_load(store);
	if (r || load.result)
		return r ? r : load.result;
	*out = store;
	store = NULL;
	return 0;
}

struct account_store *account_store_free(struct account_store *store)
{
	struct account_node *account;

	if (!store)
		return NULL;
	while ((account = RB_MIN(account_tree, &store->accounts)))
		forget_account(store, account);
	account_numbers_forget(store);
	free(store);
	return NULL;
}

const struct account *account_find(const struct account_store *store,
				   const char *jid)
{
	struct account_node *node = find_account(store, jid);

	return node ? &node->account : NULL;
}

/* Changes: queued for the disk first, as that is what can fail late. */

int account_put(struct account_store *store, const struct account *account)
{
	return set_account(store, account, true);
}

int account_remember(struct account_store *store, const struct account *account)
{
	return find_account(store, account->jid)
		       ? 0
		       : set_account(store, account, false);
}

void account_forget(struct account_store *store, const char *jid)
{
	struct account_node *node = find_account(store, jid);

	if (node)
		forget_account(store, node);
}

/* ?1 jid, ?2 and ?3 what accounts are in quota and usage, and in setting. */
static const char erase_numbers[] =
	"DELETE FROM number WHERE number IN (SELECT number FROM owner WHERE "
	"jid = ?1) AND NOT EXISTS (SELECT 1 FROM owner WHERE owner.number = "
	"number.number AND jid <> ?1)";
static const char *const erase[] = {
	erase_numbers,
	"DELETE FROM owner WHERE jid = ?1",
	"DELETE FROM quota WHERE name = ?1 AND kind = ?2",
	"DELETE FROM usage WHERE name = ?1 AND kind = ?2",
	"DELETE FROM setting WHERE subject = ?1 AND kind = ?3",
	"DELETE FROM block WHERE account = ?1",
	"DELETE FROM contact WHERE account = ?1",
	"DELETE FROM account WHERE jid = ?1",
	NULL,
};

int account_drop(struct account_store *store, const char *jid)
{
	const struct row_param params[] = { { .text = jid },
					    { .number = QUOTA_ACCOUNT },
					    { .number = SETTING_ACCOUNT } };
	struct account_node *account = find_account(store, jid);

	if (!account)
		return ACCOUNT_E_NOT_FOUND;
	int r = row_execute_all(store->db, erase, params, 3, NULL, NULL);
	if (r)
		return r;
	account_numbers_release(store, jid);
	forget_account(store, account);
	return 0;
}

/* ?1 from, ?2 to; ?3 and ?4 what accounts are in quota and usage, and in
 * setting. */
static const char *const rename_all[] = {
	"UPDATE owner SET jid = ?2 WHERE jid = ?1",
	"UPDATE OR REPLACE quota SET name = ?2 WHERE name = ?1 AND kind = ?3",
	"UPDATE OR REPLACE usage SET name = ?2 WHERE name = ?1 AND kind = ?3",
	"DELETE FROM setting WHERE kind = ?4 AND subject = ?2",
	"UPDATE setting SET subject = ?2 WHERE kind = ?4 AND subject = ?1",
	"UPDATE OR IGNORE block SET account = ?2 WHERE account = ?1",
	"DELETE FROM block WHERE account = ?1",
	"UPDATE contact SET subscribed = 0 WHERE account = ?1",
	"UPDATE OR IGNORE contact SET account = ?2 WHERE account = ?1",
	"DELETE FROM contact WHERE account = ?1",
	"UPDATE account SET jid = ?2 WHERE jid = ?1",
	NULL,
};

int account_move(struct account_store *store, const char *jid, const char *to)
{
	const struct row_param params[] = { { .text = jid },
					    { .text = to },
					    { .number = QUOTA_ACCOUNT },
					    { .number = SETTING_ACCOUNT } };
	struct account_node *old = find_account(store, jid), *node;
	struct account_owning_list list;

	if (!old)
		return ACCOUNT_E_NOT_FOUND;
	node = new_account(to);
	int r = node ? account_numbers_prepare(&list, store, jid, to) : -ENOMEM;
	if (!r) {
		r = row_execute_all(store->db, rename_all, params, 4, NULL,
				    NULL);
		account_numbers_rename(&list, store, r == 0);
	}
	if (r) {
		free(node);
		return r;
	}
	fill_account(node, &old->account, old->forward);
	old->forward = NULL;
	forget_account(store, old);
	RB_INSERT(account_tree, &store->accounts, node);
	return 0;
}

void account_each(const struct account_store *store, account_fn fn, void *arg)
{
	struct account_tree tree = store->accounts;
	struct account_node *node;

	RB_FOREACH(node, account_tree, &tree)
		fn(&node->account, arg);
}
