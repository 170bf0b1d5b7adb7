/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "media/dtls.h"
#include "media/media.h"
#include "media/resume.h"

/* New credentials, and the candidates of this moment. */
static int renew(struct side *side)
{
	struct side_ice *ice = side->ice;
	struct bridge *bridge = side->bridge;
	struct command_local *local = &ice->local;
	const struct port_pair *own = &bridge->circuit->ports[side->which];
	const struct media_worker *worker = bridge->worker;

	rand_token(local->ufrag, ICE_UFRAG_LEN);
	rand_token(local->pwd, ICE_PWD_LEN);
	local->controlling = side->offerer;
	local->ncands = media_gather(
		bridge->media, worker, worker->sockets[BATCH_V4].port, NULL,
		ice->generation, local->cands, COMMAND_CANDS);
	if (!local->ncands)
		return -EADDRNOTAVAIL;
	if (own->rtp >= 0)
		local->ncands += media_gather(bridge->media, worker,
					      addr_port(&own->local),
					      &own->local, ice->generation,
					      local->cands + local->ncands,
					      COMMAND_CANDS - local->ncands);
	ice->fresh = true;
	side->moved = side->say_moved = false;
	ice->trickled = 0;
	return 0;
}

static int send_local(struct side *side, enum command_verb verb)
{
	struct command *command;

	int r = side_command(side, &command, verb);
	if (r)
		return r;
	command->local = side->ice->local;
	side_send(side, command);
	return 0;
}

int side_ice_open(struct side *side)
{
	if (!side->ice)
		side->ice = calloc(1, sizeof(*side->ice));
	if (!side->ice)
		return -ENOMEM;
	int r = renew(side);
	if (r)
		return r;
	side->ice->offering = side->offerer;
	return send_local(side, COMMAND_OPEN_ICE);
}

int side_ice_restart(struct side *side)
{
	if (side->ice->fresh)
		return 0;
	side->ice->generation++;
	int r = renew(side);
	if (r)
		return r;
	side->ice->offering = true;
	return send_local(side, COMMAND_RESTART);
}

/*
 * An offer says actpass (RFC 8842, 5.2), everything later the role that was
 * settled, which clients take from re-offers too.
 */
static enum media_setup setup_of(const struct side_ice *ice)
{
	if (ice->offering || ice->setup == MEDIA_SETUP_NONE)
		return MEDIA_SETUP_ACTPASS;
	return ice->setup;
}

int side_ice_local(struct side *side, struct media_content *content)
{
	struct side_ice *ice = side->ice;
	struct media_fingerprint fingerprint;

	int r = text_set(content->ufrag, sizeof(content->ufrag),
			 ice->local.ufrag);
	if (!r)
		r = text_set(content->pwd, sizeof(content->pwd),
			     ice->local.pwd);
	content->ncands = 0;
	for (size_t i = 0; !r && i < ice->local.ncands; i++)
		r = media_content_add_cand(content, &ice->local.cands[i].cand);
	if (r)
		return r;

	dtls_cert_fingerprint(side->bridge->media->cert, &fingerprint);
	content->fingerprints[0] = fingerprint;
	content->nfingerprints = 1;
	content->setup = setup_of(ice);
	content->ncryptos = 0;
	content->ice_lite = false;
	content->end_of_candidates = true;
	content->rtcp_mux = true;
	content->profile = ice->has_profile ? ice->profile : MEDIA_DTLS_SAVPF;
	content->rtp = ice->local.cands[0].cand.addr;
	content->rtcp = content->rtp;
	ice->fresh = false;
	return 0;
}

/* The circuit owns the port until the worker has said goodbye. */
int side_ice_own_port(struct side *side, const struct addr *local,
		      struct command_own *out)
{
	struct bridge *bridge = side->bridge;
	struct port_pair *pair = &bridge->circuit->ports[side->which];
	struct command_local *list = &side->ice->local;

	if (pair->rtp >= 0)
		return -EALREADY;
	int r = port_open(bridge->media->ports, local, false, clock_ms(), pair);
	if (r)
		return r;
	out->fd = pair->rtp;
	out->base = pair->local;
	out->ncands = media_gather(bridge->media, bridge->worker,
				   addr_port(&pair->local), &pair->local,
				   side->ice->generation, out->cands,
				   COMMAND_OWN_CANDS);
	for (size_t i = 0; i < out->ncands && list->ncands < COMMAND_CANDS; i++)
		list->cands[list->ncands++] = out->cands[i];
	return 0;
}

static bool was_told(const struct command_local *local, const struct addr *addr)
{
	for (size_t i = 0; i < local->ncands; i++) {
		if (addr_equal(&local->cands[i].cand.addr, addr))
			return true;
	}
	return false;
}

/* Whether there is a mapping that the peer does not know. */
static bool is_mapped_anew(const struct side *side)
{
	const struct media_worker *worker = side->bridge->worker;
	struct command_cand now[COMMAND_CANDS];
	size_t n = media_gather(side->bridge->media, worker,
				worker->sockets[BATCH_V4].port, NULL,
				side->ice->generation, now, COMMAND_CANDS);

	for (size_t i = 0; i < n; i++) {
		if (now[i].cand.type == MEDIA_CAND_SRFLX &&
		    !was_told(&side->ice->local, &now[i].cand.addr))
			return true;
	}
	return false;
}

/*
 * Before a pair is selected each candidate counts, afterwards the address that
 * packets leave from. A machine without any address has nothing better to offer
 * and waits.
 */
