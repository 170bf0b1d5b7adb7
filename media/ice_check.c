/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Our connectivity checks (RFC 8445, 7.2). Each pair remembers its last two
 * requests: the one before a triggered check may still be answered.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/cursor.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "media/cand.h"
#include "media/ice_agent.h"

static const struct ice_keys *keys_of(const struct ice *ice,
				      const struct ice_pair *pair)
{
	return pair == ice->previous ? &ice->old : &ice->keys;
}

static void write_tid(uint8_t tid[static STUN_TID_LEN], const struct ice *ice,
		      const struct ice_check *check)
{
	struct cursor c = cursor_over(tid, STUN_TID_LEN);

	cursor_put_u32(&c, ice->tag);
	cursor_put(&c, check->nonce, sizeof(check->nonce));
}

/* What a local candidate learned from this check would have (7.2.2). */
static uint32_t prflx_priority(const struct ice_pair *pair)
{
	return cand_priority(MEDIA_CAND_PRFLX,
			     (uint16_t)(pair->local_priority >> 8), 1);
}

/* Send the pair's latest check, for the first time or again. */
static void transmit(struct ice *ice, const struct ice_pair *pair)
{
	const struct ice_keys *keys = keys_of(ice, pair);
	const struct ice_check *check = &pair->checks[0];
	char username[STUN_USERNAME_MAX + 1];

	if (!keys->remote.ufrag ||
	    text_format(username, sizeof(username), "%s:%s", keys->remote.ufrag,
			keys->local.ufrag))
		return;

	struct stun_packet packet = {
		.kind = STUN_REQUEST,
		.username = slice_of(username),
		.has_priority = true,
		.priority = prflx_priority(pair),
		.use_candidate = check->use_candidate,
		.role = check->controlling ? STUN_CONTROLLING : STUN_CONTROLLED,
		.tie_breaker = ice->tie_breaker,
	};
	write_tid(packet.tid, ice, check);
	ice_emit(ice, &pair->local, &pair->remote, &packet, keys->remote.pwd);
}

static void new_check(struct ice *ice, struct ice_pair *pair,
		      bool use_candidate)
{
	pair->checks[1] = pair->checks[0];
	pair->checks[0] = (struct ice_check){
		.sent = true,
		.controlling = ice->controlling,
		.use_candidate = ice->controlling && use_candidate,
	};
	rand_bytes(pair->checks[0].nonce, sizeof(pair->checks[0].nonce));
	transmit(ice, pair);
}

/*
 * Consent checks of the controlling agent repeat USE-CANDIDATE: a controlled
 * peer that was taken up again learns what is nominated.
 */
void ice_check_probe(struct ice *ice, struct ice_pair *pair)
{
	new_check(ice, pair, pair->nominated);
}

/* RFC 8445, 14.3: retransmissions of many checks keep the pace as well. */
static uint16_t first_rto(const struct ice *ice)
{
	size_t rto_ms = ICE_TA_MS * ice_pairs_active(&ice->pairs);

	if (rto_ms < ICE_RTO_MS)
		return ICE_RTO_MS;
	return rto_ms < ICE_RTO_MAX_MS ? (uint16_t)rto_ms : ICE_RTO_MAX_MS;
}

static void start(struct ice *ice, struct ice_pair *pair)
{
	pair->triggered = 0;
	pair->rto_ms = first_rto(ice);
	pair->transmissions = 1;
	pair->due_ms = ice->now_ms + pair->rto_ms;
	ice_pair_event(pair, ICE_PAIR_SEND);
	new_check(ice, pair, pair->nominate);
}

/*
 * @pair is gone afterwards when media flows already. The one it flows on stays
 * valid until its consent runs out: one that is not may have to make room.
 */
static void fail(struct ice *ice, struct ice_pair *pair)
{
	pair->nominate = false;
	ice_pair_event(pair, ICE_PAIR_FAILURE);
	if (pair == ice->selected)
		return;
	pair->valid = false;
	if (ice_is_done(ice))
		ice_pairs_remove(&ice->pairs, pair);
}

static void again(struct ice *ice, struct ice_pair *pair)
{
	if (pair->transmissions == ICE_RC) {
		fail(ice, pair);
		return;
	}
	unsigned doubled = pair->rto_ms * 2u;
	pair->rto_ms =
		doubled < ICE_RTO_MAX_MS ? (uint16_t)doubled : ICE_RTO_MAX_MS;
	pair->transmissions++;
	pair->due_ms = ice->now_ms + pair->rto_ms;
	transmit(ice, pair);
}

uint64_t ice_check_repeat(struct ice *ice)
{
	struct ice_pair *pair, *next;
	uint64_t due_ms = UINT64_MAX;

	TAILQ_FOREACH_SAFE(pair, &ice->pairs.list, entry, next) {
		if (pair->state != ICE_PAIR_IN_PROGRESS)
			continue;
		if (pair->due_ms > ice->now_ms)
			due_ms = ice_sooner(due_ms, pair->due_ms);
		else
			again(ice, pair);
	}
	/* Those just sent again count on the next round. */
	TAILQ_FOREACH(pair, &ice->pairs.list, entry)
		if (pair->state == ICE_PAIR_IN_PROGRESS)
			due_ms = ice_sooner(due_ms, pair->due_ms);
	return due_ms;
}

