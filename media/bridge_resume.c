/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bridges that outlive their process; see the header. */
#include <string.h>

#include "media/circuit.h"
#include "media/media.h"
#include "media/resume.h"

int bridge_save(const struct bridge *bridge, enum media_side which,
		struct bridge_saved *out)
{
	const struct side *side = &bridge->sides[which];

	if (!side->open || !side->ready || !addr_is_set(&side->remote))
		return -ENOTCONN;
	*out = (struct bridge_saved){
		.transport = side->transport,
		.offerer = side->offerer,
		.local = side->local,
		.remote = side->remote,
		.keys = side->keys,
		.worker = (unsigned)(bridge->worker - bridge->media->workers),
		.ice_ms = side->ice_ms,
		.dtls_ms = side->dtls_ms,
	};
	if (side->transport == MEDIA_ICE)
		side_ice_save(side, out);
	else
		side_rtp_save(side, out);
	return 0;
}

int bridge_revive(struct bridge **out, struct media *media, const char *name,
		  unsigned worker, const struct bridge_handlers *handlers,
		  void *arg)
{
	struct bridge *bridge;

	if (worker >= media->nworkers)
		return -ENOENT;
	int r = bridge_new_on(&bridge, &media->workers[worker], name, handlers,
			      arg);
	if (r)
		return r;
	r = circuit_take_up(bridge->circuit);
	if (r) {
		bridge_free(bridge);
		return r;
	}
	*out = bridge;
	return 0;
}

int side_reopen(struct side *side, const struct addr *local,
		enum command_verb verb, struct command **out)
{
	struct bridge *bridge = side->bridge;

	int r = side_command(side, out, verb);
	if (r)
		return r;
	r = port_reopen(bridge->media->ports, local,
			side->transport == MEDIA_RTP,
			&bridge->circuit->ports[side->which]);
	if (r)
		command_free(*out);
	return r;
}

int bridge_resume(struct bridge *bridge, enum media_side which,
		  const struct bridge_saved *saved,
		  const struct media_content *local,
		  const struct media_content *remote)
{
	struct side *side = &bridge->sides[which];

	if (side->open)
		return -EALREADY;
	side->transport = saved->transport;
	side->offerer = saved->offerer;
	int r = saved->transport == MEDIA_ICE
			? side_ice_resume(side, saved, local, remote)
			: side_rtp_resume(side, saved, local, remote);
	if (r) {
		side_reset(side);
		return r;
	}
	side->open = side->ready = true;
	side->local = saved->local;
	side->remote = saved->remote;
	side->keys = saved->keys;
	side->ice_ms = saved->ice_ms;
	side->dtls_ms = saved->dtls_ms;
	return 0;
}
