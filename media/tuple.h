/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which flow a packet on a shared port belongs to, by its two addresses: the
 * table of those that passed an authenticated connectivity check (RFC 7983, 7).
 * What is not in it is nobody's.
 *
 * It is bounded by its owners, each of which embeds a few entries; nothing is
 * allocated. A random key keeps peers from choosing addresses that collide.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

enum {
	TUPLE_BUCKETS = 4096,
	TUPLES_PER_FLOW = 8,
	/* Without an authenticated check for so long another may claim it:
	 * three consent intervals (RFC 7675). */
	TUPLE_IDLE_MS = 15000,
};

struct flow;

struct tuple {
	struct addr local, remote;
	struct flow *flow; /* NULL: not in the table */
	uint64_t checked_ms;
	struct tuple *next;
};

struct tuple_table {
	uint64_t key[2];
	struct tuple *buckets[TUPLE_BUCKETS];
	unsigned changes; /* so often it has become another, modulo 2^32 */
};

void tuple_table_init(struct tuple_table *table);

/* Borrowed, or NULL. */
struct tuple *tuple_find(const struct tuple_table *table,
			 const struct addr *local, const struct addr *remote);
/*
 * The same in steps, each of which has what the next one needs come into the
 * cache: the list's number, its first entry, the search.
 */
unsigned tuple_list(const struct tuple_table *table, const struct addr *local,
		    const struct addr *remote);
void tuple_list_near(const struct tuple_table *table, unsigned list);
struct tuple *tuple_list_find(const struct tuple_table *table, unsigned list,
			      const struct addr *local,
			      const struct addr *remote);
/* @tuple is embedded in @flow, which removes it before it goes. */
void tuple_insert(struct tuple_table *table, struct tuple *tuple,
		  struct flow *flow, const struct addr *local,
		  const struct addr *remote, uint64_t now_ms);
/* Fine when it is not in the table. */
void tuple_remove(struct tuple_table *table, struct tuple *tuple);
/* All of them, in no order; the table stays as it is meanwhile. */
void tuple_each(const struct tuple_table *table,
		void (*fn)(const struct tuple *tuple, void *arg), void *arg);
