/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/contact.h"

#include <stdlib.h>
#include <string.h>

#include "db/row.h"
#include "gateway/base/tree.h"

struct contact_node {
	RB_ENTRY(contact_node) entry;
	struct contact contact;
	char text[]; /* what contact points to */
};

RB_HEAD(contact_tree, contact_node);

struct contact_store {
	struct db *db;
	struct contact_tree tree;
};

static int compare(const struct contact_node *a, const struct contact_node *b)
{
	int r = strcmp(a->contact.account, b->contact.account);

	return r ? r : strcmp(a->contact.local, b->contact.local);
}

TREE_GENERATE(contact_tree, contact_node, entry, compare)

static const struct row_column columns[] = {
	ROW_COLUMN(TEXT, "account", contact, account),
	ROW_COLUMN(TEXT, "local", contact, local),
	ROW_COLUMN(TEXT, "name", contact, name),
	ROW_COLUMN(UINT, "subscribed", contact, subscribed),
	ROW_COLUMN(INT, "seen_ms", contact, seen_ms),
	ROW_COLUMN(TEXT, "number", contact, number),
};
static struct row_text contact_sql;
static struct row_table contact_table = {
	.columns = columns,
	.n = sizeof(columns) / sizeof(columns[0]),
	.size = sizeof(struct contact),
};

/* NULL: no memory. */
static struct contact_node *node_new(const struct contact *contact)
{
	size_t n = row_size(&contact_table, contact);
	struct contact_node *node =
		malloc(offsetof(struct contact_node, contact) + n);

	if (!node)
		return NULL;
	row_copy(&contact_table, contact, (char *)&node->contact);
	return node;
}

static struct contact_node *find(const struct contact_store *store,
				 const char *account, const char *local)
{
	struct contact_node key = { .contact = { .account = account,
						 .local = local } };
	struct contact_tree tree = store->tree;

	return RB_FIND(contact_tree, &tree, &key);
}

/* The first one not before that place. */
static struct contact_node *find_from(const struct contact_store *store,
				      const char *account, const char *local)
{
	struct contact_node key = { .contact = { .account = account,
						 .local = local } };
	struct contact_tree tree = store->tree;

	return RB_NFIND(contact_tree, &tree, &key);
}

static void forget(struct contact_store *store, struct contact_node *node)
{
	RB_REMOVE(contact_tree, &store->tree, node);
	free(node);
}

/* Load */

struct load {
	struct contact_store *store;
	int result;
};

static void on_row(const void *row, void *arg)
{
	struct load *load = arg;
	struct contact_node *node = node_new(row);

	if (!node)
		load->result = -ENOMEM;
	else if (RB_INSERT(contact_tree, &load->store->tree, node))
		free(node);
}

int contact_store_new(struct contact_store **out, struct db *db)
{
	AUTO(contact_store_freep)
	struct contact_store *store = calloc(1, sizeof(*store));
	struct load load = { store, 0 };

	if (!store)
		return -ENOMEM;
	store->db = db;
	RB_INIT(&store->tree);
	row_sql(&contact_table, &contact_sql, "contact", "");
	int r = row_load_all(db, &contact_table, on_row, &load);
	if (r || load.result)
		return r ? r : load.result;
	*out = store;
	store = NULL;
	return 0;
}

struct contact_store *contact_store_free(struct contact_store *store)
{
	struct contact_node *node;

	if (!store)
		return NULL;
	while ((node = RB_MIN(contact_tree, &store->tree)))
		forget(store, node);
	free(store);
	return NULL;
}

const struct contact *contact_find(const struct contact_store *store,
				   const char *account, const char *local)
{
	const struct contact_node *node = find(store, account, local);

	return node ? &node->contact : NULL;
}

/* Changes: queued for the disk first, as that is what can fail late. */

int contact_drop(struct contact_store *store, const char *account,
		 const char *local)
{
	static const char sql[] =
		"DELETE FROM contact WHERE account = ? AND local = ?";
	const struct row_param params[] = { { .text = account },
					    { .text = local } };
	struct contact_node *node = find(store, account, local);

	if (!node)
		return 0;
	int r = row_execute(store->db, sql, params, 2, NULL, NULL);
	if (!r)
		forget(store, node);
	return r;
}

void contact_forget(struct contact_store *store, const char *account)
{
	struct contact_node *node;

	while ((node = find_from(store, account, "")) &&
	       !strcmp(node->contact.account, account))
		forget(store, node);
}

int contact_copy(struct contact_store *store, const char *from, const char *to)
{
	struct contact_node *node = find_from(store, from, "");

	for (; node && !strcmp(node->contact.account, from);
	     node = RB_NEXT(contact_tree, &store->tree, node)) {
		struct contact copy = node->contact;
		struct contact_node *added;

		if (find(store, to, copy.local))
			continue;
		copy.account = to;
		copy.subscribed = false;
		added = node_new(&copy);
		if (!added)
			return -ENOMEM;
		RB_INSERT(contact_tree, &store->tree, added);
	}
	return 0;
}

/* Make room for one more of @account. */
static int make_room(struct contact_store *store, const char *account)
{
	struct contact_node *node = find_from(store, account, "");
	struct contact_node *oldest = NULL;
	size_t n = 0;

	for (; node && !strcmp(node->contact.account, account);
	     node = RB_NEXT(contact_tree, &store->tree, node)) {
		n++;
		if (!node->contact.subscribed &&
		    (!oldest ||
		     node->contact.seen_ms < oldest->contact.seen_ms))
			oldest = node;
	}
	if (n < CONTACT_MAX)
		return 0;
	return oldest ? contact_drop(store, account, oldest->contact.local)
		      : -E2BIG;
}

int contact_put(struct contact_store *store, const struct contact *contact)
{
	struct contact_node *known =
		find(store, contact->account, contact->local);
	int r = known ? 0 : make_room(store, contact->account);

	if (r)
		return r;
	struct contact_node *node = node_new(contact);
	if (!node)
		return -ENOMEM;
	r = row_put(store->db, &contact_table, &node->contact, NULL, NULL);
	if (r) {
		free(node);
		return r;
	}
	if (known)
		forget(store, known);
	RB_INSERT(contact_tree, &store->tree, node);
	return 0;
}

int contact_put_all(struct contact_store *store)
{
	struct contact_node *node;
	int r = 0;

	RB_FOREACH(node, contact_tree, &store->tree) {
		int one = row_put(store->db, &contact_table, &node->contact,
				  NULL, NULL);
		r = one ? one : r;
	}
	return r;
}

void contact_each(const struct contact_store *store, contact_fn fn, void *arg)
{
	struct contact_tree tree = store->tree;
	struct contact_node *node;

	RB_FOREACH(node, contact_tree, &tree)
		fn(&node->contact, arg);
}

const struct contact *contact_after(const struct contact_store *store,
				    const char *account, const char *local)
{
	struct contact_node *node = find_from(store, account, local);

	if (node && !strcmp(node->contact.account, account) &&
	    !strcmp(node->contact.local, local))
		node = RB_NEXT(contact_tree, &store->tree, node);
	return node ? &node->contact : NULL;
}
