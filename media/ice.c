/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/ice.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "media/cand.h"
#include "media/ice_agent.h"

int ice_new(struct ice **out, const struct ice_config *config,
	    const struct ice_handlers *handlers, void *arg)
{
	AUTO(ice_freep) struct ice *ice = calloc(1, sizeof(*ice));

	if (!ice)
		return -ENOMEM;
	ice->handlers = handlers;
	ice->arg = arg;
	ice->now_ms = config->now_ms;
	ice->controlling = config->controlling;
	ice->allow_loopback = config->allow_loopback;
	ice->tag = config->tag ? config->tag : rand_u32();
	ice->tie_breaker = rand_u64();
	ice_pairs_init(&ice->pairs);
	int r = ice_cred_make(&ice->keys.local);
	if (r)
		return r;
	*out = ice;
	ice = NULL;
	return 0;
}

struct ice *ice_free(struct ice *ice)
{
	if (!ice)
		return NULL;
	ice_forget_previous(ice);
	ice_pairs_flush(&ice->pairs);
	ice_early_forget(ice);
	ice_keys_fini(&ice->keys);
	free(ice->remotes);
	free(ice->locals);
	free(ice);
	return NULL;
}

const char *ice_ufrag(const struct ice *ice)
{
	return ice->keys.local.ufrag;
}

const char *ice_pwd(const struct ice *ice)
{
	return ice->keys.local.pwd;
}

const char *ice_old_ufrag(const struct ice *ice)
{
	const char *old = ice->old.local.ufrag;

	return old && strcmp(old, ice_ufrag(ice)) != 0 ? old : NULL;
}

uint32_t ice_tag(const struct ice *ice)
{
	return ice->tag;
}

bool ice_is_controlling(const struct ice *ice)
{
	return ice->controlling;
}

uint8_t ice_generation(const struct ice *ice)
{
	return ice->generation;
}

bool ice_selected(const struct ice *ice, struct addr *local,
		  struct addr *remote)
{
	if (!ice->selected)
		return false;
	*local = ice->selected->local;
	*remote = ice->selected->remote;
	return true;
}

void ice_emit(struct ice *ice, const struct addr *local,
	      const struct addr *remote, const struct stun_packet *packet,
	      const char *pwd)
{
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	/* Out of memory is a lost packet: it is sent again. */
	if (!stun_encode(packet, slice_of(pwd), p, sizeof(p), &n))
		ice->handlers->send(local, remote, p, n, ice->arg);
}

void ice_announce(struct ice *ice, struct ice_pair *pair)
{
	if (pair->announced)
		return;
	pair->announced = true;
	ice->handlers->valid(&pair->local, &pair->remote, ice->arg);
}

void ice_doubt(struct ice *ice)
{
	if (ice->handlers->doubt)
		ice->handlers->doubt(ice->arg);
}

/* RFC 8445, 7.3.1.1: the priorities change, what was nominated does not hold.
 */
void ice_set_role(struct ice *ice, bool controlling)
{
	struct ice_pair *pair;

	if (ice->controlling == controlling)
		return;
	ice->controlling = controlling;
	if (ice->switches < ICE_MAX_SWITCHES)
		ice->switches++;
	TAILQ_FOREACH(pair, &ice->pairs.list, entry) {
		pair->nominate = false;
		if (pair != ice->selected)
			pair->nominated = false;
	}
	ice_pairs_sort(&ice->pairs, controlling);
}

const struct ice_remote *ice_find_remote(const struct ice *ice,
					 const struct addr *addr)
{
	for (size_t i = 0; i < ice->nremotes; i++)
		if (addr_equal(&ice->remotes[i].addr, addr))
			return &ice->remotes[i];
	return NULL;
}

/* Of the candidate on @base; a guess when there is none. */
static uint32_t local_priority(const struct ice *ice, const struct addr *base)
{
	uint32_t best = 0;

	for (size_t i = 0; i < ice->nlocals; i++)
		if (addr_equal(&ice->locals[i].base, base) &&
		    ice->locals[i].priority > best)
			best = ice->locals[i].priority;
	return best ? best : cand_priority(MEDIA_CAND_PRFLX, 0, 1);
}

struct ice_pair *ice_pair_of(struct ice *ice, const struct addr *local,
			     const struct addr *remote, uint32_t priority)
{
	struct ice_pair *pair = ice_pairs_find(&ice->pairs, local, remote);
	const struct ice_remote *known = ice_find_remote(ice, remote);
	struct ice_pair_parts parts = {
		.local = local,
		.remote = remote,
		.local_priority = local_priority(ice, local),
		.remote_priority = known ? known->priority : priority,
		.remote_type = known ? known->type : MEDIA_CAND_PRFLX,
		.controlling = ice->controlling,
		.proven = true,
	};

	if (!pair && ice_pairs_add(&ice->pairs, &pair, &parts))
		return NULL;
	return pair;
}

