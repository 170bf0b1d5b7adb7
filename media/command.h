/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the main thread tells a worker. A command owns what it carries and is
 * given away whole: worker_send().
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/bridge.h"
#include "media/desc.h"
#include "media/dtls.h"
#include "media/ice.h"
#include "media/map.h"

enum {
	COMMAND_CANDS = 16,    /* ICE_MAX_LOCAL; local candidates of one side */
	COMMAND_OWN_CANDS = 2, /* of a port of its own: public, host */
};

struct circuit;

enum command_verb {
	COMMAND_OPEN_ICE,  /* local */
	COMMAND_RESTART,   /* local */
	COMMAND_PEER_ICE,  /* ice_peer */
	COMMAND_CANDIDATE, /* cand */
	COMMAND_OWN_PORT,  /* own */
	COMMAND_OPEN_RTP,  /* rtp */
	COMMAND_MOVE_RTP,  /* rtp; the worker closes the sockets of before */
	COMMAND_PEER_RTP,  /* rtp_peer */
	COMMAND_RESUME,    /* resume */
	COMMAND_MAP,       /* map */
	COMMAND_DIRECTION, /* dir */
	COMMAND_DIGIT,     /* digit */
	COMMAND_ECHO,
	COMMAND_CLOSE, /* epoch; the worker closes the sockets */
	COMMAND_STUN,  /* stun: no circuit */
	COMMAND_STOP,  /* no circuit; on the stack of worker_free() */
	COMMAND_NVERBS,
};

struct command_local {
	bool controlling;
	char ufrag[ICE_UFRAG_LEN + 1];
	char pwd[ICE_PWD_LEN + 1];
	size_t ncands;
	struct command_cand {
		struct media_cand cand;
		struct addr base;
	} cands[COMMAND_CANDS];
};

struct command_ice_peer {
	char ufrag[MEDIA_UFRAG_CAP];
	char pwd[MEDIA_PWD_CAP];
	bool lite;
	bool active; /* we are, in DTLS */
	struct media_fingerprint fingerprints[MEDIA_MAX_FINGERPRINTS];
	size_t nfingerprints;
	struct media_cand cands[MEDIA_MAX_CANDS];
	size_t ncands;
};

/* A socket for this side alone, and the candidates for it. */
struct command_own {
	int fd;
	struct addr base;
	size_t ncands;
	struct command_cand cands[COMMAND_OWN_CANDS];
};

struct command_rtp {
	int rtp, rtcp;
	struct addr local;
};

struct command_rtp_peer {
	struct addr rtp; /* unspecified: on hold, keep the old */
	struct addr rtcp;
	bool mux;
	bool we_moved; /* it is the first after our address changed */
	struct addr signals_from; /* where its signalling comes from */
	bool anywhere;            /* its media may come from elsewhere */
	struct dtls_keys keys;    /* of profile NONE: plain */
};

/* What a side of a process that died had. */
struct command_resume {
	struct dtls_keys keys;
	struct addr local, remote;
	uint64_t ice_ms, dtls_ms;    /* ICE */
	struct addr signalled, rtcp; /* RTP */
	bool mux;
};

struct command_digit {
	char digit;
	unsigned duration_ms;
};

struct command {
	STAILQ_ENTRY(command) next;
	enum command_verb verb;
	struct circuit *circuit;
	enum media_side side;
	union {
		struct command_local local;
		struct command_ice_peer ice_peer;
		struct media_cand cand;
		struct command_own own;
		struct command_rtp rtp;
		struct command_rtp_peer rtp_peer;
		struct command_resume resume;
		struct media_map map;
		enum media_dir dir;
		struct command_digit digit;
		struct addr stun;
		uint32_t epoch;
	};
};

/* *@out is owned by the caller until worker_send(). 0 or -ENOMEM. */
CHECKED int command_new(struct command **out, enum command_verb verb,
			struct circuit *circuit, enum media_side side);
/* Wipes keys and passwords. NULL is fine; returns NULL. */
struct command *command_free(struct command *command);

/* In the worker: do what @command says to its circuit. */
void command_run(const struct command *command);
