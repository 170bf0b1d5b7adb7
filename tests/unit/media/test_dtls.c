/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two associations that find each other, or do not. */
#include "tests/unit/media/dtls_rig.h"

static void both_sides_get_the_same_keys(void **state)
{
	(void)state;
	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	start_both();
	exchange();
	assert_mirrored();
	assert_int_equal(a.keys.profile, SRTP_AEAD_AES_128_GCM);
	assert_int_equal(a.keys.len, 28);
	assert_true(dtls_tick(a.dtls, now_ms) == UINT64_MAX);
	assert_true(dtls_tick(b.dtls, now_ms) == now_ms + DTLS_LINGER_MS);
	dtls_settle(b.dtls);
	assert_true(dtls_tick(b.dtls, now_ms) == UINT64_MAX);
	ends_close();
}

static void a_passive_side_starts_with_the_first_hello(void **state)
{
	(void)state;
	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	dtls_start(a.dtls, now_ms);
	exchange();
	assert_mirrored();
	ends_close();
}

static void starting_twice_starts_once(void **state)
{
	(void)state;
	ends_open();
	dtls_start(a.dtls, now_ms);
	dtls_start(a.dtls, now_ms);
	assert_int_equal(a.sent, 1);
	assert_true(dtls_tick(b.dtls, now_ms) == UINT64_MAX);
	ends_close();
}

static void another_certificate_gives_no_keys(void **state)
{
	(void)state;
	ends_open();
	trust(&a, cert_a); /* not B's */
	trust(&b, cert_a);
	start_both();
	exchange();
	assert_int_equal(a.failed, 1);
	assert_int_equal(a.why, DTLS_FINGERPRINT);
	assert_int_equal(a.connected, 0);
	assert_string_equal(dtls_reason(a.dtls), "fingerprint");
	ends_close();

	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_b); /* not A's */
	start_both();
	exchange();
	assert_int_equal(b.failed, 1);
	assert_int_equal(b.why, DTLS_FINGERPRINT);
	assert_int_equal(b.connected, 0);
	/* Nothing wakes it up again. */
	dtls_start(b.dtls, now_ms);
	exchange();
	assert_int_equal(b.connected, 0);
	assert_int_equal(b.failed, 1);
	assert_true(dtls_tick(b.dtls, now_ms) == UINT64_MAX);
	ends_close();
}

static void one_octet_of_the_fingerprint_decides(void **state)
{
	(void)state;
	struct media_fingerprint f;

	dtls_cert_fingerprint(cert_b, &f);
	f.octets[31] ^= 1;
	ends_open();
	assert_int_equal(dtls_set_fingerprints(a.dtls, &f, 1), 0);
	trust(&b, cert_a);
	start_both();
	exchange();
	assert_int_equal(a.failed, 1);
	assert_int_equal(a.connected, 0);
	ends_close();
}

static void late_fingerprints_end_a_handshake_that_waited(void **state)
{
	(void)state;
	ends_open();
	start_both();
	exchange();
	assert_int_equal(a.connected + b.connected + a.failed + b.failed, 0);
	assert_true(dtls_tick(a.dtls, now_ms) == T0 + DTLS_HANDSHAKE_MS);
	trust(&a, cert_b);
	trust(&b, cert_a);
	assert_mirrored();
	ends_close();

	ends_open();
	start_both();
	exchange();
	trust(&a, cert_a);
	assert_int_equal(a.failed, 1);
	assert_int_equal(a.why, DTLS_FINGERPRINT);
	ends_close();
}

static void without_fingerprints_the_deadline_ends_it(void **state)
{
	(void)state;
	ends_open();
	start_both();
	exchange();
	dtls_tick(a.dtls, T0 + DTLS_HANDSHAKE_MS - 1);
	assert_int_equal(a.failed, 0);
	dtls_tick(a.dtls, T0 + DTLS_HANDSHAKE_MS);
	assert_int_equal(a.failed, 1);
	assert_int_equal(a.why, DTLS_TIMEOUT);
	assert_int_equal(a.connected, 0);
	ends_close();
}

static void weak_hashes_do_not_count(void **state)
{
	(void)state;
	struct media_fingerprint f[3] = {
		{ .hash = "sha-1", .len = 20 },
		{ .hash = "md5", .len = 16 },
		{ .hash = "sha-256", .len = 20 }, /* wrong length */
	};

	ends_open();
	assert_int_equal(dtls_set_fingerprints(a.dtls, f, 3), -EINVAL);
	assert_int_equal(dtls_set_fingerprints(a.dtls, f, 0), -EINVAL);
	/* One that counts, behind them. */
	dtls_cert_fingerprint(cert_b, &f[2]);
	assert_int_equal(dtls_set_fingerprints(a.dtls, f, 3), 0);
	trust(&b, cert_a);
	start_both();
	exchange();
	assert_mirrored();
	ends_close();
}

static void longer_hashes_count(void **state)
{
	(void)state;
	static const char *const names[] = { "sha-384", "SHA-512" };
	static const uint8_t lens[] = { 48, 64 };

	for (size_t i = 0; i < 2; i++) {
		struct media_fingerprint f = { .len = lens[i] };
		assert_int_equal(text_set(f.hash, sizeof(f.hash), names[i]), 0);
		X509 *x509 =
			SSL_CTX_get0_certificate(dtls_cert_ctx(cert_b, false));
		assert_int_equal(X509_digest(x509,
					     i ? EVP_sha512() : EVP_sha384(),
					     f.octets, NULL),
				 1);
		ends_open();
		assert_int_equal(dtls_set_fingerprints(a.dtls, &f, 1), 0);
		trust(&b, cert_a);
		start_both();
		exchange();
		assert_mirrored();
		ends_close();
	}
}

