/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two associations that find each other, or do not. */
#include "tests/mock/dtls_pair.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "media/dtls_bio.h"
#include "media/dtls_record.h"
#include "tests/fail_alloc.h"
#include "tests/test.h"

#undef SRTP_AES128_CM_SHA1_80
#undef SRTP_AES128_CM_SHA1_32
#undef SRTP_AEAD_AES_128_GCM
#undef SRTP_AEAD_AES_256_GCM

static void both_sides_get_the_same_keys(void **state)
{
	(void)state;
	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	pair_start();
	pair_exchange();
	pair_assert_mirrored();
	assert_int_equal(pair.a.keys.profile, SRTP_AEAD_AES_128_GCM);
	assert_int_equal(pair.a.keys.len, 28);
	assert_true(dtls_tick(pair.a.dtls, pair.now_ms) == UINT64_MAX);
	assert_true(dtls_tick(pair.b.dtls, pair.now_ms) ==
		    pair.now_ms + DTLS_LINGER_MS);
	dtls_settle(pair.b.dtls);
	assert_true(dtls_tick(pair.b.dtls, pair.now_ms) == UINT64_MAX);
	pair_close();
}

static void a_passive_side_starts_with_the_first_hello(void **state)
{
	(void)state;
	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	dtls_start(pair.a.dtls, pair.now_ms);
	pair_exchange();
	pair_assert_mirrored();
	pair_close();
}

static void starting_twice_starts_once(void **state)
{
	(void)state;
	pair_open();
	dtls_start(pair.a.dtls, pair.now_ms);
	dtls_start(pair.a.dtls, pair.now_ms);
	assert_int_equal(pair.a.sent, 1);
	assert_true(dtls_tick(pair.b.dtls, pair.now_ms) == UINT64_MAX);
	pair_close();
}

static void another_certificate_gives_no_keys(void **state)
{
	(void)state;
	pair_open();
	pair_trust(&pair.a, pair.cert_a); /* not B's */
	pair_trust(&pair.b, pair.cert_a);
	pair_start();
	pair_exchange();
	assert_int_equal(pair.a.failed, 1);
	assert_int_equal(pair.a.why, DTLS_FINGERPRINT);
	assert_int_equal(pair.a.connected, 0);
	assert_string_equal(dtls_reason(pair.a.dtls), "fingerprint");
	pair_close();

	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_b); /* not A's */
	pair_start();
	pair_exchange();
	assert_int_equal(pair.b.failed, 1);
	assert_int_equal(pair.b.why, DTLS_FINGERPRINT);
	assert_int_equal(pair.b.connected, 0);
	/* Nothing wakes it up again. */
	dtls_start(pair.b.dtls, pair.now_ms);
	pair_exchange();
	assert_int_equal(pair.b.connected, 0);
	assert_int_equal(pair.b.failed, 1);
	assert_true(dtls_tick(pair.b.dtls, pair.now_ms) == UINT64_MAX);
	pair_close();
}

static void one_octet_of_the_fingerprint_decides(void **state)
{
	(void)state;
	struct media_fingerprint f;

	dtls_cert_fingerprint(pair.cert_b, &f);
	f.octets[31] ^= 1;
	pair_open();
	assert_int_equal(dtls_set_fingerprints(pair.a.dtls, &f, 1), 0);
	pair_trust(&pair.b, pair.cert_a);
	pair_start();
	pair_exchange();
	assert_int_equal(pair.a.failed, 1);
	assert_int_equal(pair.a.connected, 0);
	pair_close();
}

static void late_fingerprints_end_a_handshake_that_waited(void **state)
{
	(void)state;
	pair_open();
	pair_start();
	pair_exchange();
	assert_int_equal(pair.a.connected + pair.b.connected + pair.a.failed +
				 pair.b.failed,
			 0);
	assert_true(dtls_tick(pair.a.dtls, pair.now_ms) ==
		    PAIR_T0 + DTLS_HANDSHAKE_MS);
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	pair_assert_mirrored();
	pair_close();

	pair_open();
	pair_start();
	pair_exchange();
	pair_trust(&pair.a, pair.cert_a);
	assert_int_equal(pair.a.failed, 1);
	assert_int_equal(pair.a.why, DTLS_FINGERPRINT);
	pair_close();
}

