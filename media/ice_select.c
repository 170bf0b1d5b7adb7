/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Nomination (RFC 8445, 8). The controlling agent nominates the best valid
 * pair without waiting for dead ones: a direct path at once, one that may be
 * relayed after a short grace. The controlled agent uses the most preferred of
 * the pairs that are nominated and valid, so that aggressive nomination
 * (RFC 5245) ends where the peer ends.
 */
#include <stdlib.h>

#include "media/ice_agent.h"

void ice_forget_previous(struct ice *ice)
{
	if (ice->selected == ice->previous)
		ice->selected = NULL;
	free(ice->previous);
	ice->previous = NULL;
	ice_keys_fini(&ice->old);
	ice->remote_restarted = false;
}

/*
 * RFC 8445, 8.1.2: what cannot be selected any more is not checked any more.
 * Better pairs go on for a controlled agent, whose peer may yet nominate them.
 */
static bool is_needed(const struct ice *ice, const struct ice_pair *pair,
		      size_t *kept)
{
	if (pair == ice->selected)
		return true;
	if (pair->valid)
		return ++*kept <= ICE_KEEP_VALID;
	return !ice->controlling && pair->state != ICE_PAIR_FAILED &&
	       pair->priority > ice->selected->priority;
}

static void prune(struct ice *ice)
{
	struct ice_pair *pair, *next;
	size_t kept = 0;

	TAILQ_FOREACH_SAFE(pair, &ice->pairs.list, entry, next)
		if (!is_needed(ice, pair, &kept))
			ice_pairs_remove(&ice->pairs, pair);
	ice_early_forget(ice);
}

void ice_select(struct ice *ice, struct ice_pair *pair, bool provisional)
{
	bool same = pair == ice->selected;

	ice_forget_previous(ice);
	ice->provisional = provisional;
	ice->finished = true;
	if (same)
		return;
	ice->selected = pair;
	ice_consent_start(ice);
	prune(ice);
	ice->handlers->selected(&pair->local, &pair->remote, ice->arg);
}

static struct ice_pair *best_valid(const struct ice *ice, bool nominated)
{
	struct ice_pair *pair;

	TAILQ_FOREACH(pair, &ice->pairs.list, entry)
		if (pair->valid && (pair->nominated || !nominated))
			return pair;
	return NULL;
}

/* Whether a pair better than @best may still become valid soon. */
static bool better_may_come(const struct ice *ice, const struct ice_pair *best)
{
	const struct ice_pair *pair;

	TAILQ_FOREACH(pair, &ice->pairs.list, entry) {
		if (pair == best)
			return false;
		if (pair->state != ICE_PAIR_FAILED)
			return true;
	}
	return false;
}

/*
 * A relayed pair waits in any case, as better candidates may trickle in; one
 * that may be relayed while there is something to wait for.
 */
static uint64_t grace_of(const struct ice *ice, const struct ice_pair *best)
{
	switch ((enum media_cand_type)best->remote_type) {
	case MEDIA_CAND_RELAY:
		return ICE_GRACE_MS;
	case MEDIA_CAND_PRFLX:
		return better_may_come(ice, best) ? ICE_GRACE_PRFLX_MS : 0;
	case MEDIA_CAND_HOST:
	case MEDIA_CAND_SRFLX:
		break;
	}
	return 0;
}

static bool is_nominating(const struct ice *ice)
{
	const struct ice_pair *pair;

	TAILQ_FOREACH(pair, &ice->pairs.list, entry)
		if (pair->nominate)
			return true;
	return false;
}

/* RFC 8445, 8.1.1: a further check of the pair says USE-CANDIDATE. */
static uint64_t nominate(struct ice *ice)
{
	struct ice_pair *best = best_valid(ice, false);

	if (!best || is_nominating(ice))
		return UINT64_MAX;
	uint64_t due_ms = ice->valid_ms + grace_of(ice, best);
	if (ice->now_ms < due_ms)
		return due_ms;
	best->nominate = true;
	ice_pairs_trigger(&ice->pairs, best);
	return UINT64_MAX;
}

/*
 * A peer that nominates nothing, or whose nomination is lost: RFC 8445, 12.1
 * allows to send on any valid pair.
 */
static uint64_t do_without_nomination(struct ice *ice)
{
	struct ice_pair *best = best_valid(ice, false);
	uint64_t due_ms = ice->valid_ms + ICE_UNNOMINATED_MS;

	if (!best || ice_is_done(ice))
		return UINT64_MAX;
	if (ice->now_ms < due_ms)
		return due_ms;
	ice_select(ice, best, true);
	return UINT64_MAX;
}

static uint64_t accept_nomination(struct ice *ice)
{
	struct ice_pair *best = best_valid(ice, true);

	if (!best)
		return do_without_nomination(ice);
	if (!ice_is_done(ice) || ice->provisional ||
	    best->priority > ice->selected->priority)
		ice_select(ice, best, false);
	return UINT64_MAX;
}

uint64_t ice_select_tick(struct ice *ice)
{
	if (!ice->controlling)
		return accept_nomination(ice);
	if (ice_is_done(ice) && !ice->provisional)
		return UINT64_MAX;

	/* A session taken up again, or consent that is back. */
	struct ice_pair *nominated = best_valid(ice, true);
	if (nominated) {
		ice_select(ice, nominated, false);
		return UINT64_MAX;
	}
	return nominate(ice);
}