/* A candidate became known for addresses that checks had shown already. */
static void update_pair(struct ice *ice, struct ice_pair *pair,
			const struct ice_pair_parts *parts)
{
	pair->remote_type = (uint8_t)parts->remote_type;
	pair->remote_priority = parts->remote_priority;
	if (!pair->valid)
		pair->local_priority = parts->local_priority;
	ice_pairs_place(&ice->pairs, pair, ice->controlling);
}

static bool can_talk(const struct addr *base, const struct addr *remote)
{
	bool here = addr_classify(base) == ADDR_LOOPBACK;

	return addr_is_v6(base) == addr_is_v6(remote) &&
	       here == (addr_classify(remote) == ADDR_LOOPBACK);
}

/* RFC 8445, 6.1.2.2 and 6.1.2.4. 0 (also when there is no room) or -ENOMEM. */
static int form_pair(struct ice *ice, const struct addr *base,
		     const struct ice_remote *remote)
{
	struct ice_pair *pair =
		ice_pairs_find(&ice->pairs, base, &remote->addr);
	struct ice_pair_parts parts = {
		.local = base,
		.remote = &remote->addr,
		.local_priority = local_priority(ice, base),
		.remote_priority = remote->priority,
		.remote_type = remote->type,
		.controlling = ice->controlling,
	};

	if (pair) {
		update_pair(ice, pair, &parts);
		return 0;
	}
	if (!can_talk(base, &remote->addr))
		return 0;
	int r = ice_pairs_add(&ice->pairs, &pair, &parts);
	return r == ICE_PAIR_E_FULL ? 0 : r;
}

static int form_pairs_of_remote(struct ice *ice,
				const struct ice_remote *remote)
{
	int r = 0;

	for (size_t i = 0; i < ice->nlocals && !r; i++)
		r = form_pair(ice, &ice->locals[i].base, remote);
	return r;
}

static int form_pairs_of_local(struct ice *ice, const struct addr *base)
{
	int r = 0;

	for (size_t i = 0; i < ice->nremotes && !r; i++)
		r = form_pair(ice, base, &ice->remotes[i]);
	return r;
}

/* Those of before the restart, and the guesses made with them. */
static void drop_locals(struct ice *ice)
{
	struct ice_pair *pair, *next;

	ice->nlocals = 0;
	ice->local_generation = ice->generation;
	TAILQ_FOREACH_SAFE(pair, &ice->pairs.list, entry, next)
		if (pair->state == ICE_PAIR_WAITING && !pair->triggered)
			ice_pairs_remove(&ice->pairs, pair);
}

static bool has_local(const struct ice *ice, const struct addr *addr,
		      const struct addr *base)
{
	for (size_t i = 0; i < ice->nlocals; i++)
		if (addr_equal(&ice->locals[i].addr, addr) &&
		    addr_equal(&ice->locals[i].base, base))
			return true;
	return false;
}

int ice_add_local(struct ice *ice, const struct media_cand *cand,
		  const struct addr *base)
{
	if (ice->local_generation != ice->generation)
		drop_locals(ice);
	if (has_local(ice, &cand->addr, base))
		return 0;
	if (ice->nlocals == ICE_MAX_LOCAL)
		return -E2BIG;

	size_t size = (ice->nlocals + 1u) * sizeof(*ice->locals);
	struct ice_local *grown = realloc(ice->locals, size);
	if (!grown)
		return -ENOMEM;
	ice->locals = grown;
	grown[ice->nlocals++] = (struct ice_local){
		.addr = cand->addr, .base = *base, .priority = cand->priority
	};
	return form_pairs_of_local(ice, base);
}

static int new_remote(struct ice *ice, const struct ice_remote *remote)
{
	size_t size = (ice->nremotes + 1u) * sizeof(*ice->remotes);

	if (ice->nremotes == ICE_MAX_REMOTE)
		return -E2BIG;
	struct ice_remote *grown = realloc(ice->remotes, size);
	if (!grown)
		return -ENOMEM;
	ice->remotes = grown;
	grown[ice->nremotes++] = *remote;
	return 0;
}

int ice_add_remote(struct ice *ice, const struct media_cand *cand)
{
	struct ice_remote remote = { .addr = cand->addr,
				     .priority = cand->priority,
				     .type = cand->type };

	if (!cand_is_usable(cand, ice->allow_loopback))
		return 0;
	if (ice_find_remote(ice, &cand->addr))
		return 0;
	int r = new_remote(ice, &remote);
	return r ? r : form_pairs_of_remote(ice, &remote);
}

int ice_set_local(struct ice *ice, const char *ufrag, const char *pwd)
{
	return ice_cred_set(&ice->keys.local, ufrag, pwd);
}

