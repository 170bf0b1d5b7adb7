/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * DTLS-SRTP with OpenSSL; see the header.
 *
 * An association makes attempts. An attempt is one SSL object: it ends in a
 * handshake that is done, or it breaks, and the next one begins: on the active
 * side after the time of a retransmission, on the passive side with the next
 * ClientHello. Until then no object exists, so that garbage costs nothing.
 *
 * The times of retransmissions are OpenSSL's, which reads the wall clock; all
 * else goes by the time that is given. A wall clock that steps back within a
 * handshake that loses a flight too delays it by that step; the deadline holds.
 */
#include "media/dtls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "gateway/base/slice.h"
#include "media/dtls_bio.h"
#include "media/dtls_cert.h"
#include "media/dtls_record.h"

/* openssl/srtp.h has macros with the names of enum srtp_profile, and with the
 * numbers of RFC 5764: here they would silently win. */
#undef SRTP_AES128_CM_SHA1_80
#undef SRTP_AES128_CM_SHA1_32
#undef SRTP_AEAD_AES_128_GCM
#undef SRTP_AEAD_AES_256_GCM

static const char EXPORT_LABEL[] = "EXTRACTOR-dtls_srtp"; /* RFC 5764, 4.2 */

enum state {
	DTLS_NEW,       /* not started */
	DTLS_HANDSHAKE, /* attempts */
	DTLS_VERIFY,    /* done, but no fingerprint was signalled yet */
	DTLS_CONNECTED, /* keys given; the passive side lingers */
	DTLS_BROKEN,    /* failed() was called */
};

enum { NHASHES = 3, EXPORT_MAX = 2 * MEDIA_CRYPTO_KEY_MAX };

static const struct hash {
	const char *name;
	uint8_t len;
	const EVP_MD *(*md)(void);
} hashes[NHASHES] = {
	{ "sha-256", 32, EVP_sha256 },
	{ "sha-384", 48, EVP_sha384 },
	{ "sha-512", 64, EVP_sha512 },
};

/* IANA's numbers of protection profiles: RFC 5764, 4.1.2, RFC 7714, 14.2. */
static const struct profile {
	unsigned long id;
	enum srtp_profile profile;
} profiles[] = {
	{ 1, SRTP_AES128_CM_SHA1_80 },
	{ 2, SRTP_AES128_CM_SHA1_32 },
	{ 7, SRTP_AEAD_AES_128_GCM },
	{ 8, SRTP_AEAD_AES_256_GCM },
};

struct dtls {
	const struct dtls_cert *cert;
	const struct dtls_handlers *handlers;
	void *arg;
	bool active;
	enum state state;
	bool alerted; /* the peer sent an alert in the clear */
	struct dtls_link link;
	SSL *ssl; /* NULL between attempts, and when all is done */
	uint8_t client_random[DTLS_RANDOM_LEN]; /* passive: of this attempt */
	size_t input;
	uint64_t deadline_ms;
	uint64_t attempt_ms; /* when this one began */
	uint64_t next_ms;    /* active, no SSL: when the next one begins */
	uint32_t retry_ms;   /* what the next wait is */
	uint64_t linger_ms;  /* until then */
	const char *reason;
	/* Of the certificate of a handshake that is done. */
	uint8_t digests[NHASHES][MEDIA_FINGERPRINT_MAX];
	struct media_fingerprint fingerprints[MEDIA_MAX_FINGERPRINTS];
	size_t nfingerprints;
};

int dtls_new(struct dtls **out, const struct dtls_cert *cert, bool active,
	     const struct dtls_handlers *handlers, void *arg)
{
	struct dtls *dtls = calloc(1, sizeof(*dtls));

	if (!dtls)
		return -ENOMEM;
	dtls->cert = cert;
	dtls->active = active;
	dtls->handlers = handlers;
	dtls->arg = arg;
	dtls->link.send = handlers->send;
	dtls->link.arg = arg;
	dtls->retry_ms = DTLS_RETRANSMIT_MS;
	dtls->reason = "";
	*out = dtls;
	return 0;
}

