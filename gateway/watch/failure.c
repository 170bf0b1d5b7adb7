/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/failure.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

enum { NTEXTS = 6 };

struct entry {
	TAILQ_ENTRY(entry) link;
	struct failure failure; /* its texts in text */
	char text[];
};
TAILQ_HEAD(entry_list, entry);

struct failures {
	struct entry_list list; /* the newest first */
	size_t n;
};

int failures_new(struct failures **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	TAILQ_INIT(&(*out)->list);
	return 0;
}

static void drop(struct failures *failures, struct entry *entry)
{
	TAILQ_REMOVE(&failures->list, entry, link);
	failures->n--;
	free(entry);
}

struct failures *failures_free(struct failures *failures)
{
	while (failures && failures->n)
		drop(failures, TAILQ_FIRST(&failures->list));
	free(failures);
	return NULL;
}

static void make_room(struct failures *failures, const char *from)
{
	struct entry *entry, *oldest = NULL;
	size_t same = 0;

	TAILQ_FOREACH(entry, &failures->list, link) {
		if (strcmp(entry->failure.from, from) != 0)
			continue;
		oldest = entry;
		same++;
	}
	if (same >= FAILURES_EACH_MAX)
		drop(failures, oldest);
	else if (failures->n >= FAILURES_MAX)
		drop(failures, TAILQ_LAST(&failures->list, entry_list));
}

void failures_add(struct failures *failures, const struct failure *failure)
{
	const char *const given[NTEXTS] = { failure->call,  failure->from,
					    failure->to,    failure->trunk,
					    failure->cause, failure->why };
	size_t lengths[NTEXTS], n = 0;

	for (size_t i = 0; i < NTEXTS; i++) {
		lengths[i] = strnlen(given[i], FAILURE_TEXT_MAX);
		n += lengths[i] + 1;
	}
	struct entry *entry = calloc(1, sizeof(*entry) + n);
	if (!entry)
		return;
	const char **const kept[NTEXTS] = {
		&entry->failure.call,  &entry->failure.from,
		&entry->failure.to,    &entry->failure.trunk,
		&entry->failure.cause, &entry->failure.why
	};
	char *at = entry->text;
	for (size_t i = 0; i < NTEXTS; i++) {
		*kept[i] = memcpy(at, given[i], lengths[i]);
		at += lengths[i] + 1;
	}
	entry->failure.at_ms = failure->at_ms;
	make_room(failures, entry->failure.from);
	TAILQ_INSERT_HEAD(&failures->list, entry, link);
	failures->n++;
}

void failures_each(const struct failures *failures, failure_fn fn, void *arg)
{
	const struct entry *entry;

	TAILQ_FOREACH(entry, &failures->list, link)
		fn(&entry->failure, arg);
}
