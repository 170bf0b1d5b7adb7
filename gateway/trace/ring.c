/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/ring.h"

#include <stdlib.h>
#include <string.h>

struct entry *entry_new(const struct entry *like, struct slice text)
{
	struct entry *entry = calloc(1, sizeof(*entry) + text.n + 1);

	if (!entry)
		return NULL;
	*entry = *like;
	entry->n = text.n;
	if (text.n)
		memcpy(entry->text, text.p, text.n);
	return entry;
}

static size_t size_of(const struct entry *entry)
{
	return sizeof(*entry) + entry->n + 1;
}

void ring_init(struct ring *ring, size_t octets_max)
{
	*ring = (struct ring){ .octets_max = octets_max };
	TAILQ_INIT(&ring->entries);
}

void ring_take(struct ring *ring, struct entry *entry)
{
	TAILQ_REMOVE(&ring->entries, entry, link);
	ring->octets -= size_of(entry);
}

static void drop_first(struct ring *ring)
{
	struct entry *entry = TAILQ_FIRST(&ring->entries);

	ring_take(ring, entry);
	free(entry);
}

void ring_fini(struct ring *ring)
{
	while (!TAILQ_EMPTY(&ring->entries))
		drop_first(ring);
}

void ring_put(struct ring *ring, struct entry *entry)
{
	struct entry *before;

	if (!entry)
		return;
	TAILQ_FOREACH_REVERSE(before, &ring->entries, entries, link)
	{
		if (before->at_us <= entry->at_us)
			break;
	}
	if (before)
		TAILQ_INSERT_AFTER(&ring->entries, before, entry, link);
	else
		TAILQ_INSERT_HEAD(&ring->entries, entry, link);
	ring->octets += size_of(entry);
	while (ring->octets > ring->octets_max) {
		drop_first(ring);
		ring->forgotten++;
	}
}
