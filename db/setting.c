/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/setting.h"

#include <stdlib.h>
#include <string.h>

#include "db/row.h"
#include "gateway/base/tree.h"

#define COLUMN(type, name) ROW_COLUMN(type, #name, setting, name)

/* What @setting points to stands behind it, in @text. */
struct setting_node {
	RB_ENTRY(setting_node) entry;
	struct setting setting;
	char text[];
};

RB_HEAD(setting_tree, setting_node);

struct setting_store {
	struct db *db;
	struct setting_tree tree;
};

static const struct row_column columns[] = {
	COLUMN(UINT, kind),
	COLUMN(TEXT, subject),
	COLUMN(TEXT, name),
	COLUMN(TEXT, value),
};

static struct row_text sql;
static struct row_table table = { .columns = columns,
				  .n = sizeof(columns) / sizeof(columns[0]),
				  .size = sizeof(struct setting) };

static int compare(const struct setting_node *a, const struct setting_node *b)
{
	int order = (a->setting.kind > b->setting.kind) -
		    (a->setting.kind < b->setting.kind);

	if (!order)
		order = strcmp(a->setting.subject, b->setting.subject);
	return order ? order : strcmp(a->setting.name, b->setting.name);
}

TREE_GENERATE(setting_tree, setting_node, entry, compare)

static struct setting_node *find(const struct setting_store *store,
				 enum setting_kind kind, const char *subject,
				 const char *name)
{
	struct setting_node key = {
		.setting = { .kind = kind, .subject = subject, .name = name }
	};
	struct setting_tree tree = store->tree;

	return RB_FIND(setting_tree, &tree, &key);
}

static bool is_of(const struct setting_node *node, enum setting_kind kind,
		  const char *subject)
{
	return node->setting.kind == kind &&
	       !strcmp(node->setting.subject, subject);
}

/* Those of one subject stand together. */
static struct setting_node *find_first(const struct setting_store *store,
				       enum setting_kind kind,
				       const char *subject)
{
	struct setting_node key = {
		.setting = { .kind = kind, .subject = subject, .name = "" }
	};
	struct setting_tree tree = store->tree;
	struct setting_node *node = RB_NFIND(setting_tree, &tree, &key);

	return node && is_of(node, kind, subject) ? node : NULL;
}

static struct setting_node *new_node(const struct setting *setting)
{
	size_t subject = strlen(setting->subject) + 1;
	size_t name = strlen(setting->name) + 1;
	size_t value = strlen(setting->value) + 1;
	struct setting_node *node =
		calloc(1, sizeof(*node) + subject + name + value);
	char *text = node ? node->text : NULL;

	if (!node)
		return NULL;
	node->setting.kind = setting->kind;
	node->setting.subject = memcpy(text, setting->subject, subject);
	text += subject;
	node->setting.name = memcpy(text, setting->name, name);
	text += name;
	node->setting.value = memcpy(text, setting->value, value);
	return node;
}

static void forget(struct setting_store *store, struct setting_node *node)
{
	RB_REMOVE(setting_tree, &store->tree, node);
	free(node);
}

struct load {
	struct setting_store *store;
	int result;
};

static void on_row(const void *row, void *arg)
{
	struct load *load = arg;
	struct setting_node *node = new_node(row);

	if (node)
		RB_INSERT(setting_tree, &load->store->tree, node);
	else
		load->result = -ENOMEM;
}

int setting_store_new(struct setting_store **out, struct db *db)
{
	struct setting_store *store = calloc(1, sizeof(*store));
	struct load load = { store, 0 };

	if (!store)
		return -ENOMEM;
	store->db = db;
	RB_INIT(&store->tree);
	row_sql(&table, &sql, "setting", "");
	int r = row_load_all(db, &table, on_row, &load);
	if (r || load.result) {
		setting_store_free(store);
		return r ? r : load.result;
	}
	*out = store;
	return 0;
}

struct setting_store *setting_store_free(struct setting_store *store)
{
	struct setting_node *node;

	if (!store)
		return NULL;
	while ((node = RB_MIN(setting_tree, &store->tree)))
		forget(store, node);
	free(store);
	return NULL;
}

const char *setting_get(const struct setting_store *store,
			enum setting_kind kind, const char *subject,
			const char *name)
{
	const struct setting_node *node =
		store ? find(store, kind, subject, name) : NULL;

	return node ? node->setting.value : "";
}

int setting_put_all(struct setting_store *store)
{
	struct setting_node *node;
	int r = 0;

	RB_FOREACH(node, setting_tree, &store->tree) {
		int one =
			row_put(store->db, &table, &node->setting, NULL, NULL);
		r = one ? one : r;
	}
	return r;
}

static int erase(struct setting_store *store, const struct setting *setting)
{
	static const char drop[] = "DELETE FROM setting WHERE kind = ? AND "
				   "subject = ? AND name = ?";
	const struct row_param params[] = { { .number = setting->kind },
					    { .text = setting->subject },
					    { .text = setting->name } };

	return row_execute(store->db, drop, params, 3, NULL, NULL);
}

int setting_put(struct setting_store *store, const struct setting *setting)
{
	struct setting_node *old =
		find(store, setting->kind, setting->subject, setting->name);
	struct setting_node *node = *setting->value ? new_node(setting) : NULL;

	if (*setting->value && !node)
		return -ENOMEM;
	int r = node ? row_put(store->db, &table, setting, NULL, NULL)
		     : erase(store, setting);
	if (r) {
		free(node);
		return r;
	}
	if (old)
		forget(store, old);
	if (node)
		RB_INSERT(setting_tree, &store->tree, node);
	return 0;
}

void setting_forget(struct setting_store *store, enum setting_kind kind,
		    const char *subject)
{
	struct setting_node *node;

	while ((node = find_first(store, kind, subject)))
		forget(store, node);
}

/* What is added may come up on the way, and is of another. */
int setting_copy(struct setting_store *store, enum setting_kind kind,
		 const char *from, const char *to)
{
	struct setting_node *node = find_first(store, kind, from);

	for (; node && is_of(node, kind, from);
	     node = RB_NEXT(setting_tree, &store->tree, node)) {
		struct setting copy = node->setting;
		struct setting_node *added;

		copy.subject = to;
		added = new_node(&copy);
		if (!added)
			return -ENOMEM;
		RB_INSERT(setting_tree, &store->tree, added);
	}
	return 0;
}

int setting_drop(struct setting_store *store, enum setting_kind kind,
		 const char *subject)
{
	static const char drop[] =
		"DELETE FROM setting WHERE kind = ? AND subject = ?";
	const struct row_param params[] = { { .number = kind },
					    { .text = subject } };
	int r = row_execute(store->db, drop, params, 2, NULL, NULL);

	if (!r)
		setting_forget(store, kind, subject);
	return r;
}