static void without_fingerprints_the_deadline_ends_it(void **state)
{
	(void)state;
	pair_open();
	pair_start();
	pair_exchange();
	dtls_tick(pair.a.dtls, PAIR_T0 + DTLS_HANDSHAKE_MS - 1);
	assert_int_equal(pair.a.failed, 0);
	dtls_tick(pair.a.dtls, PAIR_T0 + DTLS_HANDSHAKE_MS);
	assert_int_equal(pair.a.failed, 1);
	assert_int_equal(pair.a.why, DTLS_TIMEOUT);
	assert_int_equal(pair.a.connected, 0);
	pair_close();
}

static void weak_hashes_do_not_count(void **state)
{
	(void)state;
	struct media_fingerprint f[3] = {
		{ .hash = "sha-1", .len = 20 },
		{ .hash = "md5", .len = 16 },
		{ .hash = "sha-256", .len = 20 }, /* wrong length */
	};

	pair_open();
	assert_int_equal(dtls_set_fingerprints(pair.a.dtls, f, 3), -EINVAL);
	assert_int_equal(dtls_set_fingerprints(pair.a.dtls, f, 0), -EINVAL);
	/* One that counts, behind them. */
	dtls_cert_fingerprint(pair.cert_b, &f[2]);
	assert_int_equal(dtls_set_fingerprints(pair.a.dtls, f, 3), 0);
	pair_trust(&pair.b, pair.cert_a);
	pair_start();
	pair_exchange();
	pair_assert_mirrored();
	pair_close();
}

static void longer_hashes_count(void **state)
{
	(void)state;
	static const char *const names[] = { "sha-384", "SHA-512" };
	static const uint8_t lens[] = { 48, 64 };

	for (size_t i = 0; i < 2; i++) {
		struct media_fingerprint f = { .len = lens[i] };
		assert_int_equal(text_set(f.hash, sizeof(f.hash), names[i]), 0);
		X509 *x509 = SSL_CTX_get0_certificate(
			dtls_cert_ctx(pair.cert_b, false));
		assert_int_equal(X509_digest(x509,
					     i ? EVP_sha512() : EVP_sha384(),
					     f.octets, NULL),
				 1);
		pair_open();
		assert_int_equal(dtls_set_fingerprints(pair.a.dtls, &f, 1), 0);
		pair_trust(&pair.b, pair.cert_a);
		pair_start();
		pair_exchange();
		pair_assert_mirrored();
		pair_close();
	}
}

static void another_fingerprint_afterwards_wants_a_new_association(void **state)
{
	(void)state;
	struct media_fingerprint f;

	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	pair_start();
	pair_exchange();
	pair_trust(&pair.a, pair.cert_b); /* a re-INVITE says the same */
	dtls_cert_fingerprint(pair.cert_a, &f);
	assert_int_equal(dtls_set_fingerprints(pair.a.dtls, &f, 1), DTLS_E_NEW);
	assert_int_equal(pair.a.failed, 0);
	pair_close();
}

static void a_lost_hello_is_repeated_within_a_quarter_second(void **state)
{
	(void)state;
	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	pair.a.lose = 1;
	pair_start();
	uint64_t next = dtls_tick(pair.a.dtls, pair.now_ms);
	assert_in_range(next, PAIR_T0 + 150, PAIR_T0 + DTLS_RETRANSMIT_MS);
	pair_exchange_until(pair_is_connected, 2000);
	pair_assert_mirrored();
	assert_in_range(pair.now_ms, PAIR_T0 + 150, PAIR_T0 + 400);
	pair_close();
}

static bool a_connected(void)
{
	return pair.a.connected;
}

static void a_lost_last_flight_is_repeated(void **state)
{
	(void)state;
	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	pair_start();
	while (!pair.b.connected) { /* B's last flight is what it sends then */
		unsigned sent = pair.b.sent;
		size_t last = pair.a.last;
		assert_true(pair_receive_one(&pair.b) ||
			    pair_receive_one(&pair.a));
		if (pair.b.connected) {
			assert_true(pair.b.sent > sent);
			pair.a.last = last;
		}
	}
	assert_int_equal(pair.a.connected, 0);
	pair_exchange_until(a_connected, 2000);
	pair_assert_mirrored();
	pair_close();
}