uint64_t ice_check_next(struct ice *ice)
{
	struct ice_pair *pair =
		ice->keys.remote.ufrag ? ice_pairs_next(&ice->pairs) : NULL;
	uint64_t due_ms = UINT64_MAX;

	if (!pair)
		return due_ms;
	if (ice->now_ms >= ice->next_check_ms) {
		start(ice, pair);
		due_ms = pair->due_ms;
		ice->next_check_ms = ice->now_ms + ICE_TA_MS;
		pair = ice_pairs_next(&ice->pairs);
	}
	return pair ? ice_sooner(due_ms, ice->next_check_ms) : due_ms;
}

static struct ice_check *check_of(struct ice_pair *pair, const uint8_t *nonce)
{
	for (size_t i = 0; i < ICE_CHECKS_KEPT; i++) {
		struct ice_check *check = &pair->checks[i];

		if (check->sent && !memcmp(check->nonce, nonce, ICE_NONCE_LEN))
			return check;
	}
	return NULL;
}

/* The pair whose check @check has @tid; both borrowed, or NULL. */
static struct ice_pair *find_check(struct ice *ice, const uint8_t *tid,
				   struct ice_check **check)
{
	const uint8_t *nonce = tid + STUN_TID_LEN - ICE_NONCE_LEN;
	struct ice_pair *pair;

	if (stun_tag(tid) != ice->tag)
		return NULL;
	if (ice->previous && (*check = check_of(ice->previous, nonce)))
		return ice->previous;
	TAILQ_FOREACH(pair, &ice->pairs.list, entry)
		if ((*check = check_of(pair, nonce)))
			return pair;
	return NULL;
}

/*
 * RFC 8445, 7.2.5.3.1: an address that is no candidate of ours is a local
 * peer-reflexive one. Media leaves from the pair's base in any case; what
 * changes is how preferred the pair is.
 */
static void learn_mapped(struct ice *ice, struct ice_pair *pair,
			 const struct addr *mapped)
{
	uint32_t priority = prflx_priority(pair);

	for (size_t i = 0; i < ice->nlocals; i++)
		if (addr_equal(&ice->locals[i].addr, mapped))
			priority = ice->locals[i].priority;
	if (priority == pair->local_priority)
		return;
	pair->local_priority = priority;
	ice_pairs_place(&ice->pairs, pair, ice->controlling);
}

/* Behind a NAT that has got another address, or made another mapping. */
static void compare_mapped(struct ice *ice, struct ice_pair *pair,
			   const struct addr *mapped)
{
	bool other = addr_is_set(&pair->mapped) &&
		     !addr_equal(&pair->mapped, mapped);

	pair->mapped = *mapped;
	if (other && pair == ice->selected)
		ice_doubt(ice);
}

static void on_success(struct ice *ice, struct ice_pair *pair,
		       const struct ice_check *check,
		       const struct stun_packet *packet)
{
	bool was_valid = pair->valid;

	pair->valid = true;
	pair->seen_ms = ice->now_ms;
	ice_announce(ice, pair);
	compare_mapped(ice, pair, &packet->mapped);
	if (pair == ice->selected)
		ice_consent_proven(ice);
	if (pair == ice->previous)
		return;

	ice_pair_event(pair, ICE_PAIR_SUCCESS);
	pair->triggered = 0;
	learn_mapped(ice, pair, &packet->mapped);
	if (!ice->valid_ms)
		ice->valid_ms = ice->now_ms;
	if (check->use_candidate && ice->controlling && pair->nominate) {
		pair->nominate = false;
		pair->nominated = true;
		ice_select(ice, pair, false);
	} else if (pair->nominate) {
		/* An earlier check's answer: the nominating one is to come. */
		ice_pairs_trigger(&ice->pairs, pair);
	} else if (!was_valid && pair != ice->selected &&
		   (ice->controlling || pair->nominated)) {
		ice_consent_challenge(ice);
	}
}

static void on_error(struct ice *ice, struct ice_pair *pair,
		     const struct ice_check *check, uint16_t code)
{
	if (pair == ice->previous || pair == ice->selected)
		return; /* consent runs out by itself */
	if (code != STUN_ROLE_CONFLICT || ice->switches == ICE_MAX_SWITCHES) {
		fail(ice, pair);
		return;
	}
	/* RFC 8445, 7.2.5.1; only the first of several such answers counts. */
	if (check->controlling == ice->controlling)
		ice_set_role(ice, !ice->controlling);
	ice_pairs_trigger(&ice->pairs, pair);
}

void ice_check_recv(struct ice *ice, const struct addr *local,
		    const struct addr *remote, const uint8_t *p, size_t n)
{
	struct stun_packet packet;
	struct stun_head head;
	struct ice_check *found;

	if (stun_head(&head, p, n))
		return;
	struct ice_pair *pair = find_check(ice, head.tid, &found);
	if (!pair || stun_decode(&packet, p, n,
				 slice_of(keys_of(ice, pair)->remote.pwd)))
		return;
	struct ice_check check = *found;
	found->sent = false; /* a copy of this answer means nothing */

	/* RFC 8445, 7.2.5.2.1: the path must be symmetric. */
	bool symmetric = addr_equal(&pair->remote, remote) &&
			 addr_equal(&pair->local, local);
	bool good = packet.kind == STUN_SUCCESS && !packet.nunknown &&
		    addr_is_set(&packet.mapped);
	if (symmetric && good)
		on_success(ice, pair, &check, &packet);
	else if (!symmetric || packet.kind == STUN_ERROR)
		on_error(ice, pair, &check, symmetric ? packet.error : 0);
}
