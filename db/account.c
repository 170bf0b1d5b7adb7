/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/account.h"

#include <stdlib.h>
#include <string.h>

#include "db/row.h"
#include "gateway/base/clock.h"
#include "gateway/base/tree.h"

struct account_node {
	RB_ENTRY(account_node) entry;
	struct account account;
	char *forward; /* owned; what account.forward points to */
	char jid[];    /* what account.jid points to */
};

/* That @jid owns a number: a call out asks for the numbers of its account. */
struct owning {
	RB_ENTRY(owning) entry;
	const char *jid; /* @text */
	struct number_node *node;
	char text[];
};

struct number_node {
	RB_ENTRY(number_node) entry;
	struct account_number number;
	struct owning *owners[ACCOUNT_MAX_OWNERS]; /* owned */
	char *trunk;                               /* owned */
	char text[];
};

RB_HEAD(account_tree, account_node);
RB_HEAD(number_tree, number_node);
RB_HEAD(owning_tree, owning);

struct account_store {
	struct db *db;
	struct account_tree accounts;
	struct number_tree numbers;
	struct owning_tree ownings; /* by owner, then number */
};

static int compare_accounts(const struct account_node *a,
			    const struct account_node *b)
{
	return strcmp(a->account.jid, b->account.jid);
}

static int compare_numbers(const struct number_node *a,
			   const struct number_node *b)
{
	return strcmp(a->number.number, b->number.number);
}

/* Without a node it stands before all of its owner. */
static int compare_ownings(const struct owning *a, const struct owning *b)
{
	int order = strcmp(a->jid, b->jid);

	if (order || !a->node || !b->node)
		return order ? order : (a->node != NULL) - (b->node != NULL);
	return compare_numbers(a->node, b->node);
}

TREE_GENERATE(account_tree, account_node, entry, compare_accounts)
TREE_GENERATE(number_tree, number_node, entry, compare_numbers)
TREE_GENERATE(owning_tree, owning, entry, compare_ownings)

static struct account_node *find_account(const struct account_store *store,
					 const char *jid)
{
	struct account_node key = { .account.jid = jid };
	struct account_tree tree = store->accounts;

	return RB_FIND(account_tree, &tree, &key);
}