static void after_lingering_nothing_is_answered(void **state)
{
	(void)state;
	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	pair_start();
	pair_exchange();
	assert_int_equal(
		dtls_tick(pair.b.dtls, pair.now_ms + DTLS_LINGER_MS - 1),
		pair.now_ms + DTLS_LINGER_MS);
	assert_true(dtls_tick(pair.b.dtls, pair.now_ms + DTLS_LINGER_MS) ==
		    UINT64_MAX);
	unsigned sent = pair.b.sent;
	for (size_t i = 0; i < pair.b.last; i++)
		dtls_recv(pair.b.dtls, pair.b.queue[i].p, pair.b.queue[i].n,
			  pair.now_ms);
	assert_int_equal(pair.b.sent, sent);
	assert_int_equal(pair.b.connected, 1);
	pair_close();
}

static void nobody_there_is_a_timeout(void **state)
{
	(void)state;
	pair_open();
	dtls_start(pair.a.dtls, pair.now_ms);
	dtls_start(pair.b.dtls, pair.now_ms);
	assert_true(dtls_tick(pair.b.dtls, pair.now_ms) ==
		    PAIR_T0 + DTLS_HANDSHAKE_MS);
	dtls_tick(pair.a.dtls, PAIR_T0 + DTLS_HANDSHAKE_MS);
	dtls_tick(pair.b.dtls, PAIR_T0 + DTLS_HANDSHAKE_MS);
	assert_int_equal(pair.a.failed, 1);
	assert_int_equal(pair.a.why, DTLS_TIMEOUT);
	assert_int_equal(pair.b.failed, 1);
	assert_int_equal(pair.b.why, DTLS_TIMEOUT);
	pair_close();
}

static void on_raw_send(const uint8_t *p, size_t n, void *arg)
{
	pair_send(p, n, arg);
}

