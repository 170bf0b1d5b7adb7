/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The numbers of the file by what they are looked for by: each call asks for
 * several, and a file may have tens of thousands.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/config/config_table.h"
#include "xmpp/jid.h"

/* The @i-th key of @number; NULL behind the last. */
static const char *key_at(const struct config_number *number, enum config_by by,
			  size_t i)
{
	switch (by) {
	case CONFIG_BY_NUMBER:
		return i ? NULL : number->number;
	case CONFIG_BY_OWNER:
		return i < number->nowners ? number->owners[i] : NULL;
	case CONFIG_BY_TEXTS:
		return i || !*number->texts ? NULL : number->texts;
	case CONFIG_BY_TRUNK:
		return i ? NULL : number->trunk;
	case CONFIG_NBY:
		break;
	}
	return NULL;
}

/* Those of one key stay in the file's order. */
static int compare(const void *one, const void *other)
{
	const struct config_keyed *a = one, *b = other;
	int r = strcmp(a->key, b->key);

	return r ? r : (a->number > b->number) - (a->number < b->number);
}

static size_t count_keys(const struct config *config, enum config_by by)
{
	size_t n = 0;

	for (size_t i = 0; i < config->nnumbers; i++) {
		for (size_t k = 0; key_at(&config->numbers[i], by, k); k++)
			n++;
	}
	return n;
}

/* A number may name an owner twice. */
static void drop_twice(struct config_index *index)
{
	size_t n = 0;

	for (size_t i = 0; i < index->n; i++) {
		if (!n || compare(&index->v[n - 1], &index->v[i]) != 0)
			index->v[n++] = index->v[i];
	}
	index->n = n;
}

int config_index(struct config *config, enum config_by by)
{
	struct config_index *index = &config->by[by];
	size_t n = count_keys(config, by);
	const char *key;

	index->v = calloc(n + 1, sizeof(*index->v));
	if (!index->v)
		return -ENOMEM;
	for (size_t i = 0; i < config->nnumbers; i++) {
		const struct config_number *number = &config->numbers[i];

		for (size_t k = 0; (key = key_at(number, by, k)); k++)
			index->v[index->n++] =
				(struct config_keyed){ key, number };
	}
	qsort(index->v, index->n, sizeof(*index->v), compare);
	drop_twice(index);
	return 0;
}

void config_index_clear(struct config *config)
{
	for (unsigned by = 0; by < CONFIG_NBY; by++)
		free(config->by[by].v);
}

/* The place of the first with @key, or where it would be. */
static size_t first_of(const struct config_index *index, const char *key)
{
	size_t low = 0, high = index->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index->v[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct config_number *config_number_by(const struct config *config,
					     enum config_by by, const char *key,
					     size_t i)
{
	const struct config_index *index = &config->by[by];
	size_t at = first_of(index, key) + i;

	return at < index->n && !strcmp(index->v[at].key, key)
		       ? index->v[at].number
		       : NULL;
}

const struct config_number *config_find_number(const struct config *config,
					       const char *number)
{
	return config_number_by(config, CONFIG_BY_NUMBER, number, 0);
}

const struct config_number *config_number_of(const struct config *config,
					     const char *account, size_t i)
{
	char owner[JID_CAP];

	return jid_bare(owner, sizeof(owner), account)
		       ? NULL
		       : config_number_by(config, CONFIG_BY_OWNER, owner, i);
}

const char *config_owner_after(const struct config *config, const char *owner)
{
	const struct config_index *index = &config->by[CONFIG_BY_OWNER];
	size_t i = first_of(index, owner);

	while (i < index->n && !strcmp(index->v[i].key, owner))
		i++;
	return i < index->n ? index->v[i].key : NULL;
}