bool side_ice_has_moved(const struct side *side)
{
	const struct host_list *hosts = &side->bridge->media->hosts;
	const struct command_local *local = &side->ice->local;

	if (!hosts->n || side->ice->fresh)
		return false;
	if (addr_is_set(&side->local))
		return !host_list_has(hosts, &side->local) ||
		       is_mapped_anew(side);
	for (size_t i = 0; i < local->ncands; i++) {
		if (!host_list_has(hosts, &local->cands[i].base))
			return true;
	}
	return is_mapped_anew(side);
}

void side_ice_save(const struct side *side, struct bridge_saved *out)
{
	const struct side_ice *ice = side->ice;
	const struct port_pair *own =
		&side->bridge->circuit->ports[side->which];

	out->own_port = own->rtp >= 0 && addr_equal(&own->local, &side->local);
	out->generation = ice->generation;
	out->setup = ice->setup;
	memcpy(out->local_ufrag, ice->local.ufrag, sizeof(ice->local.ufrag));
	memcpy(out->local_pwd, ice->local.pwd, sizeof(ice->local.pwd));
	memcpy(out->remote_ufrag, ice->peer_ufrag, sizeof(ice->peer_ufrag));
	memcpy(out->remote_pwd, ice->peer_pwd, sizeof(ice->peer_pwd));
}

/* All that the worker is told. */
struct resumption {
	struct command *open, *own_port, *peer, *pair;
};

static int open_command(struct side *side, struct command **out)
{
	int r = side_command(side, out, COMMAND_OPEN_ICE);

	if (!r)
		(*out)->local = side->ice->local;
	return r;
}

static int own_port_command(struct side *side, struct command **out,
			    const struct addr *local)
{
	const struct port_pair *pair =
		&side->bridge->circuit->ports[side->which];
	int r = side_reopen(side, local, COMMAND_OWN_PORT, out);

	if (r)
		return r;
	(*out)->own.fd = pair->rtp;
	(*out)->own.base = pair->local;
	(*out)->own.ncands = 0;
	return 0;
}

static int pair_command(struct side *side, struct command **out,
			const struct bridge_saved *saved)
{
	int r = side_command(side, out, COMMAND_RESUME);

	if (r)
		return r;
	(*out)->resume = (struct command_resume){
		.keys = saved->keys,
		.local = saved->local,
		.remote = saved->remote,
		.ice_ms = saved->ice_ms,
		.dtls_ms = saved->dtls_ms,
	};
	return 0;
}

/* Nothing of it is said before all of it is there: the port last. */
static int prepare(struct side *side, struct resumption *out,
		   const struct bridge_saved *saved,
		   const struct media_content *remote)
{
	*out = (struct resumption){ .open = NULL };
	int r = open_command(side, &out->open);
	if (!r) /* without candidates: the pair is known */
		r = side_ice_remote_command(side, &out->peer, remote->ice_lite);
	if (!r)
		r = pair_command(side, &out->pair, saved);
	if (!r && saved->own_port)
		r = own_port_command(side, &out->own_port, &saved->local);
	if (r) {
		command_free(out->open);
		command_free(out->peer);
		command_free(out->pair);
	}
	return r;
}

/* What the peer was told already is no news (is_mapped_anew()). */
static void add_told(struct side_ice *ice, const struct addr *base,
		     const struct media_content *local)
{
	struct command_local *list = &ice->local;

	for (size_t i = 0; i < local->ncands; i++) {
		const struct media_cand *cand = &local->cands[i];

		if (list->ncands < COMMAND_CANDS &&
		    !was_told(list, &cand->addr))
			list->cands[list->ncands++] = (struct command_cand){
				.cand = *cand,
				.base = *base,
			};
	}
}

static int take_saved(struct side *side, const struct bridge_saved *saved,
		      const struct media_content *remote)
{
	struct side_ice *ice = side->ice;

	ice->generation = saved->generation;
	int r = renew(side);
	if (!r)
		r = text_set(ice->local.ufrag, sizeof(ice->local.ufrag),
			     saved->local_ufrag);
	if (!r)
		r = text_set(ice->local.pwd, sizeof(ice->local.pwd),
			     saved->local_pwd);
	ice->fresh = false;
	ice->setup = saved->setup;
	memcpy(ice->peer_ufrag, saved->remote_ufrag, sizeof(ice->peer_ufrag));
	memcpy(ice->peer_pwd, saved->remote_pwd, sizeof(ice->peer_pwd));
	memcpy(ice->fingerprints, remote->fingerprints,
	       sizeof(ice->fingerprints));
	ice->nfingerprints = remote->nfingerprints;
	ice->has_profile = media_profile_is_dtls(remote->profile);
	if (ice->has_profile)
		ice->profile = remote->profile;
	return r;
}

int side_ice_resume(struct side *side, const struct bridge_saved *saved,
		    const struct media_content *local,
		    const struct media_content *remote)
{
	const struct host_list *hosts = &side->bridge->media->hosts;
	uint16_t shared = side->bridge->worker->sockets[BATCH_V4].port;

	if (!saved->keys.profile || !remote->nfingerprints)
		return -EINVAL;
	if (!host_list_has(hosts, &saved->local) ||
	    (!saved->own_port && addr_port(&saved->local) != shared))
		return -EADDRNOTAVAIL;
	side->ice = calloc(1, sizeof(*side->ice));
	if (!side->ice)
		return -ENOMEM;
	struct resumption said;
	int r = take_saved(side, saved, remote);
	if (!r)
		r = prepare(side, &said, saved, remote);
	if (r)
		return r;
	add_told(side->ice, &saved->local, local);
	side_send(side, said.open);
	if (said.own_port)
		side_send(side, said.own_port);
	side_send(side, said.peer);
	side_send(side, said.pair);
	return 0;
}
