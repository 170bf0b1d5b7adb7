/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/totals.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/call/call_state.h"
#include "gateway/gateway.h"

struct group {
	SLIST_ENTRY(group) link;
	const char *leg; /* a constant */
	struct total ended, live, shown;
	char trunk[];
};

struct totals {
	SLIST_HEAD(, group) groups;
	unsigned states[CALL_NSTATES];
};

int totals_new(struct totals **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

struct totals *totals_free(struct totals *totals)
{
	struct group *group;

	while (totals && (group = SLIST_FIRST(&totals->groups))) {
		SLIST_REMOVE_HEAD(&totals->groups, link);
		free(group);
	}
	free(totals);
	return NULL;
}

static struct group *get(struct totals *totals, const char *leg,
			 const char *trunk)
{
	size_t n = strlen(trunk) + 1;
	struct group *group;

	SLIST_FOREACH(group, &totals->groups, link)
	{
		if (!strcmp(group->leg, leg) && !strcmp(group->trunk, trunk))
			return group;
	}
	group = calloc(1, sizeof(*group) + n);
	if (!group)
		return NULL;
	group->leg = leg;
	memcpy(group->trunk, trunk, n);
	SLIST_INSERT_HEAD(&totals->groups, group, link);
	return group;
}

static void add(struct total *to, const struct media_side_stats *stats)
{
	to->rx += stats->rx_packets;
	to->tx += stats->tx_packets;
	to->lost += stats->lost;
	to->dropped += stats->dropped;
	to->unauthentic += stats->unauthentic;
}

static void add_call(struct totals *totals, const struct call *call, bool ended)
{
	for (int side = 0; side < 2; side++) {
		struct group *group =
			get(totals, call->legs[side]->ops->name, call->trunk);
		struct media_side_stats stats;

		if (!group)
			continue;
		bridge_stats(call->bridge, (enum media_side)side, &stats);
		add(ended ? &group->ended : &group->live, &stats);
	}
}

/* A packet that comes late was no loss, and a call that hunts changes its
 * trunk: but who reads a counter that falls thinks that we began anew. */
static void show(struct group *group)
{
	uint64_t *const shown[] = { &group->shown.rx, &group->shown.tx,
				    &group->shown.lost, &group->shown.dropped,
				    &group->shown.unauthentic };
	const uint64_t now[] = { group->live.rx, group->live.tx,
				 group->live.lost, group->live.dropped,
				 group->live.unauthentic };

	for (size_t i = 0; i < sizeof(now) / sizeof(now[0]); i++) {
		if (now[i] > *shown[i])
			*shown[i] = now[i];
	}
}

void totals_keep(struct totals *totals, const struct call *call)
{
	add_call(totals, call, true);
}

void totals_count(struct totals *totals, const struct gateway *gateway)
{
	const struct call *call;
	struct group *group;

	memset(totals->states, 0, sizeof(totals->states));
	SLIST_FOREACH(group, &totals->groups, link)
	group->live = group->ended;
	LIST_FOREACH(call, &gateway->calls, link) {
		totals->states[call->state]++;
		if (call->state != CALL_CLOSED)
			add_call(totals, call, false);
	}
	SLIST_FOREACH(group, &totals->groups, link)
	show(group);
}

unsigned totals_in(const struct totals *totals, int state)
{
	return totals->states[state];
}

void totals_each(const struct totals *totals, total_fn fn, void *arg)
{
	const struct group *group;

	SLIST_FOREACH(group, &totals->groups, link)
	fn(group->leg, group->trunk, &group->shown, arg);
}
