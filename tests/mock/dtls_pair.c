/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/mock/dtls_pair.h"

#include <string.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "media/dtls_bio.h"
#include "media/dtls_cert.h"
#include "media/dtls_record.h"
#include "tests/test.h"

struct dtls_pair pair;

void pair_send(const uint8_t *p, size_t n, void *arg)
{
	struct pair_end *end = arg;

	end->sent++;
	end->alerts += p[0] == DTLS_RECORD_ALERT;
	end->largest = n > end->largest ? n : end->largest;
	if (end->lose) {
		end->lose--;
		return;
	}
	struct pair_end *peer = end->peer;
	assert_true(peer->last - peer->first < PAIR_QUEUE && n <= PAIR_CAP);
	struct pair_datagram *d = &peer->queue[peer->last++ % PAIR_QUEUE];
	memcpy(d->p, p, n);
	d->n = n;
}

static void on_connected(const struct dtls_keys *keys, void *arg)
{
	struct pair_end *end = arg;

	end->keys = *keys;
	end->connected++;
}

static void on_failed(enum dtls_failure why, void *arg)
{
	struct pair_end *end = arg;

	end->why = why;
	end->failed++;
}

const struct dtls_handlers pair_handlers = { pair_send, on_connected,
					     on_failed };

void pair_open_end(struct pair_end *end, const struct dtls_cert *cert,
		   bool active)
{
	assert_int_equal(
		dtls_new(&end->dtls, cert, active, &pair_handlers, end), 0);
}

void pair_trust(struct pair_end *end, const struct dtls_cert *cert)
{
	struct media_fingerprint f;

	dtls_cert_fingerprint(cert, &f);
	assert_int_equal(dtls_set_fingerprints(end->dtls, &f, 1), 0);
}

/* A is active, B passive. */
void pair_open(void)
{
	memset(&pair.a, 0, sizeof(pair.a));
	memset(&pair.b, 0, sizeof(pair.b));
	pair.a.peer = &pair.b;
	pair.b.peer = &pair.a;
	pair.now_ms = PAIR_T0;
	pair_open_end(&pair.a, pair.cert_a, true);
	pair_open_end(&pair.b, pair.cert_b, false);
}

void pair_close(void)
{
	pair.a.dtls = dtls_free(pair.a.dtls);
	pair.b.dtls = dtls_free(pair.b.dtls);
}

bool pair_receive_one(struct pair_end *end)
{
	if (end->first == end->last)
		return false;
	struct pair_datagram *d = &end->queue[end->first++ % PAIR_QUEUE];
	dtls_recv(end->dtls, d->p, d->n, pair.now_ms);
	return true;
}

void pair_exchange(void)
{
	bool more = true;

	while (more) {
		more = pair_receive_one(&pair.a);
		more = pair_receive_one(&pair.b) || more;
	}
}

void pair_start(void)
{
	dtls_start(pair.a.dtls, pair.now_ms);
	dtls_start(pair.b.dtls, pair.now_ms);
}

/* With the true clock: OpenSSL's timers run by it. */
void pair_exchange_until(bool (*done)(void), unsigned limit_ms)
{
	uint64_t begin = clock_ms();

	while (!done() && clock_ms() - begin < limit_ms) {
		pair.now_ms = PAIR_T0 + clock_ms() - begin;
		pair_exchange();
		dtls_tick(pair.a.dtls, pair.now_ms);
		dtls_tick(pair.b.dtls, pair.now_ms);
		usleep(2000);
	}
}

bool pair_is_connected(void)
{
	return pair.a.connected && pair.b.connected;
}

void pair_assert_mirrored(void)
{
	assert_int_equal(pair.a.connected, 1);
	assert_int_equal(pair.b.connected, 1);
	assert_int_equal(pair.a.keys.profile, pair.b.keys.profile);
	assert_int_equal(pair.a.keys.len, pair.b.keys.len);
	assert_memory_equal(pair.a.keys.tx, pair.b.keys.rx, pair.a.keys.len);
	assert_memory_equal(pair.a.keys.rx, pair.b.keys.tx, pair.a.keys.len);
	assert_memory_not_equal(pair.a.keys.rx, pair.a.keys.tx,
				pair.a.keys.len);
	assert_int_equal(pair.a.alerts + pair.b.alerts, 0);
	assert_true(pair.a.largest <= DTLS_MTU && pair.b.largest <= DTLS_MTU);
}

int pair_open_certs(void **state)
{
	(void)state;
	return dtls_cert_open(&pair.cert_a, NULL) ||
	       dtls_cert_open(&pair.cert_b, NULL);
}

int pair_close_certs(void **state)
{
	(void)state;
	dtls_cert_free(pair.cert_a);
	dtls_cert_free(pair.cert_b);
	return 0;
}
