/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/siege.h"

#include "media/sieve.h"

bool siege_is_due(const struct siege *siege, uint64_t now_ms)
{
	return now_ms - siege->looked_ms >= SIEGE_LOOK_MS;
}

/*
 * So that of what they send no more comes through than is borne; but no less
 * than if all of it were checks and handshakes. What comes from a call's
 * address passes whatever the share is: it would fall to nothing.
 */
static uint32_t share_of(uint32_t before, uint64_t passed_s,
			 uint64_t strangers_s)
{
	uint64_t share = passed_s ? (uint64_t)before * SIEGE_BEARS / passed_s
				  : SIEVE_ALL;
	uint64_t least =
		strangers_s ? (uint64_t)SIEVE_ALL * SIEGE_BEARS / strangers_s
			    : SIEVE_ALL;

	if (share < least)
		share = least;
	return share < SIEVE_ALL ? (uint32_t)share : SIEVE_ALL;
}

static bool begins(struct siege *siege, uint64_t strangers_s, uint64_t now_ms)
{
	if (strangers_s < SIEGE_FROM)
		return false;
	siege->flooded = true;
	siege->share = SIEVE_ALL;
	siege->calm_ms = now_ms;
	return true;
}

static bool goes_on(struct siege *siege, uint64_t strangers_s,
		    uint64_t passed_s, uint64_t now_ms)
{
	uint32_t share = share_of(siege->share, passed_s, strangers_s);
	bool differs = share / 2 > siege->share || share < siege->share / 2 ||
		       (passed_s > SIEGE_BEARS && share < siege->share) ||
		       (share == SIEVE_ALL && siege->share != SIEVE_ALL);

	if (strangers_s >= SIEGE_TO)
		siege->calm_ms = now_ms;
	if (now_ms - siege->calm_ms >= SIEGE_CALM_MS) {
		siege->flooded = false;
		return true;
	}
	if (differs)
		siege->share = share;
	return differs;
}

bool siege_look(struct siege *siege, uint64_t now_ms, uint64_t dropped,
		uint64_t foreign)
{
	uint64_t ms = now_ms - siege->looked_ms;
	bool first = !siege->looked_ms;

	if (!siege_is_due(siege, now_ms))
		return false;
	uint64_t passed_s = (foreign - siege->foreign) * 1000 / ms;
	uint64_t strangers_s =
		passed_s + (dropped - siege->dropped) * 1000 / ms;
	siege->looked_ms = now_ms;
	siege->dropped = dropped;
	siege->foreign = foreign;
	if (first)
		return false;
	return siege->flooded ? goes_on(siege, strangers_s, passed_s, now_ms)
			      : begins(siege, strangers_s, now_ms);
}
