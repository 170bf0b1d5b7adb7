/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The packets of one turn of a worker's loop: received into a fixed arena by
 * recvmmsg(), changed in place, and sent by one sendmmsg() a socket (2.8
 * microseconds a packet against 5.3 with single calls). Nothing is allocated
 * after batch_new().
 *
 * The shared sockets tell the local address of each packet (PKTINFO), and
 * packets leave from the one they are given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

enum {
	BATCH_PACKETS = 256,
	BATCH_RECV = 64,   /* packets asked for in one call */
	BATCH_SEND = 32,   /* and sent in one: the first wait for the last */
	PACKET_CAP = 2048, /* with room for SRTP's trailer */
	PACKET_MAX = 1600, /* longer ones are dropped: larger than any MTU */
};

struct packet {
	struct addr local, remote;
	size_t n;
	uint8_t p[PACKET_CAP];
};

/* One of a worker's two shared sockets. */
struct batch_socket {
	int fd; /* -1: none */
	uint16_t port;
};
enum { BATCH_V4, BATCH_V6, BATCH_NSOCKETS };

struct batch;

CHECKED int batch_new(struct batch **out,
		      const struct batch_socket sockets[BATCH_NSOCKETS]);
struct batch *batch_free(struct batch *batch);

/* Whether packets for this address can leave by a shared socket. */
bool batch_has(const struct batch *batch, const struct addr *remote);

/*
 * Receive up to BATCH_RECV packets from the shared socket @which. They are
 * borrowed until batch_flush(), which is called here when room is short.
 * Returns their number.
 */
size_t batch_recv(struct batch *batch, int which, struct packet **out);
/* One packet of another socket; NULL when there is none. */
struct packet *batch_recv_one(struct batch *batch, int fd,
			      const struct addr *local);

/*
 * Send @packet, received in this turn, from its @local to its @remote with the
 * shared socket, with others: at batch_flush() at the latest.
 */
void batch_queue(struct batch *batch, struct packet *packet);
/* Send it now. Returns whether the kernel took it. */
bool batch_send(struct batch *batch, const struct addr *local,
		const struct addr *remote, const uint8_t *p, size_t n);
void batch_flush(struct batch *batch);

/* Packets that the kernel did not take, since the start. */
uint64_t batch_lost(const struct batch *batch);
