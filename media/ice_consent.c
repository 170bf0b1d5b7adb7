/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Consent freshness (RFC 7675): every 5 s, randomised, one check on the
 * selected pair, not retransmitted; without an answer for 30 s nothing is sent
 * there any more.
 *
 * A peer may move without a restart: libwebrtc then checks another pair, and
 * nominates it though it is less preferred. The selected pair is challenged
 * once that happens, so that a dead one holds media up for a second, not for
 * the half minute of consent.
 *
 * Consent that is lost ends the sending at once, and the call unless the peer's
 * media still comes: then it has as long again to come back.
 */
#include <stdlib.h>

#include "gateway/base/rand.h"
#include "media/ice_agent.h"

/* 5.1: between 0.8 and 1.2 of the interval. */
static uint64_t interval(void)
{
	return ICE_CONSENT_MS * 4 / 5 +
	       rand_u32() % (ICE_CONSENT_MS * 2 / 5 + 1);
}

void ice_consent_start(struct ice *ice)
{
	ice->consent_ms = ice->now_ms;
	ice->consent_next_ms = ice->now_ms + interval();
	ice->challenge_ms = 0;
	ice->doubt_ms = 0;
	ice->rests_ms = 0;
}

void ice_heard(struct ice *ice, uint64_t at_ms)
{
	ice->heard_ms = at_ms;
}

void ice_consent_proven(struct ice *ice)
{
	ice->consent_ms = ice->now_ms;
	ice->doubt_ms = 0;
	if (!ice->challenge_ms)
		return;
	ice->challenge_ms = 0;
	ice->consent_next_ms = ice->now_ms + interval();
}

void ice_consent_challenge(struct ice *ice)
{
	bool fresh = ice->now_ms < ice->consent_ms + ICE_CHALLENGE_MS;

	if (!ice_is_done(ice) || ice->challenge_ms || fresh)
		return;
	ice->challenge_ms = ice->now_ms;
	ice->consent_next_ms = ice->now_ms;
}

static void check_consent(struct ice *ice)
{
	if (ice->now_ms < ice->consent_next_ms)
		return;
	if (!ice->doubt_ms)
		ice->doubt_ms = ice->now_ms + ICE_DOUBT_MS;
	ice->consent_next_ms =
		ice->now_ms +
		(ice->challenge_ms ? ICE_CHALLENGE_RTO_MS : interval());
	ice_check_probe(ice, ice->selected);
}

/* Where the peer was heard last, and wants to be heard. */
static struct ice_pair *alternative(const struct ice *ice)
{
	struct ice_pair *pair, *latest = NULL;

	TAILQ_FOREACH(pair, &ice->pairs.list, entry) {
		bool wanted = ice->controlling || pair->nominated;

		if (pair == ice->selected || !pair->valid || !wanted)
			continue;
		if (!latest || pair->seen_ms > latest->seen_ms)
			latest = pair;
	}
	return latest;
}

static void fail_pair(struct ice_pair *pair)
{
	pair->valid = false;
	pair->nominate = false;
	ice_pair_event(pair, ICE_PAIR_FAILURE);
}

static void end_challenge(struct ice *ice)
{
	struct ice_pair *other = alternative(ice), *dead = ice->selected;

	ice->challenge_ms = 0;
	if (!other)
		return;
	if (ice->controlling) {
		other->nominate = true;
		ice_pairs_trigger(&ice->pairs, other);
		return;
	}
	dead->nominated = false;
	fail_pair(dead);
	ice_select(ice, other, false);
}

/*
 * The pair stays nominated, so that it is selected again should the peer come
 * back; others that were not heard of either are no better.
 */
static void lose(struct ice *ice)
{
	struct ice_pair *pair;

	if (ice->selected == ice->previous) {
		/* Its credentials are answered until the restart is over. */
		free(ice->previous);
		ice->previous = NULL;
		ice->selected = NULL;
	} else {
		TAILQ_FOREACH(pair, &ice->pairs.list, entry)
			if (pair == ice->selected ||
			    pair->seen_ms + 2 * ICE_CONSENT_MS < ice->now_ms)
				fail_pair(pair);
		ice->selected = NULL;
	}
	ice->challenge_ms = 0;
	ice->rests_ms = ice->now_ms;
	ice->handlers->failed(ICE_CONSENT_RESTS, ice->arg);
}

/* Until a check is answered, and not for ever. */
static uint64_t rest(struct ice *ice)
{
	if (!ice->rests_ms)
		return UINT64_MAX;
	/* A restart has its own time to find another pair: give_up(). */
	if (ice->start_ms && !ice->finished)
		return ice->start_ms + ICE_FAIL_MS;

	uint64_t due_ms = ice_sooner(ice->heard_ms + ICE_HEARD_MS,
				     ice->rests_ms + ICE_CONSENT_LOST_MS);
	if (ice->now_ms < due_ms)
		return due_ms;
	ice->rests_ms = 0;
	ice->handlers->failed(ICE_CONSENT_LOST, ice->arg);
	return UINT64_MAX;
}

/*
 * A check that is long due was not sent: it is we who stood still (SIGSTOP, a
 * machine that slept), and sent nothing at all. The peer is asked once before
 * it is given up.
 */
static bool stood_still(struct ice *ice)
{
	if (ice->now_ms < ice->consent_next_ms + ICE_DOUBT_MS)
		return false;
	ice->consent_ms = ice->now_ms + ICE_DOUBT_MS - ICE_CONSENT_LOST_MS;
	return true;
}

uint64_t ice_consent_tick(struct ice *ice)
{
	if (!ice->selected)
		return rest(ice);

	uint64_t lost_ms = ice->consent_ms + ICE_CONSENT_LOST_MS;
	if (ice->now_ms >= lost_ms && !stood_still(ice)) {
		lose(ice);
		return ice->now_ms; /* another pair may do */
	}
	if (ice->challenge_ms &&
	    ice->now_ms >= ice->challenge_ms + ICE_CHALLENGE_MS)
		end_challenge(ice);
	check_consent(ice);
	if (ice->doubt_ms && ice->now_ms >= ice->doubt_ms) {
		ice->doubt_ms = 0;
		ice_doubt(ice);
	}

	uint64_t due_ms = ice_sooner(ice->consent_next_ms,
				     ice->consent_ms + ICE_CONSENT_LOST_MS);
	if (ice->doubt_ms)
		due_ms = ice_sooner(due_ms, ice->doubt_ms);
	if (ice->challenge_ms)
		due_ms = ice_sooner(due_ms,
				    ice->challenge_ms + ICE_CHALLENGE_MS);
	return due_ms;
}
