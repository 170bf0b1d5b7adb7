/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of the ICE agent, for media/ice*.c alone; media/ice.h is what
 * others use.
 *
 *   ice.c          credentials, candidates, restart; packets and time come in
 *   ice_request.c  the peer's checks: answered, and turned into pairs
 *   ice_check.c    our checks: sent, sent again, and their responses
 *   ice_select.c   nomination, and which pair carries media
 *   ice_consent.c  whether the peer still wants it (RFC 7675)
 *
 * A restart begins with whichever credentials change first, ours or the peer's.
 * The selected pair then leaves the checklist and becomes @previous, with the
 * credentials of before in @old; both go when the new checklist has selected a
 * pair. Until then @selected is @previous.
 */
#pragma once

#include "gateway/base/bucket.h"
#include "media/ice.h"
#include "media/ice_cred.h"
#include "media/ice_pair.h"
#include "media/stun.h"

enum {
	ICE_MAX_SWITCHES = 8,    /* of role; a peer must not make us flap */
	ICE_KEEP_VALID = 4,      /* pairs besides the selected one */
	ICE_GRACE_PRFLX_MS = 50, /* it may be a relay that was not signalled */
	ICE_CHALLENGE_MS = 1000, /* for the selected pair to show its life */
	ICE_CHALLENGE_RTO_MS = 300,
	ICE_DOUBT_MS = 1000, /* a consent check without an answer */
	/* A peer sends a check in 5 ms at most (RFC 8445, 14.2), and some of
	 * them again. */
	ICE_ANSWER_US = 5000,
	ICE_ANSWERS_AT_ONCE = 200,
};

struct ice_local {
	struct addr addr, base;
	uint32_t priority;
};

struct ice_remote {
	struct addr addr;
	uint32_t priority;
	enum media_cand_type type;
};

/* A check that came before the peer's credentials. */
struct ice_early {
	struct addr local, remote;
	uint32_t priority;
	bool use_candidate;
	char *ufrag; /* the sender's; owned */
};

struct ice {
	const struct ice_handlers *handlers;
	void *arg;
	uint64_t now_ms; /* as last told */
	uint64_t tie_breaker;
	uint32_t tag;
	bool controlling, allow_loopback;
	uint8_t switches;

	struct bucket answers, own_answers; /* to the peer's checks */

	uint8_t generation, local_generation;
	bool remote_restarted; /* and we have not answered yet */
	struct ice_keys keys, old;

	struct ice_local *locals;
	struct ice_remote *remotes;
	struct ice_early *early;
	uint8_t nlocals, nremotes, nearly;

	struct ice_pairs pairs;
	struct ice_pair *selected; /* in pairs, or previous; NULL: none */
	struct ice_pair *previous; /* owned */
	bool provisional;          /* selected without nomination */
	bool finished;             /* selected or reported failed */

	uint64_t start_ms; /* of this generation's checks; 0: not yet */
	uint64_t valid_ms; /* its first valid pair; 0: none */
	uint64_t next_check_ms;
	uint64_t consent_ms;      /* last proof */
	uint64_t consent_next_ms; /* next check */
	uint64_t rests_ms;        /* since when nothing is sent; 0: it is */
	uint64_t heard_ms;        /* media of the peer's, last */
	uint64_t challenge_ms;    /* since when it must prove; 0: not */
	uint64_t doubt_ms;        /* when to say that it has not; 0: never */
};

/* Whether this generation, not the one before, carries media. */
static inline bool ice_is_done(const struct ice *ice)
{
	return ice->selected && ice->selected != ice->previous;
}

static inline uint64_t ice_sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ice.c */
void ice_emit(struct ice *ice, const struct addr *local,
	      const struct addr *remote, const struct stun_packet *packet,
	      const char *pwd);
void ice_announce(struct ice *ice, struct ice_pair *pair);
void ice_doubt(struct ice *ice);
void ice_set_role(struct ice *ice, bool controlling);
const struct ice_remote *ice_find_remote(const struct ice *ice,
					 const struct addr *addr);
/* The pair of these addresses, made if need be with a peer-reflexive remote
 * candidate of @priority; NULL: no room. */
struct ice_pair *ice_pair_of(struct ice *ice, const struct addr *local,
			     const struct addr *remote, uint32_t priority);

/* ice_request.c */
void ice_request_recv(struct ice *ice, const struct addr *local,
		      const struct addr *remote, const uint8_t *p, size_t n);
/* The peer's credentials are known: the checks remembered count now. */
void ice_early_replay(struct ice *ice);
void ice_early_forget(struct ice *ice);

/* ice_check.c; the ticks return when they want to be called again. */
void ice_check_recv(struct ice *ice, const struct addr *local,
		    const struct addr *remote, const uint8_t *p, size_t n);
/* A check outside the checklist's states: for consent. */
void ice_check_probe(struct ice *ice, struct ice_pair *pair);
/* Time out, send again. */
uint64_t ice_check_repeat(struct ice *ice);
/* Send the next one when its turn has come. */
uint64_t ice_check_next(struct ice *ice);

/* ice_select.c */
void ice_select(struct ice *ice, struct ice_pair *pair, bool provisional);
uint64_t ice_select_tick(struct ice *ice);
/* The pair of before a restart, and its credentials, are done with. */
void ice_forget_previous(struct ice *ice);

/* ice_consent.c */
void ice_consent_start(struct ice *ice);
void ice_consent_proven(struct ice *ice);
/*
 * The peer seems to prefer another valid pair: unless the selected one answers
 * at once, move there.
 */
void ice_consent_challenge(struct ice *ice);
uint64_t ice_consent_tick(struct ice *ice);
