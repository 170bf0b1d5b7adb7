/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/tuple.h"

#include <string.h>

#include "gateway/base/cache.h"
#include "gateway/base/rand.h"

void tuple_table_init(struct tuple_table *table)
{
	memset(table, 0, sizeof(*table));
	rand_bytes(table->key, sizeof(table->key));
}

static uint64_t load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Multiply-and-fold with a secret key: peers do not see where they land. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t mix_addr(uint64_t h, uint64_t key, const struct addr *a)
{
	h = mix(h ^ addr_port(a) ^ (uint64_t)a->sa.sa_family << 32, key | 1);
	if (!addr_is_v6(a))
		return mix(h ^ a->in4.sin_addr.s_addr, key | 1);
	h = mix(h ^ load64(a->in6.sin6_addr.s6_addr), key | 1);
	return mix(h ^ load64(a->in6.sin6_addr.s6_addr + 8), key | 1);
}

static unsigned bucket(const struct tuple_table *table,
		       const struct addr *local, const struct addr *remote)
{
	uint64_t h = mix_addr(table->key[0], table->key[1], remote);

	return mix_addr(h, table->key[1], local) % TUPLE_BUCKETS;
}

unsigned tuple_list(const struct tuple_table *table, const struct addr *local,
		    const struct addr *remote)
{
	unsigned list = bucket(table, local, remote);

	cache_near(&table->buckets[list], sizeof(table->buckets[0]));
	return list;
}

void tuple_list_near(const struct tuple_table *table, unsigned list)
{
	cache_near(table->buckets[list], sizeof(struct tuple));
}

struct tuple *tuple_list_find(const struct tuple_table *table, unsigned list,
			      const struct addr *local,
			      const struct addr *remote)
{
	struct tuple *t = table->buckets[list];

	while (t && !(addr_equal(&t->remote, remote) &&
		      addr_equal(&t->local, local)))
		t = t->next;
	return t;
}

struct tuple *tuple_find(const struct tuple_table *table,
			 const struct addr *local, const struct addr *remote)
{
	return tuple_list_find(table, bucket(table, local, remote), local,
			       remote);
}

void tuple_insert(struct tuple_table *table, struct tuple *tuple,
		  struct flow *flow, const struct addr *local,
		  const struct addr *remote, uint64_t now_ms)
{
	struct tuple **head = &table->buckets[bucket(table, local, remote)];

	*tuple = (struct tuple){
		.local = *local,
		.remote = *remote,
		.flow = flow,
		.checked_ms = now_ms,
		.next = *head,
	};
	*head = tuple;
	table->changes++;
}

void tuple_remove(struct tuple_table *table, struct tuple *tuple)
{
	if (!tuple->flow)
		return;

	struct tuple **at =
		&table->buckets[bucket(table, &tuple->local, &tuple->remote)];
	while (*at != tuple)
		at = &(*at)->next;
	*at = tuple->next;
	table->changes++;
	tuple->flow = NULL;
	tuple->next = NULL;
}

void tuple_each(const struct tuple_table *table,
		void (*fn)(const struct tuple *tuple, void *arg), void *arg)
{
	for (size_t i = 0; i < TUPLE_BUCKETS; i++)
		for (const struct tuple *t = table->buckets[i]; t; t = t->next)
			fn(t, arg);
}
