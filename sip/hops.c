/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/hops.h"

#include <assert.h>

#include "gateway/base/rand.h"

/* ---- what is known of them ---- */

bool sip_hop_equal(const struct sip_hop *a, const struct sip_hop *b)
{
	return a->transport == b->transport && addr_equal(&a->addr, &b->addr);
}

static size_t find(const struct sip_hops *hops, const struct sip_hop *hop)
{
	size_t i = 0;

	while (i < hops->n && !sip_hop_equal(&hops->hop[i], hop))
		i++;
	return i;
}

void sip_hops_set(struct sip_hops *hops, const struct sip_hop *hop, size_t n)
{
	struct sip_hops old = *hops;

	assert(n <= SIP_HOPS_MAX);
	*hops = (struct sip_hops){ .n = n };
	for (size_t i = 0; i < n; i++) {
		size_t was = find(&old, &hop[i]);

		hops->hop[i] = hop[i];
		if (was < old.n)
			hops->state[i] = old.state[was];
	}
}

void sip_hops_failed(struct sip_hops *hops, const struct sip_hop *hop,
		     uint64_t now_ms, unsigned aside_ms)
{
	size_t i = find(hops, hop);
	uint64_t wait = SIP_HOP_ASIDE_MS;

	if (i == hops->n)
		return;
	for (unsigned k = 0; k < hops->state[i].failures; k++)
		if (wait < SIP_HOP_ASIDE_MAX_MS)
			wait *= 2;
	if (aside_ms)
		wait = aside_ms;
	if (wait > SIP_HOP_ASIDE_MAX_MS)
		wait = SIP_HOP_ASIDE_MAX_MS;
	hops->state[i].failures++;
	hops->state[i].probe_ms = now_ms + wait;
}

void sip_hops_worked(struct sip_hops *hops, const struct sip_hop *hop)
{
	size_t i = find(hops, hop);

	if (i < hops->n)
		hops->state[i].failures = 0;
}

size_t sip_hops_aside(const struct sip_hops *hops)
{
	size_t n = 0;

	for (size_t i = 0; i < hops->n; i++)
		n += hops->state[i].failures != 0;
	return n;
}

/* ---- the order ---- */

static void swap(struct sip_hop *a, struct sip_hop *b)
{
	struct sip_hop t = *a;

	*a = *b;
	*b = t;
}

static bool is_new_target(const struct sip_hop *hop, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (hop[k].target == hop[i].target)
			return false;
	return true;
}

static uint32_t best_priority(const struct sip_hop *hop, size_t n)
{
	uint32_t best = UINT32_MAX;

	for (size_t i = 0; i < n; i++)
		if (hop[i].priority < best)
			best = hop[i].priority;
	return best;
}

/* One target of those with the best priority; a weight of 0 has a small chance
 * as well (RFC 2782). */
static unsigned choose_target(const struct sip_hop *hop, size_t n)
{
	uint32_t priority = best_priority(hop, n);
	uint32_t sum = 0, at;
	unsigned chosen = hop[0].target;

	for (size_t i = 0; i < n; i++)
		if (hop[i].priority == priority && is_new_target(hop, i))
			sum += hop[i].weight * 100u + 1;
	if (!sum)
		return chosen;
	at = rand_u32() % sum;
	for (size_t i = 0; i < n; i++) {
		uint32_t share = hop[i].weight * 100u + 1;

		if (hop[i].priority != priority || !is_new_target(hop, i))
			continue;
		chosen = hop[i].target;
		if (at < share)
			break;
		at -= share;
	}
	return chosen;
}

void sip_hops_order(struct sip_hop *hop, size_t n)
{
	while (n > 1) {
		unsigned target = choose_target(hop, n);
		size_t taken = 0;

		/* Those of the target to the front, in their own order. */
		for (size_t i = 0; i < n; i++) {
			if (hop[i].target != target)
				continue;
			for (size_t k = i; k > taken; k--)
				swap(&hop[k], &hop[k - 1]);
			taken++;
		}
		hop += taken;
		n -= taken;
	}
}

/* ---- one request's way ---- */

enum standing { WORKS, DUE, ASIDE };

static enum standing standing(const struct sip_hops *hops, size_t i,
			      const struct sip_walk_wish *wish)
{
	if (!hops->state[i].failures)
		return WORKS;
	return wish->probe && wish->now_ms >= hops->state[i].probe_ms ? DUE
								      : ASIDE;
}

/* Append those that stand so; the order within is by chance. */
static void append(struct sip_walk *walk, const struct sip_hops *hops,
		   const struct sip_walk_wish *wish, enum standing which)
{
	size_t from = walk->n;

	for (size_t i = 0; i < hops->n; i++)
		if (standing(hops, i, wish) == which)
			walk->hop[walk->n++] = hops->hop[i];
	sip_hops_order(walk->hop + from, walk->n - from);
}

static void put_first(struct sip_hop *hop, size_t n,
		      const struct sip_hop *first)
{
	for (size_t i = 1; i < n; i++) {
		if (!sip_hop_equal(&hop[i], first))
			continue;
		for (; i; i--)
			swap(&hop[i], &hop[i - 1]);
		return;
	}
}

static void keep_family(struct sip_walk *walk)
{
	bool v6 = addr_is_v6(&walk->hop[0].addr);
	size_t kept = 0;

	for (size_t i = 0; i < walk->n; i++)
		if (addr_is_v6(&walk->hop[i].addr) == v6)
			walk->hop[kept++] = walk->hop[i];
	walk->n = kept;
}

bool sip_walk_start(struct sip_walk *walk, const struct sip_hops *hops,
		    const struct sip_walk_wish *wish)
{
	size_t due;

	*walk = (struct sip_walk){ 0 };
	/* Behind one that answers, a probe would never come to them. */
	append(walk, hops, wish, DUE);
	due = walk->n;
	append(walk, hops, wish, WORKS);
	if (wish->first)
		put_first(walk->hop + due, walk->n - due, wish->first);
	append(walk, hops, wish, ASIDE);
	if (walk->n && wish->one_family)
		keep_family(walk);
	return walk->n;
}

bool sip_walk_on(struct sip_walk *walk)
{
	if (sip_walk_is_last(walk))
		return false;
	walk->at++;
	return true;
}

bool sip_walk_is_last(const struct sip_walk *walk)
{
	return walk->at + 1 >= walk->n;
}

const struct sip_hop *sip_walk_hop(const struct sip_walk *walk)
{
	return &walk->hop[walk->at];
}
