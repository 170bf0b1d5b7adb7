/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * From where an RTP side takes packets and to where it sends them: symmetric
 * RTP (RFC 4961) without RTP Bleed. Pure rules, no I/O:
 *
 * - The signalled address is good at once, and ends the search.
 * - Until then, another port of the signalled IP is learned once: the first
 *   that sends LATCH_PACKETS within LATCH_MS. When that IP is private, its peer
 *   stands behind a NAT: then one of the IP that it signals from as well.
 * - Afterwards nothing changes until a new description, but that after
 *   LATCH_SILENCE_MS without a packet the port may move, on the same IP.
 *
 * Packets of an SRTP side are given only after authentication; there, or where
 * an administrator wants it, the peer may stand behind any NAT.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"

enum {
	LATCH_PACKETS = 5,
	LATCH_MS = 3000,
	LATCH_SILENCE_MS = 5000,
	LATCH_SOURCES = 4, /* watched at the same time */
};

struct latch {
	struct addr remote; /* where packets go */
	bool locked;
	uint64_t last_ms; /* of a packet from the locked source */
	struct addr signalled;
	struct latch_source {
		struct addr addr;
		unsigned packets;
		uint64_t since_ms;
	} sources[LATCH_SOURCES];
	unsigned next;            /* to be replaced, when all are taken */
	struct addr signals_from; /* unset: from nowhere else */
	bool anywhere;            /* behind a NAT, any IP is learned */
};

enum latch_verdict {
	LATCH_DROP,
	LATCH_TAKE,
	LATCH_MOVED, /* take it, and remote has changed */
};

/* A new description; the same address again keeps what was learned. */
void latch_set(struct latch *latch, const struct addr *signalled,
	       uint64_t now_ms);
/* From which IP the peer signals; @anywhere: that does not matter. */
void latch_trust(struct latch *latch, const struct addr *signals_from,
		 bool anywhere);
/* The peer was told another address of ours: NATs between us may show it at
 * another port, which is believed as after a silence. */
void latch_moved(struct latch *latch, uint64_t now_ms);
/* Whether nothing may change now: the locked source has been heard, or was due
 * to be (a description, a hold taken back), less than LATCH_SILENCE_MS ago. */
bool latch_is_heard(const struct latch *latch, uint64_t now_ms);
enum latch_verdict latch_packet(struct latch *latch, const struct addr *source,
				uint64_t now_ms);