/* A new checklist; what carries media is put aside (RFC 8445, 9). */
static void begin_generation(struct ice *ice)
{
	if (ice_is_done(ice)) {
		ice_pairs_take(&ice->pairs, ice->selected);
		ice->previous = ice->selected;
	}
	ice_pairs_flush(&ice->pairs);
	ice_early_forget(ice);
	ice->finished = false;
	ice->switches = 0;
	ice->start_ms = 0;
	ice->valid_ms = 0;
	ice->challenge_ms = 0;
}

/* The peer's credentials changed. 0 or -ENOMEM. */
static int remote_restart(struct ice *ice)
{
	struct ice_cred *local = &ice->keys.local;

	if (!ice->old.local.ufrag) {
		int r = ice_cred_set(&ice->old.local, local->ufrag, local->pwd);
		if (r)
			return r;
		ice->old.remote = ice->keys.remote;
		ice->keys.remote = (struct ice_cred){ NULL, NULL };
	}
	ice->remote_restarted = true;
	ice->nremotes = 0;
	begin_generation(ice);
	return 0;
}

int ice_set_remote(struct ice *ice, const char *ufrag, const char *pwd,
		   bool lite)
{
	struct ice_cred made = { NULL, NULL };

	if (ice_cred_is(&ice->keys.remote, ufrag, pwd))
		return 0;
	int r = ice_cred_set(&made, ufrag, pwd);
	if (!r && ice->keys.remote.ufrag)
		r = remote_restart(ice);
	if (r) {
		ice_cred_fini(&made);
		return r;
	}
	ice_cred_fini(&ice->keys.remote);
	ice->keys.remote = made;
	if (lite)
		ice_set_role(ice, true); /* RFC 8445, 6.1.1 */
	ice_early_replay(ice);
	return 0;
}

/* Credentials that the restart replaces go to @old, unless older are there. */
static void retire(struct ice_cred *cred, struct ice_cred *old)
{
	if (old->ufrag)
		ice_cred_fini(cred);
	else
		*old = *cred;
	*cred = (struct ice_cred){ NULL, NULL };
}

int ice_restart(struct ice *ice, uint64_t now_ms)
{
	struct ice_cred made = { NULL, NULL };
	int r = ice_cred_make(&made);

	if (r)
		return r;
	ice->now_ms = now_ms;
	retire(&ice->keys.local, &ice->old.local);
	ice->keys.local = made;
	if (!ice->remote_restarted) {
		/* Ours: the peer will send others, and new candidates. */
		retire(&ice->keys.remote, &ice->old.remote);
		ice->nremotes = 0;
	}
	ice->remote_restarted = false;
	ice->generation++;
	begin_generation(ice);
	for (size_t i = 0; i < ice->nlocals && !r; i++)
		r = form_pairs_of_local(ice, &ice->locals[i].base);
	return 0; /* pairs that memory lacks for form with the next candidate */
}

int ice_resume(struct ice *ice, const struct addr *local,
	       const struct addr *remote)
{
	struct ice_pair *pair = ice_pair_of(
		ice, local, remote, cand_priority(MEDIA_CAND_PRFLX, 0, 1));

	if (!pair)
		return -ENOMEM;
	pair->nominated = true;
	ice_pairs_trigger(&ice->pairs, pair);
	return 0;
}

void ice_recv(struct ice *ice, const struct addr *local,
	      const struct addr *remote, const uint8_t *p, size_t n,
	      uint64_t now_ms)
{
	struct stun_head head;

	ice->now_ms = now_ms;
	if (stun_head(&head, p, n))
		return;
	switch (head.kind) {
	case STUN_REQUEST:
		ice_request_recv(ice, local, remote, p, n);
		break;
	case STUN_SUCCESS:
	case STUN_ERROR:
		ice_check_recv(ice, local, remote, p, n);
		break;
	case STUN_INDICATION:
		break; /* a keepalive */
	}
}

static uint64_t give_up(struct ice *ice)
{
	uint64_t due_ms = ice->start_ms + ICE_FAIL_MS;

	if (ice->finished || !ice->start_ms)
		return UINT64_MAX;
	if (ice->now_ms < due_ms)
		return due_ms;
	ice->finished = true;
	/* A restart that came to nothing leaves the pair of before. */
	if (!ice->selected)
		ice->handlers->failed(ICE_FAILED, ice->arg);
	return UINT64_MAX;
}

uint64_t ice_tick(struct ice *ice, uint64_t now_ms)
{
	ice->now_ms = now_ms;
	if (!ice->start_ms && ice->keys.remote.ufrag)
		ice->start_ms = now_ms;

	/* In this order: each may make work for those behind it. */
	uint64_t due_ms = ice_check_repeat(ice);
	due_ms = ice_sooner(due_ms, ice_select_tick(ice));
	due_ms = ice_sooner(due_ms, ice_consent_tick(ice));
	due_ms = ice_sooner(due_ms, ice_check_next(ice));
	return ice_sooner(due_ms, give_up(ice));
}
