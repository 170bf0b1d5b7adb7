/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/addresses.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/tree.h"

RB_HEAD(by_ip, sip_address);
TAILQ_HEAD(by_age, sip_address);

struct sip_addresses {
	struct by_ip by_ip;
	struct by_age by_age; /* the longest silent first */
	size_t n, max, size;
	char *pool;
};

static int compare(const struct sip_address *a, const struct sip_address *b)
{
	return addr_compare(&a->ip, &b->ip);
}

TREE_GENERATE(by_ip, sip_address, node, compare)

int sip_addresses_new(struct sip_addresses **out, size_t max, size_t size)
{
	struct sip_addresses *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->pool = calloc(max, size);
	if (!a->pool) {
		free(a);
		return -ENOMEM;
	}
	RB_INIT(&a->by_ip);
	TAILQ_INIT(&a->by_age);
	a->max = max;
	a->size = size;
	*out = a;
	return 0;
}

struct sip_addresses *sip_addresses_free(struct sip_addresses *a)
{
	if (a)
		free(a->pool);
	free(a);
	return NULL;
}

void *sip_addresses_find(struct sip_addresses *a, const struct addr *addr)
{
	struct sip_address key = { .ip = *addr };

	addr_set_port(&key.ip, 0);
	return RB_FIND(by_ip, &a->by_ip, &key);
}

/* A fresh one, or that of the longest silent; NULL: all are held. */
static struct sip_address *take_slot(struct sip_addresses *a)
{
	struct sip_address *slot = TAILQ_FIRST(&a->by_age);

	if (a->n < a->max)
		return (struct sip_address *)(void *)(a->pool +
						      a->n++ * a->size);
	if (!slot)
		return NULL;
	TAILQ_REMOVE(&a->by_age, slot, age);
	RB_REMOVE(by_ip, &a->by_ip, slot);
	return slot;
}

static struct sip_address *add(struct sip_addresses *a, const struct addr *addr)
{
	struct sip_address *slot = take_slot(a);

	if (!slot)
		return NULL;
	memset(slot, 0, a->size);
	slot->ip = *addr;
	addr_set_port(&slot->ip, 0);
	RB_INSERT(by_ip, &a->by_ip, slot);
	TAILQ_INSERT_TAIL(&a->by_age, slot, age);
	return slot;
}

void *sip_addresses_hear(struct sip_addresses *a, const struct addr *addr)
{
	struct sip_address *found = sip_addresses_find(a, addr);

	if (!found)
		return add(a, addr);
	if (!found->held) {
		TAILQ_REMOVE(&a->by_age, found, age);
		TAILQ_INSERT_TAIL(&a->by_age, found, age);
	}
	return found;
}

void sip_addresses_hold(struct sip_addresses *a, struct sip_address *address)
{
	if (!address->held)
		TAILQ_REMOVE(&a->by_age, address, age);
	address->held = true;
}

void sip_addresses_let_go(struct sip_addresses *a, struct sip_address *address)
{
	if (address->held)
		TAILQ_INSERT_TAIL(&a->by_age, address, age);
	address->held = false;
}
