/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/subjects.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/tree.h"

static int compare(const struct subject *a, const struct subject *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->name, b->name);
}

TREE_GENERATE(subject_tree, subject, node, compare)

void subjects_init(struct subjects *subjects)
{
	RB_INIT(&subjects->tree);
	subjects->n = 0;
}

const char *subjects_key(char buffer[static JID_CAP], unsigned kind,
			 const char *name)
{
	return kind == QUOTA_TRUNK || jid_bare(buffer, JID_CAP, name) ? name
								      : buffer;
}

/* @key: subjects_key(); the tree is read alone. */
static struct subject *look_up(const struct subjects *subjects, unsigned kind,
			       const char *key)
{
	struct subject like = { .kind = kind, .name = key };

	return RB_FIND(subject_tree, (struct subject_tree *)&subjects->tree,
		       &like);
}

struct subject *subjects_find(const struct subjects *subjects, unsigned kind,
			      const char *name)
{
	char buffer[JID_CAP];

	return look_up(subjects, kind, subjects_key(buffer, kind, name));
}

struct subject *subjects_take(struct subjects *subjects, unsigned kind,
			      const char *name, size_t size)
{
	char buffer[JID_CAP];
	const char *key = subjects_key(buffer, kind, name);
	struct subject *subject = look_up(subjects, kind, key);
	size_t n = strlen(key) + 1;

	if (subject)
		return subject;
	subject = calloc(1, size + n);
	if (!subject)
		return NULL;
	subject->kind = kind;
	subject->name = memcpy((char *)subject + size, key, n);
	RB_INSERT(subject_tree, &subjects->tree, subject);
	subjects->n++;
	return subject;
}

void subjects_drop(struct subjects *subjects, struct subject *subject)
{
	RB_REMOVE(subject_tree, &subjects->tree, subject);
	subjects->n--;
	free(subject);
}

struct subject *subjects_first(const struct subjects *subjects)
{
	return RB_MIN(subject_tree, (struct subject_tree *)&subjects->tree);
}

struct subject *subjects_next(struct subject *subject)
{
	return RB_NEXT(subject_tree, NULL, subject);
}
