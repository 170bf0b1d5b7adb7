/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The tree of a stanza. A node is an element, or text when it has no name.
 */
#include "xmpp/stanza.h"

#include <bsd/sys/queue.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"

struct attr {
	TAILQ_ENTRY(attr) entry;
	char *name;
	char *value;
};

TAILQ_HEAD(attrs, attr);
TAILQ_HEAD(nodes, stanza);

struct stanza {
	TAILQ_ENTRY(stanza) entry;
	struct stanza *parent;
	char *name; /* NULL: this is text */
	char *ns;
	char *text;
	size_t ntext;
	struct attrs attrs;
	struct nodes children;
	bool failed; /* of the root: something was lost */
};

static void mark(struct stanza *st)
{
	while (st->parent)
		st = st->parent;
	st->failed = true;
}

bool stanza_ok(const struct stanza *st)
{
	while (st && st->parent)
		st = st->parent;
	return st && !st->failed;
}

static void free_attr(struct stanza *st, struct attr *attr)
{
	TAILQ_REMOVE(&st->attrs, attr, entry);
	free(attr->name);
	free(attr->value);
	free(attr);
}

struct stanza *stanza_free(struct stanza *st)
{
	if (!st)
		return NULL;
	if (st->parent)
		TAILQ_REMOVE(&st->parent->children, st, entry);
	while (!TAILQ_EMPTY(&st->children))
		stanza_free(TAILQ_FIRST(&st->children));
	while (!TAILQ_EMPTY(&st->attrs))
		free_attr(st, TAILQ_FIRST(&st->attrs));
	free(st->name);
	free(st->ns);
	free(st->text);
	free(st);
	return NULL;
}

static struct stanza *new_node(void)
{
	struct stanza *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	TAILQ_INIT(&st->attrs);
	TAILQ_INIT(&st->children);
	return st;
}

int stanza_new(struct stanza **out, const char *name, const char *ns)
{
	AUTO(stanza_freep) struct stanza *st = new_node();

	if (!st)
		return -ENOMEM;
	st->name = text_dup(slice_of(name));
	st->ns = text_dup(slice_of(ns ? ns : STANZA_NS));
	if (!st->name || !st->ns)
		return -ENOMEM;
	*out = st;
	st = NULL;
	return 0;
}

static void append(struct stanza *parent, struct stanza *node)
{
	node->parent = parent;
	TAILQ_INSERT_TAIL(&parent->children, node, entry);
}

struct stanza *stanza_child(struct stanza *parent, const char *name,
			    const char *ns)
{
	struct stanza *child = NULL;

	if (!parent)
		return NULL;
	if (stanza_new(&child, name, ns ? ns : parent->ns)) {
		mark(parent);
		return NULL;
	}
	append(parent, child);
	return child;
}

struct stanza *stanza_child_text(struct stanza *parent, const char *name,
				 const char *ns, const char *text)
{
	struct stanza *child = stanza_child(parent, name, ns);

	stanza_add_text(child, text);
	return child;
}

/* Pieces of one text are one text. */
static void extend_text(struct stanza *node, struct slice text)
{
	size_t n = node->ntext + text.n;
	char *longer = realloc(node->text, n + 1);

	if (!longer) {
		mark(node);
		return;
	}
	memcpy(longer + node->ntext, text.p, text.n);
	longer[n] = '\0';
	node->text = longer;
	node->ntext = n;
}

void stanza_add_slice(struct stanza *st, struct slice text)
{
	if (!st || !text.n)
		return;
	struct stanza *last = TAILQ_LAST(&st->children, nodes);
	if (last && !last->name) {
		extend_text(last, text);
		return;
	}
	struct stanza *node = new_node();
	if (node)
		node->text = text_dup(text);
	if (!node || !node->text) {
		stanza_free(node);
		mark(st);
		return;
	}
	node->ntext = text.n;
	append(st, node);
}

void stanza_add_text(struct stanza *st, const char *text)
{
	stanza_add_slice(st, slice_of(text));
}

void stanza_adopt(struct stanza *parent, struct stanza *child)
{
	if (!parent) {
		stanza_free(child);
		return;
	}
	if (!child) {
		mark(parent);
		return;
	}
	if (child->failed)
		mark(parent);
	append(parent, child);
}

struct stanza *stanza_parent(const struct stanza *st)
{
	return st->parent;
}

struct stanza *stanza_detach(struct stanza *child)
{
	if (child->parent)
		TAILQ_REMOVE(&child->parent->children, child, entry);
	child->parent = NULL;
	return child;
}

static struct attr *find_attr(const struct stanza *st, const char *name)
{
	struct attr *attr;

	TAILQ_FOREACH(attr, &st->attrs, entry)
		if (!strcmp(attr->name, name))
			return attr;
	return NULL;
}

