/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What all bridges share: workers, sockets, certificate, our addresses. The
 * main thread's, and for media/ alone; the public face is media/bridge.h.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/bridge.h"
#include "media/gather.h"
#include "media/host.h"
#include "media/keep.h"
#include "media/load.h"
#include "media/mapped.h"
#include "media/notice.h"
#include "media/port.h"
#include "media/side.h"
#include "media/worker.h"

enum {
	MEDIA_WELL_S = 1, /* after that a death is none of the calls' doing */
	MEDIA_HOSTS_SETTLE_MS = 500, /* addresses change in bursts */
	/* The public address may have changed with them. */
	MEDIA_HOSTS_ASK_MS = 1000,
};

struct event;
struct dtls_cert;

struct media_worker {
	struct media *media;
	struct worker *worker;
	struct batch_socket sockets[BATCH_NSOCKETS];
	unsigned load; /* bridges */
	struct load busy;
	unsigned unanswered; /* looks at it, one after the other */
	struct mapped mapped;
	struct addr mapped_base;
};

struct media {
	struct media_config config;
	struct event_base *base;
	struct dtls_cert *cert;
	struct keep *keep;
	bool waits; /* for calls of before: media_forget() */
	struct port_pool *ports;
	struct notices notices;
	bool has_notices;
	struct event *notice_event;
	struct host_list hosts;
	int host_fd; /* -1: none */
	struct event *host_event, *host_timer;
	bool hosts_asked; /* they changed; the public one is waited for */
	struct event *stun_timer;
	struct event *well_timer; /* NULL: nothing to say */
	struct event *load_timer; /* NULL until load_watch() */
	uint64_t looked_ms, say_load_ms;
	struct addr stun;
	media_addresses_fn on_addresses; /* or NULL */
	void *on_addresses_arg;
	struct media_worker workers[MEDIA_MAX_WORKERS];
	unsigned nworkers;
	TAILQ_HEAD(, bridge) bridges;
};

struct bridge {
	TAILQ_ENTRY(bridge) entry;
	struct media *media;
	struct media_worker *worker;
	struct circuit *circuit;
	const struct bridge_handlers *handlers;
	void *arg;
	struct side sides[2];
	bool events[2]; /* by the side packets come from: see bridge_map() */
	bool echo;
};

/* Candidates for @port of a socket of @worker, on @base alone unless NULL. */
size_t media_gather(const struct media *media,
		    const struct media_worker *worker, uint16_t port,
		    const struct addr *base, uint8_t generation,
		    struct command_cand *out, size_t cap);

/* The local address of an RTP side towards @peer (or NULL). 0 or -errno. */
CHECKED int media_local_address(const struct media *media, struct addr *out,
				const struct addr *peer);
/* How a peer at @peer has to spell our address @local. */
struct addr media_advertised(const struct media *media,
			     const struct addr *local, const struct addr *peer);

/* media_address.c: reads our addresses, and watches them. 0 or -errno. */
CHECKED int media_address_start(struct media *media);
/* Behind the last notice. */
void media_address_stop(struct media *media);
/* A worker was answered by the STUN server. */
void media_on_stun(struct media *media, const struct notice_stun *stun);

/*
 * media_keep.c: calls are kept at @path (NULL: nowhere), and those of before
 * are found. 0 or -errno.
 */
CHECKED int media_keep_start(struct media *media, const char *path);
/* Behind the last circuit. */
void media_keep_stop(struct media *media);

/* bridge.c: bridge_new() on this worker. */
CHECKED int bridge_new_on(struct bridge **out, struct media_worker *worker,
			  const char *name,
			  const struct bridge_handlers *handlers, void *arg);
/* bridge.c: what a worker said of one of its circuits. */
void bridge_on_notice(struct media *media, struct notice *notice);
/* Call moved() where our address is not what the peer was told. */
void bridge_on_addresses(struct media *media);
/* Our public address may be another now: ask at once. */
void media_doubt(struct media *media);
/* Whether packets to @a would come back to one of our own ports. */
bool media_is_own(const struct media *media, const struct addr *a);
