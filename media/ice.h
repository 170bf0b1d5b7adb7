/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A full ICE agent (RFC 8445) for one component, with trickle (RFC 8838) and
 * consent freshness (RFC 7675). It does no I/O: packets and the time go in,
 * packets and events come out through the handlers. It belongs to one thread.
 *
 * Regular nomination that does not wait for dead pairs; as the controlled agent
 * it takes aggressive nomination too. Checks go to peer-reflexive candidates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/desc.h"

enum {
	ICE_TA_MS = 20,        /* pacing, at least 5 (RFC 8445, 14.2) */
	ICE_RTO_MS = 250,      /* first retransmission of a check */
	ICE_RC = 7,            /* transmissions of a check, Rc */
	ICE_MAX_PAIRS = 100,   /* RFC 8445, 6.1.2.5 */
	ICE_FAIL_MS = 20000,   /* no valid pair by then: failed */
	ICE_CONSENT_MS = 5000, /* between consent checks, +-20 % */
	ICE_CONSENT_LOST_MS = 30000,
	ICE_UFRAG_LEN = 8,
	ICE_PWD_LEN = 24,
};

struct ice;

enum ice_failure { ICE_FAILED, ICE_CONSENT_LOST };

struct ice_handlers {
	/* Send from our socket's address @local; the octets are borrowed. */
	void (*send)(const struct addr *local, const struct addr *remote,
		     const uint8_t *p, size_t n, void *arg);
	/* An authenticated check came from @remote, or one of ours succeeded:
	 * from now on its packets are this agent's. */
	void (*valid)(const struct addr *local, const struct addr *remote,
		      void *arg);
	/* Media goes here now; again when the pair changes. */
	void (*selected)(const struct addr *local, const struct addr *remote,
			 void *arg);
	void (*failed)(enum ice_failure why, void *arg);
};

struct ice_config {
	bool controlling;
	bool allow_loopback;
	uint64_t now_ms;
};

/* *@out is owned by the caller. The local ufrag and pwd are made here. */
CHECKED int ice_new(struct ice **out, const struct ice_config *config,
		    const struct ice_handlers *handlers, void *arg);
struct ice *ice_free(struct ice *ice);
DEFINE_AUTO(struct ice *, ice_free)

const char *ice_ufrag(const struct ice *ice);
const char *ice_pwd(const struct ice *ice);
/* Use these instead of made ones: a session that is taken up again. */
CHECKED int ice_set_local(struct ice *ice, const char *ufrag, const char *pwd);

/* A local candidate: its base is @base, the address packets leave from. */
CHECKED int ice_add_local(struct ice *ice, const struct media_cand *cand,
			  const struct addr *base);
/* The peer's credentials: again with others is an ICE restart. -EINVAL. */
CHECKED int ice_set_remote(struct ice *ice, const char *ufrag, const char *pwd,
			   bool lite);
/* 0 (also for a candidate that is not usable and left out), -E2BIG, -ENOMEM. */
CHECKED int ice_add_remote(struct ice *ice, const struct media_cand *cand);
/*
 * New local credentials and a new generation; the selected pair carries media
 * until the restart has selected another (RFC 8445, 9).
 */
CHECKED int ice_restart(struct ice *ice, uint64_t now_ms);
uint8_t ice_generation(const struct ice *ice);

/*
 * A STUN message that came for this agent. Unauthenticated or malformed ones
 * cost nothing and get silence. Checks with a good MESSAGE-INTEGRITY are
 * answered, also those under the credentials before a restart.
 */
void ice_recv(struct ice *ice, const struct addr *local,
	      const struct addr *remote, const uint8_t *p, size_t n,
	      uint64_t now_ms);

/* Do what is due; returns when to be called again, UINT64_MAX: never. */
uint64_t ice_tick(struct ice *ice, uint64_t now_ms);

/* Until consent was lost: whether media may be sent, and where. */
bool ice_selected(const struct ice *ice, struct addr *local,
		  struct addr *remote);

/* Candidate priority (RFC 8445, 5.1.2.1). */
uint32_t ice_priority(enum media_cand_type type, uint16_t local_preference,
		      uint8_t component);