static void another_fingerprint_afterwards_wants_a_new_association(void **state)
{
	(void)state;
	struct media_fingerprint f;

	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	start_both();
	exchange();
	trust(&a, cert_b); /* a re-INVITE says the same */
	dtls_cert_fingerprint(cert_a, &f);
	assert_int_equal(dtls_set_fingerprints(a.dtls, &f, 1), DTLS_E_NEW);
	assert_int_equal(a.failed, 0);
	ends_close();
}

static void a_lost_hello_is_repeated_within_a_quarter_second(void **state)
{
	(void)state;
	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	a.lose = 1;
	start_both();
	uint64_t next = dtls_tick(a.dtls, now_ms);
	assert_in_range(next, T0 + 150, T0 + DTLS_RETRANSMIT_MS);
	exchange_until(both_connected, 2000);
	assert_mirrored();
	assert_in_range(now_ms, T0 + 150, T0 + 400);
	ends_close();
}

static bool a_connected(void)
{
	return a.connected;
}

static void a_lost_last_flight_is_repeated(void **state)
{
	(void)state;
	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	start_both();
	while (!b.connected) { /* B's last flight is what it sends then */
		unsigned sent = b.sent;
		size_t last = a.last;
		assert_true(receive_one(&b) || receive_one(&a));
		if (b.connected) {
			assert_true(b.sent > sent);
			a.last = last;
		}
	}
	assert_int_equal(a.connected, 0);
	exchange_until(a_connected, 2000);
	assert_mirrored();
	ends_close();
}

static void after_lingering_nothing_is_answered(void **state)
{
	(void)state;
	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	start_both();
	exchange();
	assert_int_equal(dtls_tick(b.dtls, now_ms + DTLS_LINGER_MS - 1),
			 now_ms + DTLS_LINGER_MS);
	assert_true(dtls_tick(b.dtls, now_ms + DTLS_LINGER_MS) == UINT64_MAX);
	unsigned sent = b.sent;
	for (size_t i = 0; i < b.last; i++)
		dtls_recv(b.dtls, b.queue[i].p, b.queue[i].n, now_ms);
	assert_int_equal(b.sent, sent);
	assert_int_equal(b.connected, 1);
	ends_close();
}

static void nobody_there_is_a_timeout(void **state)
{
	(void)state;
	ends_open();
	dtls_start(a.dtls, now_ms);
	dtls_start(b.dtls, now_ms);
	assert_true(dtls_tick(b.dtls, now_ms) == T0 + DTLS_HANDSHAKE_MS);
	dtls_tick(a.dtls, T0 + DTLS_HANDSHAKE_MS);
	dtls_tick(b.dtls, T0 + DTLS_HANDSHAKE_MS);
	assert_int_equal(a.failed, 1);
	assert_int_equal(a.why, DTLS_TIMEOUT);
	assert_int_equal(b.failed, 1);
	assert_int_equal(b.why, DTLS_TIMEOUT);
	ends_close();
}

static void on_raw_send(const uint8_t *p, size_t n, void *arg)
{
	on_send(p, n, arg);
}

/* A client that is not ours, with these profiles (NULL: without use_srtp). */
static void raw_client(const char *srtp_profiles)
{
	struct dtls_link link = { .send = on_raw_send, .arg = &a };
	BIO *bio = dtls_bio_new(dtls_cert_bio_method(cert_a), &link);
	SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
	SSL_CTX *ours = dtls_cert_ctx(cert_a, true);

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
		while (receive_one(&b))
			;
		if (a.first == a.last)
			continue;
		struct datagram *d = &a.queue[a.first++ % NQUEUE];
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
		ends_open();
		trust(&b, cert_a);
		raw_client(rows[i].name);
		assert_int_equal(b.connected, 1);
		assert_int_equal(b.keys.profile, rows[i].profile);
		assert_int_equal(b.keys.len, rows[i].len);
		ends_close();
	}
}

static void without_use_srtp_there_are_no_keys(void **state)
{
	(void)state;
	ends_open();
	trust(&b, cert_a);
	raw_client(NULL);
	assert_int_equal(b.connected, 0);
	assert_int_equal(b.failed, 1);
	assert_int_equal(b.why, DTLS_FAILED);
	ends_close();
}

enum { MANY = 500 };

static void many_at_once_end_well_and_keep_little(void **state)
{
	(void)state;
	static struct end *ends; /* pairs */

	ends = calloc(2 * MANY, sizeof(*ends));
	assert_non_null(ends);
	size_t before = mallinfo2().uordblks;
	for (size_t i = 0; i < 2 * MANY; i++) {
		ends[i].peer = &ends[i ^ 1];
		end_open(&ends[i], i & 1 ? cert_b : cert_a, !(i & 1));
		trust(&ends[i], i & 1 ? cert_a : cert_b);
	}
	for (size_t i = 0; i < 2 * MANY; i++)
		dtls_start(ends[i].dtls, now_ms);
	bool more = true;
	while (more) {
		more = false;
		for (size_t i = 0; i < 2 * MANY; i++)
			more = receive_one(&ends[i]) || more;
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

	FAIL_EACH_ALLOCATION(r, dtls_new(&a.dtls, cert_a, true, &handlers, &a))
	a.dtls = dtls_free(a.dtls);
	for (long i = 0; i < 20000; i += 1 + i / 20) {
		ends_open();
		trust(&a, cert_b);
		trust(&b, cert_a);
		fail_alloc_arm(i);
		start_both();
		exchange();
		fail_alloc_disarm(0);
		if (both_connected()) {
			assert_mirrored();
			whole++;
		}
		ends_close();
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

	return cmocka_run_group_tests(tests, open_certs, close_certs);
}
