/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Numbers that an administrator added, and who owns them. */
#include <stdlib.h>
#include <string.h>

#include "db/account_store.h"
#include "db/row.h"
#include "gateway/base/clock.h"

static int compare_numbers(const struct number_node *a,
			   const struct number_node *b)
{
	return strcmp(a->number.number, b->number.number);
}

/* Without a number it stands before all of its component. */
static int compare_carried(const struct number_node *a,
			   const struct number_node *b)
{
	int order = strcmp(a->number.texts, b->number.texts);

	return order ? order : compare_numbers(a, b);
}

/* Without a node it stands before all of its owner. */
static int compare_ownings(const struct owning *a, const struct owning *b)
{
	int order = strcmp(a->jid, b->jid);

	if (order || !a->node || !b->node)
		return order ? order : (a->node != NULL) - (b->node != NULL);
	return compare_numbers(a->node, b->node);
}

TREE_GENERATE(number_tree, number_node, entry, compare_numbers)
TREE_GENERATE(carried_tree, number_node, carried, compare_carried)
TREE_GENERATE(owning_tree, owning, entry, compare_ownings)

static struct number_node *find_number(const struct account_store *store,
				       const char *number)
{
	struct number_node key = { .number.number = number };
	struct number_tree tree = store->numbers;

	return RB_FIND(number_tree, &tree, &key);
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
	node->number.texts = "";
	RB_INSERT(number_tree, &store->numbers, node);
	return node;
}

static void forget_owning(struct account_store *store, struct owning *owning)
{
	RB_REMOVE(owning_tree, &store->ownings, owning);
	free(owning);
}

