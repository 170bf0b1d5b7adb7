/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A full ICE agent (RFC 8445) for one component, with trickle (RFC 8838) and
 * consent freshness (RFC 7675). It does no I/O: packets and the time go in,
 * packets and events come out through the handlers. It belongs to one thread.
 *
 * Regular nomination that does not wait for dead pairs; as the controlled agent
 * it takes aggressive nomination too. Checks go to peer-reflexive candidates.
 *
 * After any call that is not const, ask ice_tick() when to come back: what was
 * added or received may be due now. Handlers are called from inside ice_recv()
 * and ice_tick() alone and must not call back into the agent.
 *
 * On a socket shared by many agents a request is sorted by its USERNAME
 * (stun_username(): the part before ':' is ice_ufrag() or, during a restart,
 * ice_old_ufrag()) and a response by its transaction id (stun_tag() is
 * ice_tag()).
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
	ICE_RTO_MAX_MS = 2000, /* it doubles up to here */
	ICE_RC = 7,            /* transmissions of a check, Rc */
	ICE_MAX_PAIRS = 100,   /* RFC 8445, 6.1.2.5 */
	ICE_MAX_LOCAL = 16,
	ICE_MAX_REMOTE = 48,
	ICE_MAX_EARLY = 8,         /* checks before the peer's credentials */
	ICE_GRACE_MS = 150,        /* a relayed pair waits for a better one */
	ICE_FAIL_MS = 20000,       /* nothing selected by then: failed */
	ICE_UNNOMINATED_MS = 3000, /* controlled: use a valid pair anyway */
	ICE_CONSENT_MS = 5000,     /* between consent checks, +-20 % */
	ICE_CONSENT_LOST_MS = 30000,
	ICE_HEARD_MS = 5000, /* a peer that was heard is there for so long */
	ICE_UFRAG_LEN = 8,
	ICE_PWD_LEN = 24,
};

struct ice;

enum ice_failure {
	ICE_FAILED,
	/* RFC 7675, 5.1: nothing is to be sent, but the peer's media comes
	 * (ice_heard()): selected() or ICE_CONSENT_LOST follows. */
	ICE_CONSENT_RESTS,
	ICE_CONSENT_LOST,
};

struct ice_handlers {
	/* Send from our socket's address @local; the octets are borrowed. */
	void (*send)(const struct addr *local, const struct addr *remote,
		     const uint8_t *p, size_t n, void *arg);
	/* An authenticated check came from @remote, or one of ours succeeded:
	 * from now on its packets are this agent's. May come again. */
	void (*valid)(const struct addr *local, const struct addr *remote,
		      void *arg);
	/* Media goes here now; again when the pair changes and when consent is
	 * back after it was lost. */
	void (*selected)(const struct addr *local, const struct addr *remote,
			 void *arg);
	/* Not the end: checks are still answered, and a peer that comes back
	 * is selected anew. */
	void (*failed)(enum ice_failure why, void *arg);
	/*
	 * May be NULL. The selected pair does not answer at once, or the peer
	 * sees us at another address than before: ours may have changed.
	 */
	void (*doubt)(void *arg);
};

struct ice_config {
	bool controlling;
	bool allow_loopback;
	uint32_t tag; /* see ice_tag(); 0: a random one */
	uint64_t now_ms;
};

/*
 * *@out is owned by the caller. The local ufrag and pwd are made here.
 * @handlers and @arg are borrowed for its lifetime. 0 or -ENOMEM.
 */
CHECKED int ice_new(struct ice **out, const struct ice_config *config,
		    const struct ice_handlers *handlers, void *arg);
struct ice *ice_free(struct ice *ice);
DEFINE_AUTO(struct ice *, ice_free)

/* Borrowed until the next ice_restart() or ice_set_local(). */
const char *ice_ufrag(const struct ice *ice);
const char *ice_pwd(const struct ice *ice);
/* What was ice_ufrag() before the restart that is under way; else NULL. */
const char *ice_old_ufrag(const struct ice *ice);
/* The first four octets of every transaction id of this agent. */
uint32_t ice_tag(const struct ice *ice);
bool ice_is_controlling(const struct ice *ice);
/*
 * Use these instead of made ones: a session that is taken up again, or the
 * owner made them. Right after ice_new() or ice_restart(). 0, -EINVAL (RFC 8839
 * lengths), -ENOMEM.
 */
CHECKED int ice_set_local(struct ice *ice, const char *ufrag, const char *pwd);

/*
 * A local candidate: its base is @base, the address packets leave from. After
 * ice_restart() the first one drops those of before. 0, -E2BIG, -ENOMEM.
 */
CHECKED int ice_add_local(struct ice *ice, const struct media_cand *cand,
			  const struct addr *base);
/*
 * The peer's credentials: again with others is an ICE restart by the peer, or
 * its answer to ours; a restart by the peer is answered with ice_restart(),
 * before or after. The same ones again change nothing. @lite: the peer is
 * ICE-lite and we are controlling.
 * 0, -EINVAL (RFC 8839 lengths), -ENOMEM.
 */
CHECKED int ice_set_remote(struct ice *ice, const char *ufrag, const char *pwd,
			   bool lite);
/* 0 (also for a candidate that is not usable and left out), -E2BIG, -ENOMEM. */
CHECKED int ice_add_remote(struct ice *ice, const struct media_cand *cand);
/*
 * New local credentials and a new generation; the selected pair carries media,
 * under the old credentials, until the restart has selected another
 * (RFC 8445, 9). The role stays. 0 or -ENOMEM, and then nothing has changed.
 */
CHECKED int ice_restart(struct ice *ice, uint64_t now_ms);
uint8_t ice_generation(const struct ice *ice);
/*
 * A session that is taken up again: @local and @remote were its selected pair.
 * It is checked first and selected, by either role, as soon as that succeeds.
 * After ice_set_local() and ice_set_remote(). 0 or -ENOMEM.
 */
CHECKED int ice_resume(struct ice *ice, const struct addr *local,
		       const struct addr *remote);

/*
 * Authentic media of the peer came last at @at_ms. It is no consent, but a peer
 * whose media comes is not gone: what was lost are checks or their answers, as
 * in an overload.
 */
void ice_heard(struct ice *ice, uint64_t at_ms);

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
