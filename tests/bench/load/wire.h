/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The generator's UDP socket for all ends of calls on one side. Each end has an
 * address of its own in 127.0.0.0/8, so that every stream has a 5-tuple of its
 * own as in life, but one socket on 0.0.0.0 has them all.
 *
 * Nobody waits at that socket: what came is fetched by the clock. Over loopback
 * whoever sends a packet also pays for its way up to the receiver's socket, and
 * for waking who waits there, which on a virtual processor costs more than all
 * the rest. A relay's peers are on other machines, and wake at their own cost.
 * The kernel stamps each packet when it arrives, so that a delay is the
 * relay's whenever the packet is looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"

enum {
	WIRE_POLL_US = 500,
	WIRE_ENDS = 1 << 16, /* addresses: the last two octets */
	WIRE_PACKET_CAP = 2048,
	/* Sent together. More would make the first wait for the last. */
	WIRE_SENDS = 8,
};

struct wire;

/* An end: embedded in its owner. */
struct wire_end {
	struct wire *wire; /* NULL: closed */
	struct addr local;
	/* A packet of @remote, which the kernel had at @at_ns (wall clock);
	 * @p has room for WIRE_PACKET_CAP octets. */
	void (*received)(void *arg, const struct addr *remote, uint8_t *p,
			 size_t n, uint64_t at_ns);
	void *arg;
};

/* The ends have the addresses 127.@net.0.0 to 127.@net.255.255. */
struct wire *wire_new(unsigned net);
struct wire *wire_free(struct wire *wire);

/* @end is filled in but for wire and local; @number is its own. */
void wire_open(struct wire *wire, struct wire_end *end, unsigned number);
void wire_close(struct wire_end *end);

/* At once. What the kernel does not take is lost. */
void wire_send(const struct wire_end *end, const struct addr *remote,
	       const uint8_t *p, size_t n);
/* Room for the next packet, WIRE_PACKET_CAP octets, to be written now; and
 * send it, at wire_flush() at the latest. */
uint8_t *wire_room(struct wire *wire);
void wire_queue(const struct wire_end *end, const struct addr *remote,
		size_t n);
void wire_flush(struct wire *wire);

/* Hand out what came, if it is time. Returns when it is again, in monotonic
 * microseconds. */
uint64_t wire_poll(struct wire *wire, uint64_t now_us);

/* Packets the kernel did not take since this was asked. */
uint64_t wire_unsent(struct wire *wire);
