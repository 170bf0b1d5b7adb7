/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The next hops of one place, and the way of one request along them (RFC 3263,
 * 4.3): by priority, by chance of their weight (RFC 2782), those that failed
 * last. What failed stays aside until a probe finds it working again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "sip/resolve.h"

enum {
	SIP_HOP_ASIDE_MS = 30 * 1000, /* doubled by each failure in a row */
	SIP_HOP_ASIDE_MAX_MS = 300 * 1000,
};

struct sip_hops {
	struct sip_hop hop[SIP_HOPS_MAX];
	struct {
		unsigned failures; /* in a row; 0: works, or not known */
		uint64_t probe_ms; /* no probe before */
	} state[SIP_HOPS_MAX];
	size_t n;
};

/* What has failed before stays aside. */
void sip_hops_set(struct sip_hops *hops, const struct sip_hop *hop, size_t n);
/* @aside_ms 0: as long as its failures say. An unknown @hop is passed over. */
void sip_hops_failed(struct sip_hops *hops, const struct sip_hop *hop,
		     uint64_t now_ms, unsigned aside_ms);
void sip_hops_worked(struct sip_hops *hops, const struct sip_hop *hop);
/* How many have failed. */
size_t sip_hops_aside(const struct sip_hops *hops);
bool sip_hop_equal(const struct sip_hop *a, const struct sip_hop *b);

/* Put @hop into an order to try (RFC 2782): priority, then chance by weight;
 * the addresses of one target stay together. */
void sip_hops_order(struct sip_hop *hop, size_t n);

struct sip_walk_wish {
	uint64_t now_ms;
	/* Asked first unless it has failed; NULL: none. */
	const struct sip_hop *first;
	bool probe;      /* first try what failed, once its time has come */
	bool one_family; /* only addresses of the first one's */
};

/* A copy: @hops may change or go meanwhile. */
struct sip_walk {
	size_t n, at;
	struct sip_hop hop[SIP_HOPS_MAX];
};

/* At its first hop. False when there is none. */
bool sip_walk_start(struct sip_walk *walk, const struct sip_hops *hops,
		    const struct sip_walk_wish *wish);
/* On to the next hop; false when there is none. */
bool sip_walk_on(struct sip_walk *walk);
bool sip_walk_is_last(const struct sip_walk *walk);
const struct sip_hop *sip_walk_hop(const struct sip_walk *walk);
