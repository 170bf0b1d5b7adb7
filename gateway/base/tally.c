/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/tally.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/tree.h"

struct tally_entry {
	RB_ENTRY(tally_entry) link;
	size_t n; /* never 0 */
	size_t octets;
	const char *name;
	char text[];
};

RB_HEAD(tally_tree, tally_entry);
struct tally {
	struct tally_tree tree;
};

static int compare(const struct tally_entry *a, const struct tally_entry *b)
{
	return strcmp(a->name, b->name);
}

TREE_GENERATE(tally_tree, tally_entry, link, compare)

static struct tally_entry *find(const struct tally *tally, const char *name)
{
	struct tally_entry key = { .name = name };
	struct tally_tree tree = tally->tree;

	return RB_FIND(tally_tree, &tree, &key);
}

int tally_new(struct tally **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	RB_INIT(&(*out)->tree);
	return 0;
}

struct tally *tally_free(struct tally *tally)
{
	struct tally_entry *entry;

	if (!tally)
		return NULL;
	while ((entry = RB_MIN(tally_tree, &tally->tree))) {
		RB_REMOVE(tally_tree, &tally->tree, entry);
		free(entry);
	}
	free(tally);
	return NULL;
}

size_t tally_of(const struct tally *tally, const char *name)
{
	const struct tally_entry *entry = find(tally, name);

	return entry ? entry->n : 0;
}

size_t tally_octets(const struct tally *tally, const char *name)
{
	const struct tally_entry *entry = find(tally, name);

	return entry ? entry->octets : 0;
}

int tally_add(struct tally *tally, const char *name, size_t octets)
{
	struct tally_entry *entry = find(tally, name);
	size_t n = strlen(name) + 1;

	if (!entry) {
		entry = calloc(1, sizeof(*entry) + n);
		if (!entry)
			return -ENOMEM;
		memcpy(entry->text, name, n);
		entry->name = entry->text;
		RB_INSERT(tally_tree, &tally->tree, entry);
	}
	entry->n++;
	entry->octets += octets;
	return 0;
}

void tally_take(struct tally *tally, const char *name, size_t octets)
{
	struct tally_entry *entry = find(tally, name);

	if (!entry)
		return;
	entry->octets -= octets;
	if (--entry->n)
		return;
	RB_REMOVE(tally_tree, &tally->tree, entry);
	free(entry);
}
