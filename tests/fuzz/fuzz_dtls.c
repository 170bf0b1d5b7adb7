/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Two DTLS associations and a network that delivers, loses, repeats, damages
 * and forges, as the input says. Keys are equal, and never given to a stranger.
 * Or, as the first octet says, a datagram alone: what is looked at before
 * OpenSSL sees it, which costs no handshake.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* there is no other way to repeat one */

#include <assert.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "media/dtls.h"
#include "media/dtls_record.h"
#include "tests/fuzz/same_random.h"

enum { NQUEUE = 32, CAP = 1400, STEPS = 200, RECORD_LEN = 13, ALONE = 4 };

struct end {
	struct dtls *dtls;
	struct end *peer;
	bool stranger; /* trusts another certificate */
	unsigned connected, failed;
	struct dtls_keys keys;
	uint8_t queue[NQUEUE][CAP];
	size_t lens[NQUEUE], nqueue;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_send(const uint8_t *p, size_t n, void *arg)
{
	struct end *to = ((struct end *)arg)->peer;

	assert(n && n <= DTLS_MTU);
	if (to->nqueue == NQUEUE)
		return;
	memcpy(to->queue[to->nqueue], p, n);
	to->lens[to->nqueue++] = n;
}

static void on_connected(const struct dtls_keys *keys, void *arg)
{
	struct end *end = arg;

	assert(!end->stranger && !end->connected && !end->failed);
	end->connected++;
	end->keys = *keys;
}

static void on_failed(enum dtls_failure why, void *arg)
{
	struct end *end = arg;

	(void)why;
	assert(!end->connected && !end->failed);
	end->failed++;
}

static const struct dtls_handlers handlers = { on_send, on_connected,
					       on_failed };

static void deliver(struct end *end, uint8_t how, uint8_t at, uint64_t now_ms)
{
	uint8_t p[CAP];

	if (!end->nqueue)
		return;
	size_t n = end->lens[0];
	memcpy(p, end->queue[0], n);
	if (how & 1)
		p[at % n] ^= (uint8_t)(how | 1);
	if (how & 2)
		n = n * at / 255;
	if (!(how & 4)) { /* else it comes again */
		end->nqueue--;
		memmove(end->queue[0], end->queue[1], end->nqueue * CAP);
		memmove(end->lens, end->lens + 1,
			end->nqueue * sizeof(end->lens[0]));
	}
	if (!(how & 8))
		dtls_recv(end->dtls, p, n, now_ms);
}

static size_t step(struct end *ends, const uint8_t *data, size_t size,
		   uint64_t *now_ms)
{
	struct end *end = &ends[data[0] & 1];
	size_t n = data[2] < size - 3 ? data[2] : size - 3;

	switch (data[0] >> 1 & 7) {
	default:
		deliver(end, 0, 0, *now_ms);
		return 1;
	case 1:
		deliver(end, data[1] & 15, data[2], *now_ms);
		return 3;
	case 2:
		dtls_recv(end->dtls, data + 3, n, *now_ms);
		return 3 + n;
	case 3:
		*now_ms += 20u * data[1];
		dtls_tick(end->dtls, *now_ms);
		return 2;
	case 4:
		dtls_settle(end->dtls);
		return 1;
	}
}

/* The queue's octets stay: to clear them took longer than most inputs. */
static void open_end(struct end *end, struct dtls_cert *mine,
		     struct dtls_cert *theirs, bool active)
{
	struct media_fingerprint f;

	end->connected = end->failed = 0;
	end->nqueue = 0;
	int r = dtls_new(&end->dtls, mine, active, &handlers, end);
	assert(!r);
	dtls_cert_fingerprint(end->stranger ? mine : theirs, &f);
	r = dtls_set_fingerprints(end->dtls, &f, 1);
	assert(!r);
}

/* Whole records, and nothing but them. */
static void check_datagram(const uint8_t *p, size_t n)
{
	struct dtls_datagram datagram, cut;

	if (!dtls_datagram_decode(&datagram, p, n))
		return;
	assert(n >= RECORD_LEN && datagram.type == p[0]);
	assert(!datagram.client_random ||
	       (!datagram.epoch && datagram.client_random > p &&
		datagram.client_random + DTLS_RANDOM_LEN <= p + n));
	assert(!dtls_datagram_decode(&cut, p, n - 1));
}

const char *__asan_default_options(void);

/* A handshake allocates a thousand blocks: with all of them kept for a while,
 * most of the time went into fresh pages. */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=16:malloc_context_size=4";
}

static int random_bytes(unsigned char *out, int n)
{
	return getrandom(out, (size_t)n, 0) == n;
}

static int random_is_well(void)
{
	return 1;
}

static void prepare(struct dtls_cert **certs)
{
	static const RAND_METHOD same = { .bytes = random_bytes,
					  .pseudorand = random_bytes,
					  .status = random_is_well };

	same_random_begin();
	if (certs[1])
		return;
	assert(RAND_set_rand_method(&same) == 1);
	for (unsigned i = 0; i < 2; i++)
		assert(!dtls_cert_open(&certs[i], NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dtls_cert *certs[2];
	static struct end ends[2];
	uint64_t now_ms = 1000;
	unsigned steps = 0;

	if (!size)
		return 0;
	if (data[0] & ALONE) {
		check_datagram(data + 1, size - 1);
		return 0;
	}
	prepare(certs);
	for (unsigned i = 0; i < 2; i++) {
		ends[i].peer = &ends[!i];
		ends[i].stranger = data[0] >> i & 1;
		open_end(&ends[i], certs[i], certs[!i], !i);
	}
	dtls_start(ends[0].dtls, now_ms);
	data++;
	size--;
	while (size >= 3 && steps++ < STEPS) {
		size_t used = step(ends, data, size, &now_ms);
		data += used;
		size -= used;
	}
	for (unsigned i = 0; i < 2; i++)
		dtls_free(ends[i].dtls);
	if (ends[0].connected && ends[1].connected) {
		assert(ends[0].keys.len == ends[1].keys.len);
		assert(!memcmp(ends[0].keys.tx, ends[1].keys.rx,
			       ends[0].keys.len));
	}
	return 0;
}
