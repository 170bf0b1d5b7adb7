/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Two DTLS associations joined by a network that loses, repeats and forges: A
 * is active, B passive. The time is invented, except where OpenSSL's own timer
 * repeats a flight. There is one such pair in a program.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "media/dtls.h"
#include "media/dtls_cert.h"

enum { PAIR_QUEUE = 64, PAIR_CAP = 2048, PAIR_T0 = 1000000 };

struct pair_datagram {
	size_t n;
	uint8_t p[PAIR_CAP];
};

struct pair_end {
	struct dtls *dtls;
	struct pair_end *peer;
	struct dtls_keys keys;
	unsigned connected, failed, sent, alerts;
	enum dtls_failure why;
	size_t largest;
	unsigned lose; /* so many datagrams that are sent next */
	struct pair_datagram queue[PAIR_QUEUE]; /* to be received */
	size_t first, last;
};

extern struct dtls_pair {
	struct dtls_cert *cert_a, *cert_b;
	struct pair_end a, b;
	uint64_t now_ms;
} pair;

/* What an end's association is made with; pair_send() puts a datagram into the
 * queue of the other end. */
extern const struct dtls_handlers pair_handlers;
void pair_send(const uint8_t *p, size_t n, void *end);

/* For a group of tests: the certificates. */
int pair_open_certs(void **state);
int pair_close_certs(void **state);

/* Both, or one that is no part of the pair yet. */
void pair_open(void);
void pair_open_end(struct pair_end *end, const struct dtls_cert *cert,
		   bool active);
void pair_close(void);
void pair_trust(struct pair_end *end, const struct dtls_cert *cert);
void pair_start(void);

/* Whether a datagram was there. */
bool pair_receive_one(struct pair_end *end);
/* Until none is left. */
void pair_exchange(void);
/* With the true clock: OpenSSL's timers run by it. */
void pair_exchange_until(bool (*done)(void), unsigned limit_ms);

bool pair_is_connected(void);
void pair_assert_mirrored(void);
