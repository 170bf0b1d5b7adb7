/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two associations joined by a network that loses, repeats and forges. The time
 * is invented, except where OpenSSL's own timer repeats a flight. */
#pragma once

#include "media/dtls.h"
#include "tests/fail_alloc.h"
#include "tests/test.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "media/dtls_bio.h"
#include "media/dtls_cert.h"
#include "media/dtls_record.h"

#undef SRTP_AES128_CM_SHA1_80
#undef SRTP_AES128_CM_SHA1_32
#undef SRTP_AEAD_AES_128_GCM
#undef SRTP_AEAD_AES_256_GCM

enum { NQUEUE = 64, CAP = 2048, T0 = 1000000 };

struct datagram {
	size_t n;
	uint8_t p[CAP];
};

struct end {
	struct dtls *dtls;
	struct end *peer;
	struct dtls_keys keys;
	unsigned connected, failed, sent, alerts;
	enum dtls_failure why;
	size_t largest;
	unsigned lose; /* so many datagrams that are sent next */
	struct datagram queue[NQUEUE]; /* to be received */
	size_t first, last;
};

static struct dtls_cert *cert_a, *cert_b;
static struct end a, b;
static uint64_t now_ms;

static inline void on_send(const uint8_t *p, size_t n, void *arg)
{
	struct end *end = arg;

	end->sent++;
	end->alerts += p[0] == DTLS_RECORD_ALERT;
	end->largest = n > end->largest ? n : end->largest;
	if (end->lose) {
		end->lose--;
		return;
	}
	struct end *peer = end->peer;
	assert_true(peer->last - peer->first < NQUEUE && n <= CAP);
	struct datagram *d = &peer->queue[peer->last++ % NQUEUE];
	memcpy(d->p, p, n);
	d->n = n;
}

static inline void on_connected(const struct dtls_keys *keys, void *arg)
{
	struct end *end = arg;

	end->keys = *keys;
	end->connected++;
}

static inline void on_failed(enum dtls_failure why, void *arg)
{
	struct end *end = arg;

	end->why = why;
	end->failed++;
}

static const struct dtls_handlers handlers = { on_send, on_connected,
					       on_failed };

static inline void end_open(struct end *end, const struct dtls_cert *cert,
			    bool active)
{
	assert_int_equal(dtls_new(&end->dtls, cert, active, &handlers, end), 0);
}

static inline void trust(struct end *end, const struct dtls_cert *cert)
{
	struct media_fingerprint f;

	dtls_cert_fingerprint(cert, &f);
	assert_int_equal(dtls_set_fingerprints(end->dtls, &f, 1), 0);
}

/* A is active, B passive. */
static inline void ends_open(void)
{
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.peer = &b;
	b.peer = &a;
	now_ms = T0;
	end_open(&a, cert_a, true);
	end_open(&b, cert_b, false);
}

static inline void ends_close(void)
{
	a.dtls = dtls_free(a.dtls);
	b.dtls = dtls_free(b.dtls);
}

static inline bool receive_one(struct end *end)
{
	if (end->first == end->last)
		return false;
	struct datagram *d = &end->queue[end->first++ % NQUEUE];
	dtls_recv(end->dtls, d->p, d->n, now_ms);
	return true;
}

static inline void exchange(void)
{
	bool more = true;

	while (more) {
		more = receive_one(&a);
		more = receive_one(&b) || more;
	}
}

static inline void start_both(void)
{
	dtls_start(a.dtls, now_ms);
	dtls_start(b.dtls, now_ms);
}

/* With the true clock: OpenSSL's timers run by it. */
static inline void exchange_until(bool (*done)(void), unsigned limit_ms)
{
	uint64_t begin = clock_ms();

	while (!done() && clock_ms() - begin < limit_ms) {
		now_ms = T0 + clock_ms() - begin;
		exchange();
		dtls_tick(a.dtls, now_ms);
		dtls_tick(b.dtls, now_ms);
		usleep(2000);
	}
}

static inline bool both_connected(void)
{
	return a.connected && b.connected;
}

static inline void assert_mirrored(void)
{
	assert_int_equal(a.connected, 1);
	assert_int_equal(b.connected, 1);
	assert_int_equal(a.keys.profile, b.keys.profile);
	assert_int_equal(a.keys.len, b.keys.len);
	assert_memory_equal(a.keys.tx, b.keys.rx, a.keys.len);
	assert_memory_equal(a.keys.rx, b.keys.tx, a.keys.len);
	assert_memory_not_equal(a.keys.rx, a.keys.tx, a.keys.len);
	assert_int_equal(a.alerts + b.alerts, 0);
	assert_true(a.largest <= DTLS_MTU && b.largest <= DTLS_MTU);
}

static inline int open_certs(void **state)
{
	(void)state;
	return dtls_cert_open(&cert_a, NULL) || dtls_cert_open(&cert_b, NULL);
}

static inline int close_certs(void **state)
{
	(void)state;
	dtls_cert_free(cert_a);
	dtls_cert_free(cert_b);
	return 0;
}
