/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/gather.h"

#include <stdio.h>

#include "media/cand.h"

enum { LOCAL_PREFERENCE_MAX = 65535, COMPONENT_RTP = 1 };

struct list {
	const struct gather *gather;
	struct command_cand *out;
	size_t n, cap;
};

static void add(struct list *list, enum media_cand_type type,
		const struct addr *addr, const struct addr *base)
{
	if (list->n == list->cap)
		return;

	struct command_cand *c = &list->out[list->n];
	*c = (struct command_cand){
		.cand = { .type = type,
			  .component = COMPONENT_RTP,
			  .generation = list->gather->generation,
			  .addr = *addr },
		.base = *base,
	};
	addr_set_port(&c->base, list->gather->port);
	if (type == MEDIA_CAND_HOST)
		addr_set_port(&c->cand.addr, list->gather->port);
	else
		c->cand.related = c->base;
	c->cand.priority =
		cand_priority(type, (uint16_t)(LOCAL_PREFERENCE_MAX - list->n),
			      COMPONENT_RTP);
	snprintf(c->cand.foundation, sizeof(c->cand.foundation), "%zu",
		 list->n + 1);
	list->n++;
}

/* The base of a public address: the first of its family. */
static const struct addr *base_of(const struct host_list *hosts,
				  const struct addr *a)
{
	for (size_t i = 0; i < hosts->n; i++) {
		if (hosts->addrs[i].sa.sa_family == a->sa.sa_family)
			return &hosts->addrs[i];
	}
	return NULL;
}

static void add_public(struct list *list)
{
	const struct gather *g = list->gather;
	const struct addr *base;

	if (!addr_is_set(&g->public_address) ||
	    host_list_has(g->hosts, &g->public_address))
		return;
	base = base_of(g->hosts, &g->public_address);
	if (base)
		add(list, MEDIA_CAND_HOST, &g->public_address, base);
}

/* The next one of that IP version, behind *@at. */
static const struct addr *next_host(const struct host_list *hosts, bool v6,
				    size_t *at)
{
	while (*at < hosts->n) {
		const struct addr *a = &hosts->addrs[(*at)++];

		if (addr_is_v6(a) == v6)
			return a;
	}
	return NULL;
}

/* The IP version of the best one first, and then by turns. */
static void add_hosts(struct list *list)
{
	const struct host_list *hosts = list->gather->hosts;
	bool v6 = hosts->n && addr_is_v6(&hosts->addrs[0]);
	size_t at[] = { 0, 0 };

	for (size_t added = 0; added < hosts->n; v6 = !v6) {
		const struct addr *a = next_host(hosts, v6, &at[v6]);

		if (!a)
			continue;
		add(list, MEDIA_CAND_HOST, a, a);
		added++;
	}
}

static void add_mapped(struct list *list)
{
	const struct gather *g = list->gather;

	if (addr_is_set(&g->mapped) && !host_list_has(g->hosts, &g->mapped) &&
	    host_list_has(g->hosts, &g->mapped_base))
		add(list, MEDIA_CAND_SRFLX, &g->mapped, &g->mapped_base);
}

size_t gather_candidates(const struct gather *gather, struct command_cand *out,
			 size_t cap)
{
	struct list list = { .gather = gather, .out = out, .cap = cap };

	add_public(&list);
	add_hosts(&list);
	add_mapped(&list);
	return list.n;
}