static void drop_ssl(struct dtls *dtls)
{
	SSL_free(dtls->ssl);
	dtls->ssl = NULL;
}

struct dtls *dtls_free(struct dtls *dtls)
{
	if (!dtls)
		return NULL;
	drop_ssl(dtls);
	free(dtls);
	return NULL;
}

const char *dtls_reason(const struct dtls *dtls)
{
	return dtls->reason;
}

static void fail(struct dtls *dtls, enum dtls_failure why)
{
	drop_ssl(dtls);
	dtls->state = DTLS_BROKEN;
	dtls->handlers->failed(why, dtls->arg);
}

/* The attempt is over: OpenSSL's object is of no use after an error. */
static void attempt_break(struct dtls *dtls, uint64_t now_ms)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	dtls->reason = reason ? reason : "broken handshake";
	ERR_clear_error();
	drop_ssl(dtls);
	dtls->next_ms = now_ms + dtls->retry_ms;
	if (dtls->retry_ms < DTLS_RETRANSMIT_MAX_MS)
		dtls->retry_ms *= 2;
}

static unsigned on_timer(SSL *ssl, unsigned last_us)
{
	unsigned next_us = last_us ? last_us * 2 : DTLS_RETRANSMIT_MS * 1000u;

	(void)ssl;
	return next_us < DTLS_RETRANSMIT_MAX_MS * 1000u
		       ? next_us
		       : DTLS_RETRANSMIT_MAX_MS * 1000u;
}

static bool attempt_begin(struct dtls *dtls, uint64_t now_ms)
{
	BIO *bio = dtls_bio_new(dtls_cert_bio_method(dtls->cert), &dtls->link);

	dtls->attempt_ms = now_ms;
	dtls->ssl =
		bio ? SSL_new(dtls_cert_ctx(dtls->cert, dtls->active)) : NULL;
	if (!dtls->ssl) {
		BIO_free(bio);
		attempt_break(dtls, now_ms);
		return false;
	}
	SSL_set_bio(dtls->ssl, bio, bio); /* owns it now */
	SSL_set_mtu(dtls->ssl, DTLS_MTU);
	DTLS_set_timer_cb(dtls->ssl, on_timer);
	if (dtls->active)
		SSL_set_connect_state(dtls->ssl);
	else
		SSL_set_accept_state(dtls->ssl);
	return true;
}

static bool keys_export(struct dtls *dtls, struct dtls_keys *out)
{
	const SRTP_PROTECTION_PROFILE *chosen =
		SSL_get_selected_srtp_profile(dtls->ssl);
	uint8_t material[EXPORT_MAX];

	*out = (struct dtls_keys){ .profile = SRTP_NONE };
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		if (chosen && profiles[i].id == chosen->id)
			out->profile = profiles[i].profile;
	size_t key = srtp_profile_key_len(out->profile);
	size_t salt = srtp_profile_salt_len(out->profile);
	if (!key || SSL_export_keying_material(
			    dtls->ssl, material, 2 * (key + salt), EXPORT_LABEL,
			    sizeof(EXPORT_LABEL) - 1, NULL, 0, 0) != 1)
		return false;
	/* Client's key, server's key, client's salt, server's salt. */
	uint8_t *client = dtls->active ? out->tx : out->rx;
	uint8_t *server = dtls->active ? out->rx : out->tx;
	memcpy(client, material, key);
	memcpy(server, material + key, key);
	memcpy(client + key, material + 2 * key, salt);
	memcpy(server + key, material + 2 * key + salt, salt);
	out->len = (uint8_t)(key + salt);
	explicit_bzero(material, sizeof(material));
	return true;
}

static const struct hash *hash_find(const struct media_fingerprint *f)
{
	for (size_t i = 0; i < NHASHES; i++)
		if (slice_is_nocase(slice_of(f->hash), hashes[i].name) &&
		    f->len == hashes[i].len)
			return &hashes[i];
	return NULL;
}

static bool any_matches(const struct dtls *dtls,
			const struct media_fingerprint *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct hash *hash = hash_find(&f[i]);
		if (hash && !memcmp(dtls->digests[hash - hashes], f[i].octets,
				    hash->len))
			return true;
	}
	return false;
}

