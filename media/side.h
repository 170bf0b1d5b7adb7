/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One side of a bridge on the main thread: what was described to the peer and
 * what it described to us. The packets are its flow's, in the worker.
 *
 *   side_ice.c          our credentials and candidates, what is kept of them
 *   side_ice_remote.c   the peer's, and the DTLS roles
 *   side_rtp.c          addresses, SDES
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/bridge.h"
#include "media/command.h"

enum { SIDE_MAX_TRICKLED = 64 }; /* remote candidates of a generation */

struct bridge;
struct bridge_saved;

struct side_ice {
	struct command_local local;
	uint8_t generation;
	bool fresh;             /* not yet written by bridge_local() */
	bool offering;          /* no answer to it yet */
	enum media_setup setup; /* ours; NONE until known */
	char peer_ufrag[MEDIA_UFRAG_CAP];
	char peer_pwd[MEDIA_PWD_CAP];
	struct media_fingerprint fingerprints[MEDIA_MAX_FINGERPRINTS];
	size_t nfingerprints;
	unsigned trickled;
	enum media_profile profile; /* the peer's spelling */
	bool has_profile;
};

enum { SIDE_CRYPTOS = 3 };

struct side_rtp {
	struct addr local, advertised;
	struct addr peer; /* for whom these were chosen; unset: everybody */
	struct addr signals_from;
	bool anywhere; /* bridge_trust() */
	bool offered_mux, mux, has_peer;
	bool restarted; /* no description of the peer since */
	enum media_profile profile;
	bool secure;   /* agreed: SDES */
	bool optional; /* our offer can do without */
	/* ours: offered, or the one agreed upon */
	struct media_crypto ours[SIDE_CRYPTOS];
	size_t nours;
};

struct side {
	struct bridge *bridge;
	enum media_side which;
	uint32_t epoch; /* how often it was closed */
	bool open, ready;
	enum media_transport transport;
	bool offerer;
	bool moved, say_moved; /* what the peer was told is not ours any more */
	struct side_ice *ice;  /* owned; NULL until opened, and of MEDIA_RTP */
	struct side_rtp rtp;
	/* as the worker last said */
	struct addr local, remote;
	uint64_t ice_ms, dtls_ms;
	struct dtls_keys keys;
};

/* A command to this side's flow: fill it in, then side_send(). */
CHECKED int side_command(struct side *side, struct command **out,
			 enum command_verb verb);
void side_send(struct side *side, struct command *command);
/* As a side that was never opened, of the same epoch. */
void side_reset(struct side *side);

CHECKED int side_ice_open(struct side *side);
CHECKED int side_ice_local(struct side *side, struct media_content *content);
CHECKED int side_ice_remote(struct side *side,
			    const struct media_content *content);
/* What is known of the peer; its candidates are to be filled in. */
CHECKED int side_ice_remote_command(struct side *side, struct command **out,
				    bool lite);
CHECKED int side_ice_candidate(struct side *side,
			       const struct media_cand *cand);
CHECKED int side_ice_restart(struct side *side);
/* Open a port for this side alone on the IP of @local. 0 or -errno. */
CHECKED int side_ice_own_port(struct side *side, const struct addr *local,
			      struct command_own *out);
/* Whether the peer was told an address that is not ours any more. */
bool side_ice_has_moved(const struct side *side);

CHECKED int side_rtp_open(struct side *side, const struct addr *peer);
/* Another socket if its address has gone, and what is advertised now. */
CHECKED int side_rtp_restart(struct side *side);
bool side_rtp_has_moved(const struct side *side);
CHECKED int side_rtp_local(struct side *side, struct media_content *content);
CHECKED int side_rtp_remote(struct side *side,
			    const struct media_content *content);

/* media/resume.h */
/* Open its port of before, @local; with that of RTCP where there is no ICE.
 * *@out is to tell the flow of it: side_send(). 0 or -errno. */
CHECKED int side_reopen(struct side *side, const struct addr *local,
			enum command_verb verb, struct command **out);
void side_ice_save(const struct side *side, struct bridge_saved *out);
void side_rtp_save(const struct side *side, struct bridge_saved *out);
CHECKED int side_ice_resume(struct side *side, const struct bridge_saved *saved,
			    const struct media_content *local,
			    const struct media_content *remote);
CHECKED int side_rtp_resume(struct side *side, const struct bridge_saved *saved,
			    const struct media_content *local,
			    const struct media_content *remote);
