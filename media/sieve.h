/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the kernel lets through to a shared port: a filter on its socket
 * (classic BPF), so that what strangers send neither wakes us nor takes the
 * place of a call's packets in the socket's buffer. Two degrees:
 *
 * always: what has the form and the least length of a Binding message (RFC
 *     8489), of a DTLS record or of RTP (first octets: RFC 7983);
 * in a flood: all of that from known addresses; of others no RTP, and a share
 *     of checks and handshakes, which who means it repeats.
 *
 * The kernel counts what it refuses. No clock, no state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

enum {
	/* Addresses that a filter can know: its length is limited (Linux's
	 * BPF_MAXINSNS, and net.core.optmem_max, 20 KiB before 6.7). */
	SIEVE_KNOWN_MAX = 1000,
};
/* A share of all. */
#define SIEVE_ALL UINT32_MAX

/* So that nobody can choose addresses that pass for known ones. */
struct sieve_secret {
	uint32_t factors[5];
};
void sieve_secret_init(struct sieve_secret *secret);
/* What a filter knows an address and port by. */
uint32_t sieve_key(const struct sieve_secret *secret,
		   const struct addr *remote);

struct sieve {
	bool v6; /* the socket's */
	bool flooded;
	/* The rest is for a flood. */
	const struct sieve_secret *secret;
	uint32_t share; /* of strangers' checks and handshakes, of SIEVE_ALL */
	const uint32_t *known; /* keys, in rising order; borrowed */
	size_t nknown;         /* SIEVE_KNOWN_MAX at most */
};

/* In the place of what @fd, a UDP socket, had. 0 or -errno: it has the old one,
 * or none. */
CHECKED int sieve_attach(int fd, const struct sieve *sieve);
/* Packets that @fd's kernel side has dropped so far: refused, or without room.
 * 0 where it does not say. */
uint32_t sieve_dropped(int fd);
