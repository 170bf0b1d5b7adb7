/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the kernel lets through to a shared port: a filter on its socket
 * (classic BPF), so that what strangers send neither wakes us nor takes the
 * place of a call's packets in the socket's buffer. Two degrees:
 *
 * always: what has the form and the least length of a Binding message (RFC
 *     8489), of a DTLS record or of RTP (first octets: RFC 7983);
 * in a flood: all of that from known addresses, however many; of others no RTP,
 *     and a share of checks and handshakes, which who means it repeats.
 *
 * The kernel counts what it refuses. No clock, no state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

/* A share of all. */
#define SIEVE_ALL UINT32_MAX

/*
 * Known addresses and ports: a Bloom filter. All that were added are known, and
 * of others some are taken for known: at 1,000 one in a thousand, at 2,000 one
 * in a hundred, at 4,000 a tenth. More tables, or longer ones, would be too
 * much for a socket (net.core.optmem_max, 20 KiB before Linux 6.7).
 */
enum { SIEVE_TABLES = 5, SIEVE_WORDS_MAX = 128, SIEVE_FACTORS = 5 };

/* So that nobody can choose addresses that pass for known ones. */
struct sieve_secret {
	uint32_t factors[SIEVE_FACTORS], tables[SIEVE_TABLES];
};
void sieve_secret_init(struct sieve_secret *secret);

struct sieve_known {
	size_t words; /* of each table: a power of two */
	uint32_t at[SIEVE_TABLES][SIEVE_WORDS_MAX];
};
/* None are known; there will be about @n. */
void sieve_known_init(struct sieve_known *known, size_t n);
/* All of one filter are of one IP version. */
void sieve_known_add(struct sieve_known *known,
		     const struct sieve_secret *secret,
		     const struct addr *remote);

struct sieve {
	bool v6; /* the socket's */
	bool flooded;
	/* The rest is for a flood. */
	const struct sieve_secret *secret;
	uint32_t share; /* of strangers' checks and handshakes, of SIEVE_ALL */
	const struct sieve_known *known; /* borrowed */
};

/* In the place of what @fd, a UDP socket, had. 0 or -errno: it has the old one,
 * or none. */
CHECKED int sieve_attach(int fd, const struct sieve *sieve);
/* Packets that @fd's kernel side has dropped so far: refused, or without room.
 * 0 where it does not say. */
uint32_t sieve_dropped(int fd);
