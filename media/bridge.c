/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/bridge.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "media/circuit.h"
#include "media/media.h"

static const char *const failure_names[] = {
	[MEDIA_FAIL_ICE] = "ice",
	[MEDIA_FAIL_CONSENT] = "consent",
	[MEDIA_FAIL_DTLS] = "dtls",
	[MEDIA_FAIL_FINGERPRINT] = "fingerprint",
	[MEDIA_FAIL_SILENCE] = "silence",
	[MEDIA_FAIL_WORKER] = "worker",
};

/* Commands */

int side_command(struct side *side, struct command **out,
		 enum command_verb verb)
{
	return command_new(out, verb, side->bridge->circuit, side->which);
}

void side_send(struct side *side, struct command *command)
{
	worker_send(side->bridge->worker->worker, command);
}

static void fini_side(struct side *side)
{
	if (side->ice)
		explicit_bzero(side->ice, sizeof(*side->ice));
	free(side->ice);
	explicit_bzero(side, sizeof(*side));
}

void side_reset(struct side *side)
{
	const struct side as_new = { .bridge = side->bridge,
				     .which = side->which,
				     .epoch = side->epoch };

	fini_side(side);
	*side = as_new;
}

/* Lifetime */

static struct media_worker *least_loaded(struct media *media)
{
	struct load_place places[MEDIA_MAX_WORKERS];

	for (unsigned i = 0; i < media->nworkers; i++)
		places[i] = (struct load_place){
			.busy_permille = media->workers[i].busy.busy_permille,
			.calls = media->workers[i].load,
		};
	return &media->workers[load_choose(places, media->nworkers)];
}

int bridge_new(struct bridge **out, struct media *media, const char *name,
	       const struct bridge_handlers *handlers, void *arg)
{
	return bridge_new_on(out, least_loaded(media), name, handlers, arg);
}

int bridge_new_on(struct bridge **out, struct media_worker *worker,
		  const char *name, const struct bridge_handlers *handlers,
		  void *arg)
{
	struct bridge *bridge = calloc(1, sizeof(*bridge));
	struct media *media = worker->media;

	if (!bridge)
		return -ENOMEM;
	bridge->media = media;
	bridge->worker = worker;
	bridge->handlers = handlers;
	bridge->arg = arg;
	int r = circuit_new(&bridge->circuit, worker->worker, bridge,
			    media->keep, name);
	if (r) {
		free(bridge);
		return r;
	}
	for (int i = 0; i < 2; i++) {
		bridge->sides[i].bridge = bridge;
		bridge->sides[i].which = (enum media_side)i;
	}
	bridge->worker->load++;
	load_watch(media);
	TAILQ_INSERT_TAIL(&media->bridges, bridge, entry);
	*out = bridge;
	return 0;
}

struct bridge *bridge_free(struct bridge *bridge)
{
	if (!bridge)
		return NULL;

	struct circuit *circuit = bridge->circuit;
	circuit->bridge = NULL;
	worker_leave(bridge->worker->worker, circuit);
	bridge->worker->load--;
	TAILQ_REMOVE(&bridge->media->bridges, bridge, entry);
	fini_side(&bridge->sides[MEDIA_SIDE_A]);
	fini_side(&bridge->sides[MEDIA_SIDE_B]);
	free(bridge);
	return NULL;
}

/* Describing */

int bridge_open(struct bridge *bridge, enum media_side which,
		enum media_transport transport, bool offerer,
		const struct addr *peer)
{
	struct side *side = &bridge->sides[which];

	if (side->open)
		return -EALREADY;
	side->transport = transport;
	side->offerer = offerer;
	int r = transport == MEDIA_ICE ? side_ice_open(side)
				       : side_rtp_open(side, peer);
	side->open = r == 0;
	return r;
}

void bridge_trust(struct bridge *bridge, enum media_side which,
		  const struct addr *signals_from, bool anywhere)
{
	struct side_rtp *rtp = &bridge->sides[which].rtp;

	rtp->signals_from = *signals_from;
	rtp->anywhere = anywhere;
}

/* The worker closes the sockets, which may be in use there; notices that are on
 * their way are of what was before. */
int bridge_close(struct bridge *bridge, enum media_side which)
{
	struct side *side = &bridge->sides[which];
	struct port_pair *pair = &bridge->circuit->ports[which];
	struct command *command;

	if (!side->open)
		return 0;
	int r = side_command(side, &command, COMMAND_CLOSE);
	if (r)
		return r;
	command->epoch = side->epoch + 1;
	side_send(side, command);
	if (pair->rtp >= 0)
		port_leave(bridge->media->ports, pair, clock_ms());
	side->epoch++;
	side_reset(side);
	return 0;
}

bool bridge_is_open(const struct bridge *bridge, enum media_side side)
{
	return bridge->sides[side].open;
}

