/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The packets of one turn of a worker's loop: received into a fixed arena,
 * changed in place, and sent together; those that leave by a shared socket with
 * one sendmmsg() (2.8 microseconds a packet against 5.3 with single calls).
 * Receiving, working and sending are three passes, so that each finds its code
 * in the cache. Nothing is allocated after batch_new().
 *
 * Shared sockets that have all addresses tell the local one of each packet
 * (PKTINFO), and packets leave from the one they are given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

enum {
	BATCH_PACKETS = 256,
	PACKET_CAP = 2048, /* with room for SRTP's trailer */
	PACKET_MAX = 1600, /* longer ones are dropped: larger than any MTU */
};

struct source;
struct flow;

struct packet {
	struct addr local, remote;
	const struct source *source; /* received: by which socket */
	struct flow *flow;           /* and whose, once that is known, */
	unsigned list;               /* by the tuples of this list */
	size_t n;
	uint8_t p[PACKET_CAP];
};

/* One of a worker's two shared sockets. */
struct batch_socket {
	int fd; /* -1: none */
	uint16_t port;
	struct addr bound; /* the one address it has; unset: all of ours */
};
enum { BATCH_V4, BATCH_V6, BATCH_NSOCKETS };

struct batch;

CHECKED int batch_new(struct batch **out,
		      const struct batch_socket sockets[BATCH_NSOCKETS]);
struct batch *batch_free(struct batch *batch);

/* How many packets can be received before batch_flush(). */
size_t batch_room(const struct batch *batch);
/*
 * Receive up to @max packets, for which there is room, from a shared socket,
 * with the local address of each. Returns their number; less than @max: there
 * are no more.
 */
size_t batch_recv(struct batch *batch, const struct source *source, size_t max);
/*
 * Receive one packet, for which there is room, from a socket that is not
 * shared. Returns whether there was one.
 */
bool batch_recv_one(struct batch *batch, const struct source *source);
/* All that was received since batch_flush(); borrowed until the next. */
size_t batch_received(struct batch *batch, struct packet **out);

/*
 * Send @packet, one of those received, at batch_flush(): to its @remote by the
 * shared socket, from its @local; or by a socket of its own, @fd, which may be
 * @connected to where it goes (port_hear_one()).
 */
void batch_queue(struct batch *batch, struct packet *packet);
void batch_queue_own(struct batch *batch, int fd, bool connected,
		     struct packet *packet);
/* Send it now, by a socket of its own or the shared one. Returns whether the
 * kernel took it. */
bool batch_send_own(int fd, bool connected, const struct packet *packet);
bool batch_send(struct batch *batch, const struct addr *local,
		const struct addr *remote, const uint8_t *p, size_t n);
void batch_flush(struct batch *batch);

/* Packets that the kernel did not take, since the start. */
uint64_t batch_lost(const struct batch *batch);