static struct number_node *find_number(const struct account_store *store,
				       const char *number)
{
	struct number_node key = { .number.number = number };
	struct number_tree tree = store->numbers;

	return RB_FIND(number_tree, &tree, &key);
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

static struct number_node *take_number(struct account_store *store,
				       const char *number)
{
	struct number_node *node = find_number(store, number);
	size_t n = strlen(number) + 1;

	if (node)
		return node;
	node = calloc(1, sizeof(*node) + n);
	if (!node)
		return NULL;
	memcpy(node->text, number, n);
	node->number.number = node->text;
	node->number.trunk = "";
	RB_INSERT(number_tree, &store->numbers, node);
	return node;
}

static void forget_account(struct account_store *store,
			   struct account_node *node)
{
	RB_REMOVE(account_tree, &store->accounts, node);
	free(node->forward);
	free(node);
}

static void forget_owning(struct account_store *store, struct owning *owning)
{
	RB_REMOVE(owning_tree, &store->ownings, owning);
	free(owning);
}

static void forget_number(struct account_store *store, struct number_node *node)
{
	RB_REMOVE(number_tree, &store->numbers, node);
	for (size_t i = 0; i < node->number.nowners; i++)
		forget_owning(store, node->owners[i]);
	free(node->trunk);
	free(node);
}

/* Where @owner stands, or nowners. */
static size_t owner_at(const struct number_node *node, const char *owner)
{
	size_t i = 0;

	while (i < node->number.nowners &&
	       strcmp(node->number.owners[i], owner) != 0)
		i++;
	return i;
}

/* @trunk is the node's from now on. */
static void take_trunk(struct number_node *node, char *trunk)
{
	free(node->trunk);
	node->trunk = trunk;
	node->number.trunk = trunk;
}

static int set_trunk(struct number_node *node, const char *trunk)
{
	char *copy = strdup(trunk);

	if (!copy)
		return -ENOMEM;
	take_trunk(node, copy);
	return 0;
}

static int add_owner(struct account_store *store, struct number_node *node,
		     const char *owner)
{
	size_t i = owner_at(node, owner), n = strlen(owner) + 1;

	if (i < node->number.nowners)
		return 0;
	if (i == ACCOUNT_MAX_OWNERS)
		return -E2BIG;
	struct owning *owning = calloc(1, sizeof(*owning) + n);
	if (!owning)
		return -ENOMEM;
	owning->jid = memcpy(owning->text, owner, n);
	owning->node = node;
	RB_INSERT(owning_tree, &store->ownings, owning);
	node->owners[i] = owning;
	node->number.owners[i] = owning->jid;
	node->number.nowners++;
	return 0;
}

static void remove_owner(struct account_store *store, struct number_node *node,
			 size_t i)
{
	size_t rest = --node->number.nowners - i;

	forget_owning(store, node->owners[i]);
	memmove(&node->owners[i], &node->owners[i + 1],
		rest * sizeof(node->owners[0]));
	memmove(&node->number.owners[i], &node->number.owners[i + 1],
		rest * sizeof(node->number.owners[0]));
}

/* Load */

struct owner_row {
	const char *number, *trunk, *jid;
	enum account_ring ring;
	uint32_t ring_s;
};

static const struct row_column owner_columns[] = {
	ROW_COLUMN(TEXT, "number", owner_row, number),
	ROW_COLUMN(TEXT, "trunk", owner_row, trunk),
	ROW_COLUMN(TEXT, "jid", owner_row, jid),
	ROW_COLUMN(UINT, "ring", owner_row, ring),
	ROW_COLUMN(UINT, "ring_s", owner_row, ring_s),
};
static const struct row_table owner_table = {
	.columns = owner_columns,
	.n = sizeof(owner_columns) / sizeof(owner_columns[0]),
	.size = sizeof(struct owner_row),
	.select = "SELECT number, trunk, jid, ring, ring_s FROM owner "
		  "JOIN number USING (number) ORDER BY number, position",
};

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

static void on_owner(const void *row, void *arg)
{
	const struct owner_row *owner = row;
	struct load *load = arg;
	struct number_node *node = take_number(load->store, owner->number);
	int r = node ? set_trunk(node, owner->trunk) : -ENOMEM;

	if (!r)
		r = add_owner(load->store, node, owner->jid);
	if (r) {
		load->result = r;
		return;
	}
	node->number.ring = owner->ring;
	node->number.ring_s = owner->ring_s;
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
	RB_INIT(&store->numbers);
	RB_INIT(&store->ownings);
	row_sql(&account_table, &account_sql, "account", "ORDER BY jid");
	int r = row_load_all(db, &account_table, on_account, &load);
	if (!r)
		r = row_load_all(db, &owner_table, on_owner, &load);
	if (r || load.result)
		return r ? r : load.result;
	*out = store;
	store = NULL;
	return 0;
}

struct account_store *account_store_free(struct account_store *store)
{
	struct account_node *account;
	struct number_node *number;

	if (!store)
		return NULL;
	while ((account = RB_MIN(account_tree, &store->accounts)))
		forget_account(store, account);
	while ((number = RB_MIN(number_tree, &store->numbers)))
		forget_number(store, number);
	free(store);
	return NULL;
}

const struct account *account_find(const struct account_store *store,
				   const char *jid)
{
	struct account_node *node = find_account(store, jid);

	return node ? &node->account : NULL;
}

const struct account_number *account_find_number(
	const struct account_store *store, const char *number)
{
	struct number_node *node = find_number(store, number);

	return node ? &node->number : NULL;
}

/* Changes: queued for the disk first, as that is what can fail late. */

int account_put(struct account_store *store, const struct account *account)
{
	return set_account(store, account, true);
}

static int execute(struct account_store *store, const char *sql, const char *a,
		   const char *b)
{
	const struct row_param params[] = { { .text = a }, { .text = b } };

	return row_execute(store->db, sql, params, b ? 2 : 1, NULL, NULL);
}

static int drop_owner(struct account_store *store, struct number_node *node,
		      size_t i)
{
	static const char drop[] = "DELETE FROM owner WHERE number = ? AND "
				   "jid = ?";
	static const char drop_number[] = "DELETE FROM number WHERE number = ?";
	int r = execute(store, drop, node->number.number,
			node->number.owners[i]);

	if (!r && node->number.nowners == 1)
		r = execute(store, drop_number, node->number.number, NULL);
	if (r)
		return r;
	remove_owner(store, node, i);
	if (!node->number.nowners)
		forget_number(store, node);
	return 0;
}

/* The first number of @owner; NULL: none. */
static struct owning *first_of(const struct account_store *store,
			       const char *owner)
{
	struct owning key = { .jid = owner };
	struct owning_tree tree = store->ownings;
	struct owning *found = RB_NFIND(owning_tree, &tree, &key);

	return found && !strcmp(found->jid, owner) ? found : NULL;
}

int account_drop(struct account_store *store, const char *jid)
{
	static const char drop[] = "DELETE FROM account WHERE jid = ?";
	struct account_node *account = find_account(store, jid);
	struct owning *owning;

	if (!account)
		return ACCOUNT_E_NOT_FOUND;
	while ((owning = first_of(store, jid))) {
		struct number_node *number = owning->node;
		int r = drop_owner(store, number, owner_at(number, jid));

		if (r)
			return r;
	}
	int r = execute(store, drop, jid, NULL);
	if (!r)
		forget_account(store, account);
	return r;
}

static int store_owner(struct account_store *store, const char *number,
		       const char *trunk, const char *owner)
{
	static const char put_number[] =
		"INSERT INTO number (number, trunk) VALUES (?, ?) "
		"ON CONFLICT (number) DO UPDATE SET trunk = excluded.trunk";
	static const char put_owner[] =
		"INSERT OR IGNORE INTO owner (number, position, jid) "
		"SELECT ?1, 1 + coalesce(max(position), 0), ?2 FROM owner "
		"WHERE number = ?1";
	int r = execute(store, put_number, number, trunk);

	return r ? r : execute(store, put_owner, number, owner);
}

int account_own(struct account_store *store, const char *number,
		const char *trunk, const char *owner)
{
	if (!find_account(store, owner)) {
		struct account account = { .jid = owner,
					   .enabled = true,
					   .created_ms = clock_wall_ms() };
		int r = account_put(store, &account);
		if (r)
			return r;
	}
	struct number_node *node = take_number(store, number);
	char *copy = strdup(trunk);
	size_t before = node ? node->number.nowners : 0;
	int r = node && copy ? add_owner(store, node, owner) : -ENOMEM;
	if (!r)
		r = store_owner(store, number, trunk, owner);
	if (!r) {
		take_trunk(node, copy);
		return 0;
	}
	free(copy);
	if (node && node->number.nowners > before)
		remove_owner(store, node, before);
	if (node && !node->number.nowners)
		forget_number(store, node);
	return r;
}

int account_set_ring(struct account_store *store, const char *number,
		     enum account_ring ring, uint32_t ring_s)
{
	static const char set[] =
		"UPDATE number SET ring = ?, ring_s = ? WHERE number = ?";
	const struct row_param params[] = { { .number = ring },
					    { .number = ring_s },
					    { .text = number } };
	struct number_node *node = find_number(store, number);

	if (!node)
		return ACCOUNT_E_NOT_FOUND;
	int r = row_execute(store->db, set, params, 3, NULL, NULL);
	if (r)
		return r;
	node->number.ring = ring;
	node->number.ring_s = ring_s;
	return 0;
}

int account_disown(struct account_store *store, const char *number,
		   const char *owner)
{
	struct number_node *node = find_number(store, number);
	int r = 0;

	if (!node)
		return ACCOUNT_E_NOT_FOUND;
	if (owner) {
		size_t i = owner_at(node, owner);

		return i < node->number.nowners ? drop_owner(store, node, i)
						: ACCOUNT_E_NOT_FOUND;
	}
	for (size_t n = node->number.nowners; n && !r; n--)
		r = drop_owner(store, node, n - 1);
	return r;
}

void account_each(const struct account_store *store, account_fn fn, void *arg)
{
	struct account_tree tree = store->accounts;
	struct account_node *node;

	RB_FOREACH(node, account_tree, &tree)
		fn(&node->account, arg);
}

void account_each_number(const struct account_store *store, const char *owner,
			 account_number_fn fn, void *arg)
{
	struct number_tree tree = store->numbers;
	struct owning *owning = owner ? first_of(store, owner) : NULL;
	struct number_node *node;

	if (!owner)
		RB_FOREACH(node, number_tree, &tree)
			fn(&node->number, arg);
	for (; owning && !strcmp(owning->jid, owner);
	     owning = RB_NEXT(owning_tree, &store->ownings, owning))
		fn(&owning->node->number, arg);
}