static bool digest_peer(struct dtls *dtls)
{
	X509 *peer = SSL_get0_peer_certificate(dtls->ssl);

	for (size_t i = 0; i < NHASHES; i++)
		if (!peer || X509_digest(peer, hashes[i].md(), dtls->digests[i],
					 NULL) != 1)
			return false;
	return true;
}

/* The handshake is done: what remains is whose certificate it was. */
static void verify(struct dtls *dtls)
{
	struct dtls_keys keys;

	if (!dtls->nfingerprints)
		return;
	if (!any_matches(dtls, dtls->fingerprints, dtls->nfingerprints)) {
		dtls->reason = "fingerprint";
		fail(dtls, DTLS_FINGERPRINT);
		return;
	}
	if (!keys_export(dtls, &keys)) {
		ERR_clear_error();
		dtls->reason = "no common SRTP profile";
		fail(dtls, DTLS_FAILED);
		return;
	}
	dtls->state = DTLS_CONNECTED;
	/* The last flight is the server's: a client repeats nothing. */
	if (dtls->active)
		drop_ssl(dtls);
	dtls->handlers->connected(&keys, dtls->arg);
	explicit_bzero(&keys, sizeof(keys));
}

static void attempt_run(struct dtls *dtls, uint64_t now_ms)
{
	ERR_clear_error();
	int r = SSL_do_handshake(dtls->ssl);
	if (r != 1) {
		int error = SSL_get_error(dtls->ssl, r);
		if (error != SSL_ERROR_WANT_READ &&
		    error != SSL_ERROR_WANT_WRITE)
			attempt_break(dtls, now_ms);
		return;
	}
	if (!digest_peer(dtls)) {
		attempt_break(dtls, now_ms);
		return;
	}
	dtls->state = DTLS_VERIFY;
	dtls->linger_ms = now_ms + DTLS_LINGER_MS;
	verify(dtls);
}

int dtls_set_fingerprints(struct dtls *dtls, const struct media_fingerprint *f,
			  size_t n)
{
	struct media_fingerprint good[MEDIA_MAX_FINGERPRINTS];
	size_t ngood = 0;

	for (size_t i = 0; i < n && ngood < MEDIA_MAX_FINGERPRINTS; i++)
		if (hash_find(&f[i]))
			good[ngood++] = f[i];
	if (!ngood)
		return -EINVAL;
	if (dtls->state == DTLS_CONNECTED)
		return any_matches(dtls, good, ngood) ? 0 : DTLS_E_NEW;
	memcpy(dtls->fingerprints, good, ngood * sizeof(good[0]));
	dtls->nfingerprints = ngood;
	if (dtls->state == DTLS_VERIFY)
		verify(dtls);
	return 0;
}

void dtls_start(struct dtls *dtls, uint64_t now_ms)
{
	if (dtls->state != DTLS_NEW)
		return;
	dtls->state = DTLS_HANDSHAKE;
	dtls->deadline_ms = now_ms + DTLS_HANDSHAKE_MS;
	if (dtls->active && attempt_begin(dtls, now_ms))
		attempt_run(dtls, now_ms);
}

/*
 * A ClientHello on the passive side: the first of an attempt, a repetition, or
 * one of another handshake. The latter is the peer's next attempt, or forged:
 * it must not end an attempt that is going well, but may one that is stuck.
 */
static void hello(struct dtls *dtls, const uint8_t *random, uint64_t now_ms)
{
	if (dtls->ssl &&
	    (!memcmp(random, dtls->client_random, DTLS_RANDOM_LEN) ||
	     now_ms - dtls->attempt_ms < DTLS_STALE_MS))
		return;
	drop_ssl(dtls);
	memcpy(dtls->client_random, random, DTLS_RANDOM_LEN);
	if (!attempt_begin(dtls, now_ms))
		drop_ssl(dtls);
}

