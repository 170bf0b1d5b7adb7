/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One DTLS-SRTP association (RFC 5763, 5764) over datagrams that somebody else
 * carries: no I/O, the time is given. DTLS 1.2. Belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "media/desc.h"

enum {
	DTLS_RETRANSMIT_MS = 200,   /* first; doubles (facts: clients wait) */
	DTLS_HANDSHAKE_MS = 30000,  /* deadline */
	DTLS_MAX_INPUT = 64 * 1024, /* octets of one handshake */
};

struct dtls_cert; /* certificate and key, shared by all, read-only */
struct dtls;

enum dtls_failure { DTLS_FAILED, DTLS_TIMEOUT, DTLS_FINGERPRINT };

struct dtls_keys {
	enum srtp_profile profile;
	uint8_t len; /* of each: master key, then salt */
	uint8_t tx[MEDIA_CRYPTO_KEY_MAX];
	uint8_t rx[MEDIA_CRYPTO_KEY_MAX];
};

struct dtls_handlers {
	void (*send)(const uint8_t *p, size_t n, void *arg);
	/* The handshake is done and the peer's certificate is the signalled
	 * one. @keys is borrowed and wiped afterwards. */
	void (*connected)(const struct dtls_keys *keys, void *arg);
	void (*failed)(enum dtls_failure why, void *arg);
};

/* EC P-256, self-signed, read from @path or made and kept there (mode 0600). */
CHECKED int dtls_cert_open(struct dtls_cert **out, const char *path);
struct dtls_cert *dtls_cert_free(struct dtls_cert *cert);
void dtls_cert_fingerprint(const struct dtls_cert *cert,
			   struct media_fingerprint *out); /* sha-256 */

/*
 * @fingerprints of the peer (any one must match; sha-256, -384, -512 count) may
 * be given later, dtls_set_fingerprints(); until then the handshake may run but
 * does not end in connected().
 */
CHECKED int dtls_new(struct dtls **out, const struct dtls_cert *cert,
		     bool active, const struct dtls_handlers *handlers,
		     void *arg);
struct dtls *dtls_free(struct dtls *dtls);
DEFINE_AUTO(struct dtls *, dtls_free)

CHECKED int dtls_set_fingerprints(struct dtls *dtls,
				  const struct media_fingerprint *f, size_t n);
/* The active side sends its ClientHello now. */
void dtls_start(struct dtls *dtls, uint64_t now_ms);
void dtls_recv(struct dtls *dtls, const uint8_t *p, size_t n, uint64_t now_ms);
/* Do what is due; returns when to be called again, UINT64_MAX: never. */
uint64_t dtls_tick(struct dtls *dtls, uint64_t now_ms);
