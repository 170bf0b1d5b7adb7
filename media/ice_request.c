/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The peer's connectivity checks (RFC 8445, 7.3). A check that is not
 * authenticated gets silence, so that nobody can use us as a reflector.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "media/cand.h"
#include "media/ice_agent.h"

/* One request on its way through this file. */
struct request {
	const struct addr *local, *remote;
	const struct ice_keys *keys; /* those it was made with */
	struct slice sender;         /* its ufrag */
	bool early;                  /* the sender's credentials are unknown */
	struct stun_packet packet;
};

static bool made_with(struct request *r, const struct ice_keys *keys,
		      struct slice username)
{
	r->keys = keys;
	r->sender = ice_cred_sender(&keys->local, username);
	r->early = !keys->remote.ufrag;
	return r->sender.n &&
	       (r->early || slice_is(r->sender, keys->remote.ufrag));
}

static void reply(struct ice *ice, const struct request *r,
		  struct stun_packet *answer)
{
	memcpy(answer->tid, r->packet.tid, STUN_TID_LEN);
	ice_emit(ice, r->local, r->remote, answer, r->keys->local.pwd);
}

static void reply_success(struct ice *ice, const struct request *r)
{
	struct stun_packet answer = { .kind = STUN_SUCCESS,
				      .mapped = *r->remote };

	reply(ice, r, &answer);
}

static void reply_error(struct ice *ice, const struct request *r, uint16_t code)
{
	struct stun_packet answer = { .kind = STUN_ERROR, .error = code };

	if (code == STUN_UNKNOWN_ATTRIBUTE) {
		memcpy(answer.unknown, r->packet.unknown,
		       sizeof(answer.unknown));
		answer.nunknown = r->packet.nunknown;
	}
	reply(ice, r, &answer);
}

/* RFC 8445, 7.3.1.1: the larger tie-breaker controls. True: answer 487. */
static bool in_conflict(struct ice *ice, const struct stun_packet *packet)
{
	enum stun_role ours =
		ice->controlling ? STUN_CONTROLLING : STUN_CONTROLLED;

	if (packet->role != ours)
		return false;
	bool we_control = ice->tie_breaker >= packet->tie_breaker;
	if (we_control == ice->controlling)
		return true;
	ice_set_role(ice, we_control);
	return false;
}

/* RFC 8445, 7.3.1.3 and 7.3.1.4. */
static struct ice_pair *take(struct ice *ice, const struct addr *local,
			     const struct addr *remote, uint32_t priority,
			     bool use_candidate)
{
	struct ice_pair *pair = ice_pair_of(ice, local, remote, priority);

	if (!pair)
		return NULL;
	pair->seen_ms = ice->now_ms;
	if (pair->state != ICE_PAIR_SUCCEEDED)
		ice_pairs_trigger(&ice->pairs, pair);
	/* 7.3.1.5. Nominated is not yet usable: our check must succeed. */
	if (use_candidate && !ice->controlling)
		pair->nominated = true;
	/* One that is kept in reserve, and used now that the other is dead? */
	if (pair->valid && pair != ice->selected)
		ice_consent_challenge(ice);
	return pair;
}

static struct ice_early *find_early(struct ice *ice, const struct request *r)
{
	for (size_t i = 0; i < ice->nearly; i++)
		if (addr_equal(&ice->early[i].remote, r->remote) &&
		    addr_equal(&ice->early[i].local, r->local))
			return &ice->early[i];
	return NULL;
}

static struct ice_early *new_early(struct ice *ice)
{
	size_t size = (ice->nearly + 1u) * sizeof(*ice->early);

	if (ice->nearly == ICE_MAX_EARLY)
		return NULL;
	struct ice_early *grown = realloc(ice->early, size);
	if (!grown)
		return NULL;
	ice->early = grown;
	grown[ice->nearly] = (struct ice_early){ .ufrag = NULL };
	return &grown[ice->nearly++];
}

/* The peer repeats its checks: one that finds no room here is not lost. */
static void remember(struct ice *ice, const struct request *r)
{
	struct ice_early *early = find_early(ice, r);
	char *ufrag = text_dup(r->sender);

	if (!early && ufrag)
		early = new_early(ice);
	if (!early || !ufrag) {
		free(ufrag);
		return;
	}
	bool nominated = early->use_candidate;
	free(early->ufrag);
	*early = (struct ice_early){
		.local = *r->local,
		.remote = *r->remote,
		.priority = r->packet.priority,
		.use_candidate = nominated || r->packet.use_candidate,
		.ufrag = ufrag,
	};
	ice->handlers->valid(r->local, r->remote, ice->arg);
}

void ice_early_forget(struct ice *ice)
{
	for (size_t i = 0; i < ice->nearly; i++)
		free(ice->early[i].ufrag);
	free(ice->early);
	ice->early = NULL;
	ice->nearly = 0;
}

void ice_early_replay(struct ice *ice)
{
	for (size_t i = 0; i < ice->nearly; i++) {
		const struct ice_early *e = &ice->early[i];

		if (strcmp(e->ufrag, ice->keys.remote.ufrag) != 0)
			continue;
		struct ice_pair *pair = take(ice, &e->local, &e->remote,
					     e->priority, e->use_candidate);
		if (pair)
			pair->announced = true; /* when it was remembered */
	}
	ice_early_forget(ice);
}

/* PRIORITY is needed only to make a candidate of the source (7.1.1). */
static bool lacks_priority(const struct ice *ice, const struct request *r)
{
	return !r->packet.has_priority && !ice_find_remote(ice, r->remote) &&
	       !ice_pairs_find(&ice->pairs, r->local, r->remote);
}

/*
 * Whoever repeats an authentic check under a forged source has us answer
 * somebody else, if only with fewer octets: not often. What the selected pair's
 * own address has of it nobody else can use up.
 */
static bool may_answer(struct ice *ice, const struct addr *remote)
{
	bool own = ice->selected && addr_equal(&ice->selected->remote, remote);

	return bucket_take(own ? &ice->own_answers : &ice->answers,
			   ice->now_ms * US_PER_MS, ICE_ANSWER_US,
			   ICE_ANSWERS_AT_ONCE);
}

static void on_request(struct ice *ice, const struct request *r)
{
	bool old = r->keys == &ice->old;

	if (!may_answer(ice, r->remote))
		return;
	if (r->packet.nunknown) {
		reply_error(ice, r, STUN_UNKNOWN_ATTRIBUTE);
		return;
	}
	if (!old && in_conflict(ice, &r->packet)) {
		reply_error(ice, r, STUN_ROLE_CONFLICT);
		return;
	}
	if (!old && lacks_priority(ice, r)) {
		reply_error(ice, r, STUN_BAD_REQUEST);
		return;
	}
	reply_success(ice, r);
	if (old)
		return; /* consent for the pair of before the restart */
	if (r->early) {
		remember(ice, r);
		return;
	}
	struct ice_pair *pair =
		take(ice, r->local, r->remote, r->packet.priority,
		     r->packet.use_candidate);
	if (pair)
		ice_announce(ice, pair);
}

void ice_request_recv(struct ice *ice, const struct addr *local,
		      const struct addr *remote, const uint8_t *p, size_t n)
{
	struct slice username = stun_username(p, n);
	struct request r = { .local = local, .remote = remote };

	if (!cand_addr_is_usable(remote, ice->allow_loopback))
		return;
	if (!made_with(&r, &ice->keys, username) &&
	    !(ice->old.remote.ufrag && made_with(&r, &ice->old, username)))
		return;
	if (!stun_decode(&r.packet, p, n, slice_of(r.keys->local.pwd)))
		on_request(ice, &r);
}