/* Whether the datagram is OpenSSL's to read. */
static bool admit(struct dtls *dtls, const uint8_t *p, size_t n,
		  uint64_t now_ms)
{
	struct dtls_datagram datagram;

	if (!dtls_datagram_decode(&datagram, p, n) ||
	    dtls->input + n > DTLS_MAX_INPUT)
		return false;
	dtls->input += n;
	/* Anybody can forge an alert in the clear; a true one means a peer that
	 * goes away or tries again. */
	if (datagram.type == DTLS_RECORD_ALERT && !datagram.epoch) {
		dtls->alerted = true;
		return false;
	}
	if (dtls->state != DTLS_HANDSHAKE)
		return dtls->ssl && datagram.epoch;
	if (!dtls->active && datagram.client_random) {
		hello(dtls, datagram.client_random, now_ms);
		return dtls->ssl &&
		       !memcmp(datagram.client_random, dtls->client_random,
			       DTLS_RANDOM_LEN);
	}
	return dtls->ssl;
}

/*
 * After the handshake OpenSSL answers a repeated Finished with the last flight.
 * Data and alerts are read and forgotten: call signalling ends a call.
 */
static void linger(struct dtls *dtls)
{
	uint8_t data[256];

	ERR_clear_error();
	while (SSL_read(dtls->ssl, data, sizeof(data)) > 0)
		;
	ERR_clear_error();
}

void dtls_recv(struct dtls *dtls, const uint8_t *p, size_t n, uint64_t now_ms)
{
	if (dtls->state == DTLS_NEW && !dtls->active)
		dtls_start(dtls, now_ms);
	if (dtls->state == DTLS_NEW || dtls->state == DTLS_BROKEN ||
	    !admit(dtls, p, n, now_ms))
		return;
	dtls->link.in = p;
	dtls->link.in_len = n;
	if (dtls->state == DTLS_HANDSHAKE)
		attempt_run(dtls, now_ms);
	else
		linger(dtls);
	dtls->link.in = NULL;
}

void dtls_settle(struct dtls *dtls)
{
	if (dtls->state == DTLS_CONNECTED && dtls->ssl)
		drop_ssl(dtls);
}

/* When OpenSSL wants to repeat its flight; UINT64_MAX: never. */
static uint64_t retransmit_at(const struct dtls *dtls, uint64_t now_ms)
{
	struct timeval left;

	if (!dtls->ssl || DTLSv1_get_timeout(dtls->ssl, &left) != 1)
		return UINT64_MAX;
	return now_ms + (uint64_t)left.tv_sec * 1000 +
	       ((uint64_t)left.tv_usec + 999) / 1000;
}

static void tick_handshake(struct dtls *dtls, uint64_t now_ms)
{
	if (!dtls->ssl) {
		if (dtls->active && now_ms >= dtls->next_ms &&
		    attempt_begin(dtls, now_ms))
			attempt_run(dtls, now_ms);
		return;
	}
	ERR_clear_error();
	if (DTLSv1_handle_timeout(dtls->ssl) < 0)
		attempt_break(dtls, now_ms);
}

static uint64_t tick_connected(struct dtls *dtls, uint64_t now_ms)
{
	if (dtls->ssl && now_ms >= dtls->linger_ms)
		drop_ssl(dtls);
	return dtls->ssl ? dtls->linger_ms : UINT64_MAX;
}

uint64_t dtls_tick(struct dtls *dtls, uint64_t now_ms)
{
	if (dtls->state == DTLS_CONNECTED)
		return tick_connected(dtls, now_ms);
	if (dtls->state != DTLS_HANDSHAKE && dtls->state != DTLS_VERIFY)
		return UINT64_MAX;
	if (now_ms >= dtls->deadline_ms) {
		fail(dtls, *dtls->reason || dtls->alerted ? DTLS_FAILED
							  : DTLS_TIMEOUT);
		return UINT64_MAX;
	}
	if (dtls->state == DTLS_VERIFY)
		return dtls->deadline_ms;
	tick_handshake(dtls, now_ms);
	uint64_t next = dtls->ssl      ? retransmit_at(dtls, now_ms)
			: dtls->active ? dtls->next_ms
				       : UINT64_MAX;
	return next < dtls->deadline_ms ? next : dtls->deadline_ms;
}