static void forget_number(struct account_store *store, struct number_node *node)
{
	RB_REMOVE(number_tree, &store->numbers, node);
	if (*node->number.texts)
		RB_REMOVE(carried_tree, &store->carried, node);
	for (size_t i = 0; i < node->number.nowners; i++)
		forget_owning(store, node->owners[i]);
	free(node->trunk);
	free(node->texts);
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

/* So is @texts. */
static void take_texts(struct account_store *store, struct number_node *node,
		       char *texts)
{
	if (*node->number.texts)
		RB_REMOVE(carried_tree, &store->carried, node);
	free(node->texts);
	node->texts = texts;
	node->number.texts = texts;
	if (*texts)
		RB_INSERT(carried_tree, &store->carried, node);
}

static int set_texts(struct account_store *store, struct number_node *node,
		     const char *texts)
{
	char *copy = strdup(texts);

	if (!copy)
		return -ENOMEM;
	take_texts(store, node, copy);
	return 0;
}

static int set_trunk(struct number_node *node, const char *trunk)
{
	char *copy = strdup(trunk);

	if (!copy)
		return -ENOMEM;
	take_trunk(node, copy);
	return 0;
}

/* In no tree yet; NULL: no memory. */
static struct owning *new_owning(struct number_node *node, const char *owner)
{
	size_t n = strlen(owner) + 1;
	struct owning *owning = calloc(1, sizeof(*owning) + n);

	if (!owning)
		return NULL;
	owning->jid = memcpy(owning->text, owner, n);
	owning->node = node;
	return owning;
}

static int add_owner(struct account_store *store, struct number_node *node,
		     const char *owner)
{
	size_t i = owner_at(node, owner);

	if (i < node->number.nowners)
		return 0;
	if (i == ACCOUNT_MAX_OWNERS)
		return -E2BIG;
	struct owning *owning = new_owning(node, owner);
	if (!owning)
		return -ENOMEM;
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
	const char *number, *trunk, *texts, *jid;
	enum account_ring ring;
	uint32_t ring_s;
};

static const struct row_column owner_columns[] = {
	ROW_COLUMN(TEXT, "number", owner_row, number),
	ROW_COLUMN(TEXT, "trunk", owner_row, trunk),
	ROW_COLUMN(TEXT, "texts", owner_row, texts),
	ROW_COLUMN(TEXT, "jid", owner_row, jid),
	ROW_COLUMN(UINT, "ring", owner_row, ring),
	ROW_COLUMN(UINT, "ring_s", owner_row, ring_s),
};
static const struct row_table owner_table = {
	.columns = owner_columns,
	.n = sizeof(owner_columns) / sizeof(owner_columns[0]),
	.size = sizeof(struct owner_row),
	.select = "SELECT number, trunk, texts, jid, ring, ring_s FROM owner "
		  "JOIN number USING (number) ORDER BY number, position",
};

struct load {
	struct account_store *store;
	int result;
};

static void on_owner(const void *row, void *arg)
{
	const struct owner_row *owner = row;
	struct load *load = arg;
	struct number_node *node = take_number(load->store, owner->number);
	int r = node ? set_trunk(node, owner->trunk) : -ENOMEM;

	if (!r)
		r = set_texts(load->store, node, owner->texts);
	if (!r)
		r = add_owner(load->store, node, owner->jid);
	if (r) {
		load->result = r;
		return;
	}
	node->number.ring = owner->ring;
	node->number.ring_s = owner->ring_s;
}

int account_numbers_load(struct account_store *store)
{
	struct load load = { store, 0 };

	RB_INIT(&store->numbers);
	RB_INIT(&store->carried);
	RB_INIT(&store->ownings);
	int r = row_load_all(store->db, &owner_table, on_owner, &load);
	return r ? r : load.result;
}

void account_numbers_forget(struct account_store *store)
{
	struct number_node *node;

	while ((node = RB_MIN(number_tree, &store->numbers)))
		forget_number(store, node);
}

const struct account_number *account_find_number(
	const struct account_store *store, const char *number)
{
	struct number_node *node = find_number(store, number);

	return node ? &node->number : NULL;
}

const struct account_number *account_first_carried(
	const struct account_store *store, const char *component)
{
	struct number_node key = { .number = { .number = "",
					       .texts = component } };
	struct carried_tree tree = store->carried;
	struct number_node *node = RB_NFIND(carried_tree, &tree, &key);

	return node && !strcmp(node->number.texts, component) ? &node->number
							      : NULL;
}

/* Changes: queued for the disk first, as that is what can fail late. */

/* The number goes with its last owner. */
static void drop_owner(struct account_store *store, struct number_node *node,
		       size_t i)
{
	remove_owner(store, node, i);
	if (!node->number.nowners)
		forget_number(store, node);
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

void account_numbers_release(struct account_store *store, const char *jid)
{
	struct owning *owning;

	while ((owning = first_of(store, jid)))
		drop_owner(store, owning->node, owner_at(owning->node, jid));
}

/* Behind first_of(). */
static struct owning *next_of(struct owning *owning)
{
	struct owning *next = RB_NEXT(owning_tree, NULL, owning);

	return next && !strcmp(next->jid, owning->jid) ? next : NULL;
}

static void drop_list(struct account_owning_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->renamed[i]);
	free(list->old);
	free(list->renamed);
	*list = (struct account_owning_list){ 0 };
}

int account_numbers_prepare(struct account_owning_list *out,
			    const struct account_store *store, const char *jid,
			    const char *to)
{
	struct owning *owning;
	size_t n = 0;

	*out = (struct account_owning_list){ 0 };
	for (owning = first_of(store, jid); owning; owning = next_of(owning))
		n++;
	out->old = calloc(n + 1, sizeof(struct owning *));
	out->renamed = calloc(n + 1, sizeof(struct owning *));
	int r = out->old && out->renamed ? 0 : -ENOMEM;
	for (owning = first_of(store, jid); !r && owning;
	     owning = next_of(owning)) {
		out->old[out->n] = owning;
		out->renamed[out->n] = new_owning(owning->node, to);
		r = out->renamed[out->n++] ? 0 : -ENOMEM;
	}
	if (r)
		drop_list(out);
	return r;
}

/* In the same place among the owners. */
static void replace_owning(struct account_store *store, struct owning *old,
			   struct owning *renamed)
{
	struct number_node *node = old->node;
	size_t i = owner_at(node, old->jid);

	node->owners[i] = renamed;
	node->number.owners[i] = renamed->jid;
	forget_owning(store, old);
	RB_INSERT(owning_tree, &store->ownings, renamed);
}

void account_numbers_rename(struct account_owning_list *list,
			    struct account_store *store, bool really)
{
	for (size_t i = 0; really && i < list->n; i++) {
		replace_owning(store, list->old[i], list->renamed[i]);
		list->renamed[i] = NULL;
	}
	drop_list(list);
}

static int store_owner(struct account_store *store, const char *number,
		       const char *trunk, const struct account *owner)
{
	static const char *const sqls[] = {
		"INSERT OR IGNORE INTO account (jid, enabled, calls, "
		"created_ms) VALUES (?3, 1, 0, ?4)",
		"INSERT INTO number (number, trunk) VALUES (?1, ?2) "
		"ON CONFLICT (number) DO UPDATE SET trunk = excluded.trunk",
		"INSERT OR IGNORE INTO owner (number, position, jid) "
		"SELECT ?1, 1 + coalesce(max(position), 0), ?3 FROM owner "
		"WHERE number = ?1",
		NULL,
	};
	const struct row_param params[] = { { .text = number },
					    { .text = trunk },
					    { .text = owner->jid },
					    { .number = owner->created_ms } };

	return row_execute_all(store->db, sqls, params, 4, NULL, NULL);
}

int account_own(struct account_store *store, const char *number,
		const char *trunk, const char *owner)
{
	const struct account account = { .jid = owner,
					 .enabled = true,
					 .created_ms = clock_wall_ms() };
	bool known = account_find(store, owner) != NULL;
	struct number_node *node = take_number(store, number);
	char *copy = strdup(trunk);
	size_t before = node ? node->number.nowners : 0;
	int r = node && copy ? add_owner(store, node, owner) : -ENOMEM;
	if (!r)
		r = account_remember(store, &account);
	if (!r)
		r = store_owner(store, number, trunk, &account);
	if (!r) {
		take_trunk(node, copy);
		return 0;
	}
	free(copy);
	if (!known)
		account_forget(store, owner);
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

int account_set_texts(struct account_store *store, const char *number,
		      const char *component)
{
	static const char set[] =
		"UPDATE number SET texts = ? WHERE number = ?";
	const struct row_param params[] = { { .text = component },
					    { .text = number } };
	struct number_node *node = find_number(store, number);
	char *copy;

	if (!node)
		return ACCOUNT_E_NOT_FOUND;
	copy = strdup(component);
	int r = copy ? row_execute(store->db, set, params, 2, NULL, NULL)
		     : -ENOMEM;
	if (!r)
		take_texts(store, node, copy);
	else
		free(copy);
	return r;
}

int account_disown(struct account_store *store, const char *number,
		   const char *owner)
{
	/* ?2 "": all of them. */
	static const char *const sqls[] = {
		"DELETE FROM owner WHERE number = ?1 AND ?2 IN ('', jid)",
		"DELETE FROM number WHERE number = ?1 AND NOT EXISTS (SELECT 1 "
		"FROM owner WHERE number = ?1)",
		NULL,
	};
	const struct row_param params[] = { { .text = number },
					    { .text = owner ? owner : "" } };
	struct number_node *node = find_number(store, number);
	size_t i = node && owner ? owner_at(node, owner) : 0;

	if (!node || i == node->number.nowners)
		return ACCOUNT_E_NOT_FOUND;
	int r = row_execute_all(store->db, sqls, params, 2, NULL, NULL);
	if (r)
		return r;
	if (owner)
		drop_owner(store, node, i);
	else
		forget_number(store, node);
	return 0;
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
