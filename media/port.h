/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * UDP sockets of media: the pairs of ports that RTP sides get, an even one for
 * RTP and the next for RTCP (RFC 3550, 11), and the shared port of a worker.
 * Ports are picked at random, so that they cannot be guessed, and rest after
 * use, so that a new call does not inherit an old one's packets.
 *
 * Belongs to one thread, the main one. The sockets may be used by others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

enum {
	PORT_REST_MS = 32000,      /* not used again before; SIP's timer B */
	PORT_BUFFER = 4096 * 1024, /* octets asked of the kernel, shared port */
	PORT_DSCP_EF = 46,         /* RFC 3246, RFC 8837 */
};

struct port_pool;

/* The pairs within @min..@max. 0, -EINVAL (no pair in it), -ENOMEM. */
CHECKED int port_pool_new(struct port_pool **out, uint16_t min, uint16_t max);
struct port_pool *port_pool_free(struct port_pool *pool);
/* Mark the packets of pairs opened from now on with @dscp (RFC 2474), not EF.
 */
void port_pool_mark(struct port_pool *pool, unsigned dscp);
/* Pairs open now. */
size_t port_pool_used(const struct port_pool *pool);

struct port_pair {
	int rtp, rtcp;     /* sockets; -1: none */
	struct addr local; /* of RTP */
};

/*
 * Open a pair on the address @ip, its port ignored; the even port alone unless
 * @rtcp. port_close() ends it. 0, -EADDRINUSE (none left), or -errno.
 */
CHECKED int port_open(struct port_pool *pool, const struct addr *ip, bool rtcp,
		      uint64_t now_ms, struct port_pair *out);
/*
 * The pair that a process that died had open at @local. As port_open();
 * -EINVAL: it is none of the pool's.
 */
CHECKED int port_reopen(struct port_pool *pool, const struct addr *local,
			bool rtcp, struct port_pair *out);
/* The ports rest; the sockets are another's to close. */
void port_leave(struct port_pool *pool, struct port_pair *pair,
		uint64_t now_ms);
/* Whether @port is one of an open pair. */
bool port_is_open(const struct port_pool *pool, uint16_t port);
/* Both sockets are closed and the ports rest. */
void port_close(struct port_pool *pool, struct port_pair *pair,
		uint64_t now_ms);

/*
 * A UDP socket bound to @local: it does not block, marks its packets @dscp, and
 * an IPv6 one is for IPv6 alone. 0 or -errno.
 */
CHECKED int port_socket(int *out, const struct addr *local, unsigned dscp);
/*
 * From now on the kernel lets nobody but @remote be heard at @fd, refuses
 * others by ICMP, and knows the way to it, which is a seventh of what sending a
 * packet costs. 0 or -errno: all are heard.
 */
CHECKED int port_hear_one(int fd, const struct addr *remote);
void port_hear_all(int fd);
/* Large buffers for @fd; if bound to all addresses, it tells each packet's. */
CHECKED int port_share(int fd, const struct addr *local);
