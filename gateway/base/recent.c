/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/recent.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/base/tree.h"

struct recent_name {
	RB_ENTRY(recent_name) node;
	TAILQ_ENTRY(recent_name) entry; /* in the order in which they end */
	const char *name;               /* owned, except in a key */
	uint64_t end_ms;
	unsigned times;
};

RB_HEAD(recent_tree, recent_name);
struct recent {
	struct recent_tree tree;
	TAILQ_HEAD(, recent_name) order;
	size_t n, max;
	unsigned lifetime_ms;
};

static int name_cmp(const struct recent_name *a, const struct recent_name *b)
{
	return strcmp(a->name, b->name);
}

TREE_GENERATE(recent_tree, recent_name, node, name_cmp)

static struct recent_name *find(const struct recent *recent, const char *name)
{
	struct recent_name key = { .name = name };

	/* the tree is read alone */
	return RB_FIND(recent_tree, (struct recent_tree *)&recent->tree, &key);
}

static void drop(struct recent *recent, struct recent_name *old)
{
	RB_REMOVE(recent_tree, &recent->tree, old);
	TAILQ_REMOVE(&recent->order, old, entry);
	recent->n--;
	free((char *)old->name);
	free(old);
}

int recent_new(struct recent **out, size_t max, unsigned lifetime_ms)
{
	struct recent *recent = calloc(1, sizeof(*recent));

	if (!recent)
		return -ENOMEM;
	RB_INIT(&recent->tree);
	TAILQ_INIT(&recent->order);
	recent->max = max;
	recent->lifetime_ms = lifetime_ms;
	*out = recent;
	return 0;
}

struct recent *recent_free(struct recent *recent)
{
	struct recent_name *first;

	if (!recent)
		return NULL;
	while ((first = TAILQ_FIRST(&recent->order)))
		drop(recent, first);
	free(recent);
	return NULL;
}

void recent_drop(struct recent *recent, const char *name)
{
	struct recent_name *old = find(recent, name);

	if (old)
		drop(recent, old);
}

void recent_expire(struct recent *recent, uint64_t now_ms)
{
	struct recent_name *first;

	while ((first = TAILQ_FIRST(&recent->order)) && first->end_ms <= now_ms)
		drop(recent, first);
}

static void make_room(struct recent *recent, uint64_t now_ms)
{
	recent_expire(recent, now_ms);
	if (recent->n >= recent->max)
		drop(recent, TAILQ_FIRST(&recent->order));
}

/* NULL when memory is out. */
static struct recent_name *put(struct recent *recent, const char *name,
			       uint64_t now_ms)
{
	struct recent_name *new = calloc(1, sizeof(*new));

	make_room(recent, now_ms);
	if (new)
		new->name = text_dup(slice_of(name));
	if (!new || !new->name) {
		free(new);
		return NULL;
	}
	new->end_ms = now_ms + recent->lifetime_ms;
	RB_INSERT(recent_tree, &recent->tree, new);
	TAILQ_INSERT_TAIL(&recent->order, new, entry);
	recent->n++;
	return new;
}

void recent_add(struct recent *recent, const char *name, uint64_t now_ms)
{
	recent_drop(recent, name);
	put(recent, name, now_ms);
}

unsigned recent_count(struct recent *recent, const char *name, uint64_t now_ms)
{
	struct recent_name *found = find(recent, name);

	if (found && found->end_ms <= now_ms) {
		drop(recent, found);
		found = NULL;
	}
	if (!found)
		found = put(recent, name, now_ms);
	return found ? ++found->times : 0;
}

/* The first that is not before @name. */
static struct recent_name *find_from(const struct recent *recent,
				     const char *name)
{
	struct recent_name key = { .name = name };

	return RB_NFIND(recent_tree, (struct recent_tree *)&recent->tree, &key);
}

const char *recent_next(const struct recent *recent, const char *name)
{
	struct recent_name *one = find_from(recent, name);

	if (one && !strcmp(one->name, name))
		one = RB_NEXT(recent_tree, &recent->tree, one);
	return one ? one->name : NULL;
}

bool recent_has_prefix(const struct recent *recent, const char *prefix,
		       uint64_t now_ms)
{
	struct recent_name *one = find_from(recent, prefix);
	size_t n = strlen(prefix);

	while (one && !strncmp(one->name, prefix, n) && one->end_ms <= now_ms)
		one = RB_NEXT(recent_tree, &recent->tree, one);
	return one && !strncmp(one->name, prefix, n);
}

bool recent_has(const struct recent *recent, const char *name, uint64_t now_ms)
{
	const struct recent_name *found = find(recent, name);

	return found && found->end_ms > now_ms;
}