int bridge_local(struct bridge *bridge, enum media_side which,
		 struct media_content *content)
{
	struct side *side = &bridge->sides[which];

	if (!side->open)
		return -ENOTCONN;
	return side->transport == MEDIA_ICE ? side_ice_local(side, content)
					    : side_rtp_local(side, content);
}

int bridge_remote(struct bridge *bridge, enum media_side which,
		  const struct media_content *content)
{
	struct side *side = &bridge->sides[which];

	if (!side->open)
		return -ENOTCONN;
	return side->transport == MEDIA_ICE ? side_ice_remote(side, content)
					    : side_rtp_remote(side, content);
}

int bridge_candidate(struct bridge *bridge, enum media_side which,
		     const struct media_cand *cand)
{
	struct side *side = &bridge->sides[which];

	if (!side->open || side->transport != MEDIA_ICE)
		return -EINVAL;
	return side_ice_candidate(side, cand);
}

int bridge_restart(struct bridge *bridge, enum media_side which)
{
	struct side *side = &bridge->sides[which];

	if (!side->open)
		return -EINVAL;
	return side->transport == MEDIA_ICE ? side_ice_restart(side)
					    : side_rtp_restart(side);
}

/* What needs no description */

int bridge_map(struct bridge *bridge, enum media_side from,
	       const struct media_map *map)
{
	struct side *side = &bridge->sides[from];
	struct command *command;

	int r = side_command(side, &command, COMMAND_MAP);
	if (r)
		return r;
	bridge->events[from] = map->event_pt != MEDIA_MAP_NONE;
	command->map = *map;
	side_send(side, command);
	return 0;
}

int bridge_direction(struct bridge *bridge, enum media_side which,
		     enum media_dir dir)
{
	struct side *side = &bridge->sides[which];
	struct command *command;

	int r = side_command(side, &command, COMMAND_DIRECTION);
	if (r)
		return r;
	command->dir = dir;
	side_send(side, command);
	return 0;
}

int bridge_digit(struct bridge *bridge, enum media_side which, char digit,
		 unsigned duration_ms)
{
	struct side *side = &bridge->sides[which];
	struct command *command;

	if (!digit || !strchr("0123456789*#ABCD", digit))
		return -EINVAL;
	if (!bridge->events[bridge->echo ? which : !which])
		return -ENOTSUP;
	int r = side_command(side, &command, COMMAND_DIGIT);
	if (r)
		return r;
	command->digit = (struct command_digit){ digit, duration_ms };
	side_send(side, command);
	return 0;
}

int bridge_echo(struct bridge *bridge, enum media_side which)
{
	struct side *side = &bridge->sides[which];
	struct command *command;

	int r = side_command(side, &command, COMMAND_ECHO);
	if (r)
		return r;
	bridge->echo = true;
	side_send(side, command);
	return 0;
}