static int add_attr(struct stanza *st, const char *name, const char *value)
{
	struct attr *attr = calloc(1, sizeof(*attr));

	if (!attr)
		return -ENOMEM;
	attr->name = text_dup(slice_of(name));
	attr->value = text_dup(slice_of(value));
	TAILQ_INSERT_TAIL(&st->attrs, attr, entry);
	if (attr->name && attr->value)
		return 0;
	free_attr(st, attr);
	return -ENOMEM;
}

void stanza_set(struct stanza *st, const char *name, const char *value)
{
	if (!st)
		return;
	struct attr *old = find_attr(st, name);
	/* the new one first: @value may be the old one's */
	if (value && add_attr(st, name, value))
		mark(st);
	if (old)
		free_attr(st, old);
}

void stanza_setf(struct stanza *st, const char *name, const char *fmt, ...)
{
	char *value = NULL;
	va_list ap;

	if (!st)
		return;
	va_start(ap, fmt);
	int n = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (n < 0) {
		mark(st);
		return;
	}
	stanza_set(st, name, value);
	free(value);
}

const char *stanza_name(const struct stanza *st)
{
	return st ? st->name : "";
}

const char *stanza_ns(const struct stanza *st)
{
	return st ? st->ns : "";
}

bool stanza_is(const struct stanza *st, const char *name, const char *ns)
{
	return st && !strcmp(st->name, name) &&
	       !strcmp(st->ns, ns ? ns : STANZA_NS);
}

const char *stanza_attr(const struct stanza *st, const char *name)
{
	const struct attr *attr = st ? find_attr(st, name) : NULL;

	return attr ? attr->value : NULL;
}

bool stanza_is_empty(const struct stanza *st)
{
	return !st || TAILQ_EMPTY(&st->children);
}

const char *stanza_text(const struct stanza *st)
{
	const struct stanza *node;

	if (!st)
		return "";
	TAILQ_FOREACH(node, &st->children, entry)
		if (!node->name)
			return node->text;
	return "";
}

static struct stanza *element_from(struct stanza *node)
{
	while (node && !node->name)
		node = TAILQ_NEXT(node, entry);
	return node;
}

struct stanza *stanza_first(const struct stanza *st)
{
	return st ? element_from(TAILQ_FIRST(&st->children)) : NULL;
}

struct stanza *stanza_next(const struct stanza *child)
{
	return element_from(TAILQ_NEXT(child, entry));
}

struct stanza *stanza_find(const struct stanza *st, const char *name,
			   const char *ns)
{
	struct stanza *child;

	STANZA_FOREACH(child, st)
		if (!strcmp(child->ns, ns ? ns : st->ns) &&
		    (!name || !strcmp(child->name, name)))
			return child;
	return NULL;
}

const char *stanza_find_text(const struct stanza *st, const char *name,
			     const char *ns)
{
	const struct stanza *child = stanza_find(st, name, ns);

	return child ? stanza_text(child) : NULL;
}

int stanza_walk_attrs(const struct stanza *st, const struct stanza_walk *walk,
		      void *arg)
{
	const struct attr *attr;

	TAILQ_FOREACH(attr, &st->attrs, entry) {
		int r = walk->attr(attr->name, attr->value, arg);
		if (r)
			return r;
	}
	return 0;
}

int stanza_walk_children(const struct stanza *st,
			 const struct stanza_walk *walk, void *arg)
{
	const struct stanza *node;

	TAILQ_FOREACH(node, &st->children, entry) {
		int r = node->name ? walk->child(node, arg)
				   : walk->text(node->text, arg);
		if (r)
			return r;
	}
	return 0;
}

static int copy_attr(const char *name, const char *value, void *arg)
{
	return add_attr(arg, name, value);
}

static int copy_text(const char *text, void *arg)
{
	stanza_add_text(arg, text);
	return 0;
}

static int copy_child(const struct stanza *child, void *arg)
{
	struct stanza *copy = NULL;
	int r = stanza_copy(&copy, child);

	if (!r)
		append(arg, copy);
	return r;
}

int stanza_copy(struct stanza **out, const struct stanza *src)
{
	static const struct stanza_walk walk = { copy_attr, copy_text,
						 copy_child };
	AUTO(stanza_freep) struct stanza *copy = NULL;
	int r = stanza_new(&copy, src->name, src->ns);

	if (!r)
		r = stanza_walk_attrs(src, &walk, copy);
	if (!r)
		r = stanza_walk_children(src, &walk, copy);
	if (r)
		return r;
	if (!stanza_ok(copy) || src->failed)
		return -ENOMEM;
	*out = copy;
	copy = NULL;
	return 0;
}
