/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/ice_pair.h"

#include <stdlib.h>

#include "media/ice.h"

/* The state after an event, plus one; 0: the event means nothing then. */
#define TO(state) ((state) + 1)

static const uint8_t transitions[ICE_PAIR_NSTATES][ICE_PAIR_NEVENTS] = {
	[ICE_PAIR_WAITING][ICE_PAIR_SEND] = TO(ICE_PAIR_IN_PROGRESS),
	/* the answer to a check that a triggered one replaces */
	[ICE_PAIR_WAITING][ICE_PAIR_SUCCESS] = TO(ICE_PAIR_SUCCEEDED),
	[ICE_PAIR_IN_PROGRESS][ICE_PAIR_TRIGGER] = TO(ICE_PAIR_WAITING),
	[ICE_PAIR_IN_PROGRESS][ICE_PAIR_SUCCESS] = TO(ICE_PAIR_SUCCEEDED),
	[ICE_PAIR_IN_PROGRESS][ICE_PAIR_FAILURE] = TO(ICE_PAIR_FAILED),
	[ICE_PAIR_SUCCEEDED][ICE_PAIR_TRIGGER] = TO(ICE_PAIR_WAITING),
	[ICE_PAIR_SUCCEEDED][ICE_PAIR_FAILURE] = TO(ICE_PAIR_FAILED),
	[ICE_PAIR_FAILED][ICE_PAIR_TRIGGER] = TO(ICE_PAIR_WAITING),
	/* an answer that came late */
	[ICE_PAIR_FAILED][ICE_PAIR_SUCCESS] = TO(ICE_PAIR_SUCCEEDED),
};

void ice_pair_event(struct ice_pair *pair, enum ice_pair_event event)
{
	uint8_t next = transitions[pair->state][event];

	if (next)
		pair->state = (uint8_t)(next - 1);
}

void ice_pairs_init(struct ice_pairs *pairs)
{
	TAILQ_INIT(&pairs->list);
	pairs->n = 0;
	pairs->triggers = 0;
}

void ice_pairs_take(struct ice_pairs *pairs, struct ice_pair *pair)
{
	TAILQ_REMOVE(&pairs->list, pair, entry);
	pairs->n--;
}

void ice_pairs_remove(struct ice_pairs *pairs, struct ice_pair *pair)
{
	ice_pairs_take(pairs, pair);
	free(pair);
}

void ice_pairs_flush(struct ice_pairs *pairs)
{
	struct ice_pair *pair, *next;

	TAILQ_FOREACH_SAFE(pair, &pairs->list, entry, next)
		ice_pairs_remove(pairs, pair);
}

struct ice_pair *ice_pairs_find(const struct ice_pairs *pairs,
				const struct addr *local,
				const struct addr *remote)
{
	struct ice_pair *pair;

	TAILQ_FOREACH(pair, &pairs->list, entry)
		if (addr_equal(&pair->remote, remote) &&
		    addr_equal(&pair->local, local))
			return pair;
	return NULL;
}

/* RFC 8445, 6.1.2.3. */
static uint64_t pair_priority(uint32_t local, uint32_t remote, bool controlling)
{
	uint64_t g = controlling ? local : remote;
	uint64_t d = controlling ? remote : local;
	uint64_t low = g < d ? g : d, high = g < d ? d : g;

	return (low << 32) + 2 * high + (g > d ? 1 : 0);
}

static void insert(struct ice_pairs *pairs, struct ice_pair *pair)
{
	struct ice_pair *after;

	TAILQ_FOREACH(after, &pairs->list, entry)
		if (after->priority < pair->priority)
			break;
	if (after)
		TAILQ_INSERT_BEFORE(after, pair, entry);
	else
		TAILQ_INSERT_TAIL(&pairs->list, pair, entry);
	pairs->n++;
}

void ice_pairs_place(struct ice_pairs *pairs, struct ice_pair *pair,
		     bool controlling)
{
	pair->priority = pair_priority(pair->local_priority,
				       pair->remote_priority, controlling);
	ice_pairs_take(pairs, pair);
	insert(pairs, pair);
}