/* A client that is not ours, with these profiles (NULL: without use_srtp). */
static void raw_client(const char *srtp_profiles)
{
	struct dtls_link link = { .send = on_raw_send, .arg = &pair.a };
	BIO *bio = dtls_bio_new(dtls_cert_bio_method(pair.cert_a), &link);
	SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
	SSL_CTX *ours = dtls_cert_ctx(pair.cert_a, true);

	assert_int_equal(
		SSL_CTX_use_certificate(ctx, SSL_CTX_get0_certificate(ours)),
		1);
	assert_int_equal(
		SSL_CTX_use_PrivateKey(ctx, SSL_CTX_get0_privatekey(ours)), 1);
	SSL *ssl = SSL_new(ctx);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(ssl, DTLS_MTU);
	if (srtp_profiles)
		assert_int_equal(SSL_set_tlsext_use_srtp(ssl, srtp_profiles),
				 0);
	for (unsigned i = 0; i < 20; i++) {
		SSL_connect(ssl);
		while (pair_receive_one(&pair.b))
			;
		if (pair.a.first == pair.a.last)
			continue;
		struct pair_datagram *d =
			&pair.a.queue[pair.a.first++ % PAIR_QUEUE];
		link.in = d->p;
		link.in_len = d->n;
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void a_client_with_one_profile_gets_it(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum srtp_profile profile;
		uint8_t len;
	} rows[] = {
		{ "SRTP_AES128_CM_SHA1_80", SRTP_AES128_CM_SHA1_80, 30 },
		{ "SRTP_AES128_CM_SHA1_32", SRTP_AES128_CM_SHA1_32, 30 },
		{ "SRTP_AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM, 44 },
		{ "SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80",
		  SRTP_AES128_CM_SHA1_80, 30 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pair_open();
		pair_trust(&pair.b, pair.cert_a);
		raw_client(rows[i].name);
		assert_int_equal(pair.b.connected, 1);
		assert_int_equal(pair.b.keys.profile, rows[i].profile);
		assert_int_equal(pair.b.keys.len, rows[i].len);
		pair_close();
	}
}

static void without_use_srtp_there_are_no_keys(void **state)
{
	(void)state;
	pair_open();
	pair_trust(&pair.b, pair.cert_a);
	raw_client(NULL);
	assert_int_equal(pair.b.connected, 0);
	assert_int_equal(pair.b.failed, 1);
	assert_int_equal(pair.b.why, DTLS_FAILED);
	pair_close();
}

enum { MANY = 500 };

static void many_at_once_end_well_and_keep_little(void **state)
{
	(void)state;
	static struct pair_end *ends; /* pairs */

	ends = calloc(2 * MANY, sizeof(*ends));
	assert_non_null(ends);
	size_t before = mallinfo2().uordblks;
	for (size_t i = 0; i < 2 * MANY; i++) {
		ends[i].peer = &ends[i ^ 1];
		pair_open_end(&ends[i], i & 1 ? pair.cert_b : pair.cert_a,
			      !(i & 1));
		pair_trust(&ends[i], i & 1 ? pair.cert_a : pair.cert_b);
	}
	for (size_t i = 0; i < 2 * MANY; i++)
		dtls_start(ends[i].dtls, pair.now_ms);
	bool more = true;
	while (more) {
		more = false;
		for (size_t i = 0; i < 2 * MANY; i++)
			more = pair_receive_one(&ends[i]) || more;
	}
	for (size_t i = 0; i < 2 * MANY; i++) {
		assert_int_equal(ends[i].connected, 1);
		dtls_settle(ends[i].dtls);
	}
	size_t kept = mallinfo2().uordblks - before;
	assert_true(kept / (2 * MANY) < 1500);
	for (size_t i = 0; i < 2 * MANY; i++)
		dtls_free(ends[i].dtls);
	free(ends);
}

/* A handshake that lost memory on its way ends well, later, or not at all. */
static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	struct dtls_cert *cert = NULL;
	unsigned whole = 0;
	int r;

	FAIL_EACH_ALLOCATION(r, dtls_new(&pair.a.dtls, pair.cert_a, true,
					 &pair_handlers, &pair.a))
	pair.a.dtls = dtls_free(pair.a.dtls);
	for (long i = 0; i < 20000; i += 1 + i / 20) {
		pair_open();
		pair_trust(&pair.a, pair.cert_b);
		pair_trust(&pair.b, pair.cert_a);
		fail_alloc_arm(i);
		pair_start();
		pair_exchange();
		fail_alloc_disarm(0);
		if (pair_is_connected()) {
			pair_assert_mirrored();
			whole++;
		}
		pair_close();
	}
	assert_true(whole > 0);
	for (long i = 0; i < 20000; i += 1 + i / 20) {
		fail_alloc_arm(i);
		r = fail_alloc_disarm(dtls_cert_open(&cert, NULL));
		assert_true(r <= 0 && !r == !!cert);
		cert = dtls_cert_free(cert);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_get_the_same_keys),
		cmocka_unit_test(a_passive_side_starts_with_the_first_hello),
		cmocka_unit_test(starting_twice_starts_once),
		cmocka_unit_test(another_certificate_gives_no_keys),
		cmocka_unit_test(one_octet_of_the_fingerprint_decides),
		cmocka_unit_test(late_fingerprints_end_a_handshake_that_waited),
		cmocka_unit_test(without_fingerprints_the_deadline_ends_it),
		cmocka_unit_test(weak_hashes_do_not_count),
		cmocka_unit_test(longer_hashes_count),
		cmocka_unit_test(
			another_fingerprint_afterwards_wants_a_new_association),
		cmocka_unit_test(
			a_lost_hello_is_repeated_within_a_quarter_second),
		cmocka_unit_test(a_lost_last_flight_is_repeated),
		cmocka_unit_test(after_lingering_nothing_is_answered),
		cmocka_unit_test(nobody_there_is_a_timeout),
		cmocka_unit_test(a_client_with_one_profile_gets_it),
		cmocka_unit_test(without_use_srtp_there_are_no_keys),
		cmocka_unit_test(many_at_once_end_well_and_keep_little),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, pair_open_certs, pair_close_certs);
}
