/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A STUN client (RFC 8489) that asks a server how it sees one of our sockets,
 * and notices when that changes. The requests also keep the NAT's mapping. No
 * I/O: packets and the time go in and come out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/stun.h"

enum {
	MAPPED_INTERVAL_MS = 25000,
	MAPPED_HURRY_MS = 1000, /* no sooner after an answer */
	MAPPED_RTO_MS = 500,    /* RFC 8489, 6.2.1; doubles */
	MAPPED_RC = 7,          /* requests without an answer, then a pause */
};

/* Embedded in its owner; treat the fields as private but for address. */
struct mapped {
	struct addr server;  /* unset: not asked */
	struct addr address; /* as seen by the server; unset: unknown */
	uint8_t tid[STUN_TID_LEN];
	unsigned sent;
	uint64_t due_ms;
	uint64_t asked_ms; /* when the last round of requests began */
};

/* Ask @server from now on; what is known stays until it answers. */
void mapped_start(struct mapped *mapped, const struct addr *server,
		  uint64_t now_ms);
/*
 * Do what is due: @n octets written to @p are to be sent to the server, none if
 * 0. Returns when to be called again, UINT64_MAX: never.
 */
uint64_t mapped_tick(struct mapped *mapped, uint8_t *p, size_t cap, size_t *n,
		     uint64_t now_ms);
/* The address may be another: ask now, unless that was just done. */
void mapped_hurry(struct mapped *mapped, uint64_t now_ms);
/* A packet that came from the server. Whether the address is another now. */
bool mapped_recv(struct mapped *mapped, const uint8_t *p, size_t n,
		 uint64_t now_ms);
