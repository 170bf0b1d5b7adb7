/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Candidate pairs and the checklist (RFC 8445, 6.1.2). A pair is a base of ours
 * and a remote address: candidates with one base make one pair. There is one
 * component, so nothing is ever Frozen.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/desc.h"

enum {
	ICE_NONCE_LEN = 8, /* of a transaction id, behind the agent's tag */
	ICE_CHECKS_KEPT = 2,
};

/* RFC 8445, 6.1.2.6. */
enum ice_pair_state {
	ICE_PAIR_WAITING,
	ICE_PAIR_IN_PROGRESS,
	ICE_PAIR_SUCCEEDED,
	ICE_PAIR_FAILED,
	ICE_PAIR_NSTATES,
};

enum ice_pair_event {
	ICE_PAIR_TRIGGER, /* shall be checked (again) */
	ICE_PAIR_SEND,    /* its check goes out */
	ICE_PAIR_SUCCESS,
	ICE_PAIR_FAILURE,
	ICE_PAIR_NEVENTS,
};

/* A request of ours that may still be answered. */
struct ice_check {
	uint8_t nonce[ICE_NONCE_LEN];
	bool sent;
	bool controlling, use_candidate; /* what the request said */
};

struct ice_pair {
	TAILQ_ENTRY(ice_pair) entry;
	struct addr local; /* the base */
	struct addr remote;
	struct addr mapped; /* @local as the peer saw it last; unset: not yet */
	uint32_t local_priority, remote_priority;
	uint64_t priority;
	uint8_t state;       /* enum ice_pair_state */
	uint8_t remote_type; /* enum media_cand_type */
	/* A check succeeded and none failed since, or it is selected. */
	bool valid;
	bool nominated; /* by us or the peer, and to be used when valid */
	bool nominate;  /* controlling: the next check says USE-CANDIDATE */
	bool announced; /* ice_handlers.valid was called */
	uint8_t transmissions;
	uint16_t rto_ms;
	uint32_t triggered; /* place in the triggered-check queue; 0: not in */
	uint64_t due_ms;    /* of the next transmission, while In-Progress */
	uint64_t seen_ms;   /* last authenticated message */
	struct ice_check checks[ICE_CHECKS_KEPT]; /* the latest first */
};

TAILQ_HEAD(ice_pair_list, ice_pair);

/* The checklist, by falling priority. */
struct ice_pairs {
	struct ice_pair_list list;
	size_t n;
	uint32_t triggers; /* so far */
};

/* What a pair is made from. */
struct ice_pair_parts {
	const struct addr *local, *remote;
	uint32_t local_priority, remote_priority;
	enum media_cand_type remote_type;
	bool controlling;
	bool proven; /* a check came from there: it may displace guesses */
};

enum { ICE_PAIR_E_FULL = 1 };

void ice_pairs_init(struct ice_pairs *pairs);
/* Frees all pairs. */
void ice_pairs_flush(struct ice_pairs *pairs);

/* Borrowed, or NULL. */
struct ice_pair *ice_pairs_find(const struct ice_pairs *pairs,
				const struct addr *local,
				const struct addr *remote);
/*
 * Add a pair that is not there yet; *@out is borrowed. Past ICE_MAX_PAIRS the
 * least useful one makes room: one that failed, else one that waits and is
 * less preferred. 0, ICE_PAIR_E_FULL, -ENOMEM.
 */
CHECKED int ice_pairs_add(struct ice_pairs *pairs, struct ice_pair **out,
			  const struct ice_pair_parts *parts);
void ice_pairs_remove(struct ice_pairs *pairs, struct ice_pair *pair);
/* Take @pair out without freeing it: the caller owns it. */
void ice_pairs_take(struct ice_pairs *pairs, struct ice_pair *pair);
/* The priorities' parts or the role changed: put @pair, or all, in order. */
void ice_pairs_place(struct ice_pairs *pairs, struct ice_pair *pair,
		     bool controlling);
void ice_pairs_sort(struct ice_pairs *pairs, bool controlling);

/* Put @pair at the end of the triggered-check queue (RFC 8445, 6.1.4.1). */
void ice_pairs_trigger(struct ice_pairs *pairs, struct ice_pair *pair);
/* The pair to check next (RFC 8445, 6.1.4.2); borrowed, or NULL. */
struct ice_pair *ice_pairs_next(const struct ice_pairs *pairs);
/* How many wait or are in progress. */
size_t ice_pairs_active(const struct ice_pairs *pairs);

/* The one writer of ice_pair.state; an event without a transition is ignored.
 */
void ice_pair_event(struct ice_pair *pair, enum ice_pair_event event);
