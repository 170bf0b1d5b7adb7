/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One DTLS-SRTP association (RFC 5763, 5764) over datagrams that somebody else
 * carries: no I/O, the time is given. DTLS 1.2. Belongs to one thread.
 *
 * Only the fingerprint decides (RFC 8122): any certificate is taken in the
 * handshake, and none gives keys that was not signalled. Datagrams must come
 * from an address that ICE validated; a forged one may still disturb an
 * attempt, so a handshake that broke begins anew until the deadline
 * (CVE-2023-49786 and its kin), and neither alert in the clear, the peer's nor
 * ours, ends anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "media/desc.h"

enum {
	DTLS_RETRANSMIT_MS = 200,      /* first; doubles: clients wait for it */
	DTLS_RETRANSMIT_MAX_MS = 4000, /* last */
	DTLS_HANDSHAKE_MS = 30000,     /* deadline, from dtls_start() */
	DTLS_MAX_INPUT = 64 * 1024, /* octets of one association; then deaf */
	DTLS_MTU = 1200,            /* octets of one datagram we send */
	/* A ClientHello of another handshake replaces one this old. */
	DTLS_STALE_MS = 1000,
	/* So long the last flight is repeated for a peer that lost it. */
	DTLS_LINGER_MS = 10000,
};

enum dtls_outcome {
	/* The fingerprint is not that of the certificate that was verified:
	 * the peer wants a new association (RFC 8842, 4). */
	DTLS_E_NEW = 1,
};

struct dtls_cert; /* certificate and key, shared by all, read-only */
struct dtls;

enum dtls_failure {
	DTLS_FAILED,     /* the deadline passed, and attempts broke before */
	DTLS_TIMEOUT,    /* the deadline passed */
	DTLS_FINGERPRINT /* the certificate is not the signalled one */
};

struct dtls_keys {
	enum srtp_profile profile;
	uint8_t len; /* of each: master key, then salt */
	uint8_t tx[MEDIA_CRYPTO_KEY_MAX];
	uint8_t rx[MEDIA_CRYPTO_KEY_MAX];
};

/*
 * Called from inside the functions below; they must not free the association.
 * connected() or failed() is called once at most.
 */
struct dtls_handlers {
	void (*send)(const uint8_t *p, size_t n, void *arg);
	/* The handshake is done and the peer's certificate is the signalled
	 * one. @keys is borrowed and wiped afterwards. */
	void (*connected)(const struct dtls_keys *keys, void *arg);
	void (*failed)(enum dtls_failure why, void *arg);
};

/*
 * EC P-256, self-signed, read from @path or made and kept there (mode 0600,
 * never half written, never over an existing file). NULL: made, and kept
 * nowhere. *@out is owned by the caller and must outlive all associations.
 * 0, -errno, -EINVAL (what stands there is no certificate with its key).
 */
CHECKED int dtls_cert_open(struct dtls_cert **out, const char *path);
struct dtls_cert *dtls_cert_free(struct dtls_cert *cert);
DEFINE_AUTO(struct dtls_cert *, dtls_cert_free)
void dtls_cert_fingerprint(const struct dtls_cert *cert,
			   struct media_fingerprint *out); /* sha-256 */

/* *@out is owned by the caller. @handlers and @arg are borrowed for its
 * lifetime. 0 or -ENOMEM. */
CHECKED int dtls_new(struct dtls **out, const struct dtls_cert *cert,
		     bool active, const struct dtls_handlers *handlers,
		     void *arg);
struct dtls *dtls_free(struct dtls *dtls);
DEFINE_AUTO(struct dtls *, dtls_free)

/*
 * The peer's fingerprints: any one must match; sha-256, -384 and -512 count,
 * others are left out. They may come late: until then the handshake may run but
 * does not end in connected(). 0; -EINVAL: none that counts, nothing changes;
 * DTLS_E_NEW: connected, and none matches, nothing changes.
 */
CHECKED int dtls_set_fingerprints(struct dtls *dtls,
				  const struct media_fingerprint *f, size_t n);
/*
 * A pair is valid: the deadline begins to run, and the active side sends its
 * ClientHello. Does nothing when called again.
 */
void dtls_start(struct dtls *dtls, uint64_t now_ms);
/* What came; on the passive side this starts, too. */
void dtls_recv(struct dtls *dtls, const uint8_t *p, size_t n, uint64_t now_ms);
/*
 * An authentic SRTP packet came: the peer has our last flight, so that nothing
 * is kept for repeating it any more.
 */
void dtls_settle(struct dtls *dtls);
/* Do what is due; returns when to be called again, UINT64_MAX: never. */
uint64_t dtls_tick(struct dtls *dtls, uint64_t now_ms);

/* For the log: why the last attempt broke, "" when none did. Static text. */
const char *dtls_reason(const struct dtls *dtls);