void ice_pairs_sort(struct ice_pairs *pairs, bool controlling)
{
	struct ice_pair_list unsorted = TAILQ_HEAD_INITIALIZER(unsorted);
	struct ice_pair *pair;

	TAILQ_CONCAT(&unsorted, &pairs->list, entry);
	pairs->n = 0;
	while ((pair = TAILQ_FIRST(&unsorted))) {
		TAILQ_REMOVE(&unsorted, pair, entry);
		pair->priority =
			pair_priority(pair->local_priority,
				      pair->remote_priority, controlling);
		insert(pairs, pair);
	}
}

/* Lower is less useful; pairs that are valid or nominated are not given up. */
static int usefulness(const struct ice_pair *pair)
{
	if (pair->valid || pair->nominated)
		return ICE_PAIR_NSTATES;
	switch ((enum ice_pair_state)pair->state) {
	case ICE_PAIR_FAILED:
		return 0;
	case ICE_PAIR_WAITING:
		return pair->triggered ? 2 : 1;
	case ICE_PAIR_IN_PROGRESS:
		return 3;
	case ICE_PAIR_SUCCEEDED:
	case ICE_PAIR_NSTATES:
		break;
	}
	return ICE_PAIR_NSTATES;
}

static struct ice_pair *least_useful(const struct ice_pairs *pairs)
{
	struct ice_pair *pair, *least = NULL;

	TAILQ_FOREACH_REVERSE(pair, &pairs->list, ice_pair_list, entry)
	if (!least || usefulness(pair) < usefulness(least))
		least = pair;
	return least;
}

static bool make_room(struct ice_pairs *pairs,
		      const struct ice_pair_parts *parts, uint64_t priority)
{
	if (pairs->n < ICE_MAX_PAIRS)
		return true;

	struct ice_pair *least = least_useful(pairs);
	int worth = usefulness(least);
	bool better = worth == 1 && least->priority < priority;
	if (worth == 0 || better ||
	    (parts->proven && worth < ICE_PAIR_NSTATES)) {
		ice_pairs_remove(pairs, least);
		return true;
	}
	return false;
}

int ice_pairs_add(struct ice_pairs *pairs, struct ice_pair **out,
		  const struct ice_pair_parts *parts)
{
	uint64_t priority =
		pair_priority(parts->local_priority, parts->remote_priority,
			      parts->controlling);

	if (!make_room(pairs, parts, priority))
		return ICE_PAIR_E_FULL;
	struct ice_pair *pair = calloc(1, sizeof(*pair));
	if (!pair)
		return -ENOMEM;
	pair->local = *parts->local;
	pair->remote = *parts->remote;
	pair->local_priority = parts->local_priority;
	pair->remote_priority = parts->remote_priority;
	pair->remote_type = (uint8_t)parts->remote_type;
	pair->priority = priority;
	insert(pairs, pair);
	*out = pair;
	return 0;
}

void ice_pairs_trigger(struct ice_pairs *pairs, struct ice_pair *pair)
{
	ice_pair_event(pair, ICE_PAIR_TRIGGER);
	if (!pair->triggered)
		pair->triggered = ++pairs->triggers;
}

struct ice_pair *ice_pairs_next(const struct ice_pairs *pairs)
{
	struct ice_pair *pair, *waiting = NULL, *triggered = NULL;

	TAILQ_FOREACH(pair, &pairs->list, entry) {
		if (pair->state != ICE_PAIR_WAITING)
			continue;
		if (!waiting)
			waiting = pair;
		if (pair->triggered &&
		    (!triggered || pair->triggered < triggered->triggered))
			triggered = pair;
	}
	return triggered ? triggered : waiting;
}

size_t ice_pairs_active(const struct ice_pairs *pairs)
{
	const struct ice_pair *pair;
	size_t n = 0;

	TAILQ_FOREACH(pair, &pairs->list, entry)
		n += pair->state == ICE_PAIR_WAITING ||
		     pair->state == ICE_PAIR_IN_PROGRESS;
	return n;
}