static uint64_t counted(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void bridge_stats(const struct bridge *bridge, enum media_side which,
		  struct media_side_stats *out)
{
	const struct side *side = &bridge->sides[which];
	const struct flow_counters *c = &bridge->circuit->flows[which].counters;

	*out = (struct media_side_stats){
		.rx_packets = counted(&c->rx_packets),
		.rx_octets = counted(&c->rx_octets),
		.tx_packets = counted(&c->tx_packets),
		.tx_octets = counted(&c->tx_octets),
		.lost = counted(&c->lost),
		.dropped = counted(&c->dropped),
		.unauthentic = counted(&c->unauthentic),
		.jitter_us = atomic_load_explicit(&c->jitter_us,
						  memory_order_relaxed),
		.rtt_us =
			atomic_load_explicit(&c->rtt_us, memory_order_relaxed),
		.ice_ms = side->ice_ms,
		.dtls_ms = side->dtls_ms,
		.remote = side->remote,
		.srtp = side->keys.profile,
	};
}

/* Notices. A handler may free the bridge: look again after each. */

static void take_changes(struct side *side, const struct notice_side *n)
{
	if (!n->changed)
		return;
	side->local = n->local;
	side->remote = n->remote;
	side->ice_ms = n->ice_ms;
	side->dtls_ms = n->dtls_ms;
	side->keys = n->keys;
}

static bool has_moved(const struct side *side)
{
	return side->open &&
	       (side->transport == MEDIA_ICE ? side_ice_has_moved(side)
					     : side_rtp_has_moved(side));
}

static struct side *next_moved(struct media *media)
{
	struct bridge *bridge;

	TAILQ_FOREACH(bridge, &media->bridges, entry) {
		for (int i = 0; i < 2; i++) {
			if (bridge->sides[i].say_moved)
				return &bridge->sides[i];
		}
	}
	return NULL;
}

/* A handler may free any bridge, so the search begins anew; those that were
 * told go behind those that were not. */
static void say_moved(struct media *media)
{
	struct side *side;

	while ((side = next_moved(media))) {
		side->say_moved = false;
		TAILQ_REMOVE(&media->bridges, side->bridge, entry);
		TAILQ_INSERT_TAIL(&media->bridges, side->bridge, entry);
		side->bridge->handlers->moved(side->which, side->bridge->arg);
	}
}

/* What moved before the call could say so is said again. */
static void look_again(struct bridge *bridge)
{
	bool any = false;

	for (int i = 0; i < 2; i++) {
		struct side *side = &bridge->sides[i];

		if (side->moved && !side->say_moved)
			side->say_moved = has_moved(side);
		any |= side->say_moved;
	}
	if (any) /* it looks at all bridges */
		say_moved(bridge->media);
}

static void on_ready(struct bridge *bridge, struct side *side)
{
	side->ready = true;
	log_info("call=%s event=media-ready side=%c remote=%s srtp=%s "
		 "ice_ms=%llu dtls_ms=%llu",
		 bridge->circuit->name, 'A' + (int)side->which,
		 addr_text(&side->remote).s,
		 side->keys.profile ? srtp_profile_name(side->keys.profile)
				    : "none",
		 (unsigned long long)side->ice_ms,
		 (unsigned long long)side->dtls_ms);
	bridge->handlers->ready(side->which, bridge->arg);
}

static void on_failed(struct bridge *bridge, const struct side *side,
		      enum media_failure why)
{
	log_warn("call=%s event=media-failed side=%c why=%s",
		 bridge->circuit->name, 'A' + (int)side->which,
		 failure_names[why]);
	bridge->handlers->failed(side->which, why, bridge->arg);
}

static int give_own_port(struct side *side, const struct addr *local,
			 struct command_own *own)
{
	struct command *command;

	int r = side_command(side, &command, COMMAND_OWN_PORT);
	if (r)
		return r;
	r = side_ice_own_port(side, local, &command->own);
	if (r) {
		command_free(command);
		return r;
	}
	*own = command->own;
	side_send(side, command);
	return 0;
}

static void on_crowded(struct circuit *circuit, struct side *side,
		       const struct addr *local)
{
	struct command_own own;
	int r = give_own_port(side, local, &own);

	if (r == -EALREADY)
		return;
	log_info("call=%s event=own-port side=%c local=%s errno=%d",
		 circuit->name, 'A' + (int)side->which,
		 r ? "" : addr_text(&own.base).s, -r);
	for (size_t i = 0; !r && circuit->bridge && i < own.ncands; i++) {
		struct bridge *bridge = circuit->bridge;

		if (bridge->handlers->candidate)
			bridge->handlers->candidate(
				side->which, &own.cands[i].cand, bridge->arg);
	}
}

static void on_side(struct circuit *circuit, enum media_side which,
		    const struct notice_side *n)
{
	struct side *side = &circuit->bridge->sides[which];

	take_changes(side, n);
	if (n->crowded)
		on_crowded(circuit, side, &n->crowded_local);
	if (n->ready && circuit->bridge)
		on_ready(circuit->bridge, side);
	if (n->ready && circuit->bridge)
		look_again(circuit->bridge);
	for (unsigned i = 0; i < n->ndigits && circuit->bridge; i++)
		circuit->bridge->handlers->digit(which, n->digits[i].digit,
						 n->digits[i].duration_ms,
						 circuit->bridge->arg);
	if (n->changed && circuit->bridge && circuit->bridge->handlers->changed)
		circuit->bridge->handlers->changed(which, circuit->bridge->arg);
	if (n->failed && circuit->bridge)
		on_failed(circuit->bridge, side, n->why);
}

static void forget(struct media *media, struct circuit *circuit)
{
	uint64_t now_ms = clock_ms();

	port_close(media->ports, &circuit->ports[MEDIA_SIDE_A], now_ms);
	port_close(media->ports, &circuit->ports[MEDIA_SIDE_B], now_ms);
	circuit_free(circuit);
}

void bridge_on_notice(struct media *media, struct notice *notice)
{
	struct circuit *circuit = notice->circuit;

	for (int i = 0; i < 2; i++) {
		if (notice->sides[i].doubt)
			media_doubt(media);
		if (circuit->bridge &&
		    circuit->bridge->sides[i].epoch == notice->epochs[i])
			on_side(circuit, (enum media_side)i, &notice->sides[i]);
	}
	if (notice->gone)
		forget(media, circuit);
}

/* First all are marked, as a handler may free any bridge. */
void bridge_on_addresses(struct media *media)
{
	struct bridge *bridge;
	struct side *side;

	TAILQ_FOREACH(bridge, &media->bridges, entry) {
		for (int i = 0; i < 2; i++) {
			side = &bridge->sides[i];
			if (has_moved(side))
				side->moved = side->say_moved = true;
		}
	}
	say_moved(media);
}
