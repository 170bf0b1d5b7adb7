/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Answers to 401 and 407 (RFC 7616, RFC 8760): MD5, SHA-256 and
 * SHA-512-256, also as -sess,
 * with qop=auth or none. Not sofia's: that one hands the password in clear to
 * whoever asks for Basic, and fails where SHA-256 is offered.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

enum {
	SIP_REALM_CAP = 256,
	SIP_NONCE_CAP = 512,
	SIP_CREDENTIALS_CAP = 2048,
};

enum sip_digest_outcome {
	SIP_E_NO_CHALLENGE = 1, /* none that we can or may answer */
};

enum sip_digest_hash {
	SIP_DIGEST_MD5,
	SIP_DIGEST_SHA256,
	SIP_DIGEST_SHA512_256, /* SHA-512 cut to 256 bits (FIPS 180-4) */
};

struct sip_challenge {
	enum sip_digest_hash hash;
	bool session; /* -sess */
	bool qop;     /* qop=auth */
	bool has_opaque, has_algorithm;
	bool stale;
	char realm[SIP_REALM_CAP];
	char nonce[SIP_NONCE_CAP];
	char opaque[SIP_NONCE_CAP];
};

/* Borrowed by who answers: a trunk's. */
struct sip_digest_account {
	const char *username, *password;
	const char *realm; /* "": any */
};

/*
 * One challenge: its scheme, and its parameters as "name=value" strings, NULL
 * at the end. 0, SIP_E_NO_CHALLENGE (another scheme, algorithm or qop), or
 * -EINVAL.
 */
CHECKED int sip_challenge_parse(struct sip_challenge *out, const char *scheme,
				const char *const *params);

/* Whether @account may answer: it has credentials, and for this realm. */
bool sip_challenge_is_for(const struct sip_challenge *challenge,
			  const struct sip_digest_account *account);

/*
 * The value of Authorization or Proxy-Authorization. @cnonce is fresh for each
 * answer; the nonce count is always 1. 0, -EMSGSIZE, -EINVAL (a quote or
 * control character in the username), -ENOTSUP (no such hash).
 */
CHECKED int sip_credentials_format(char out[static SIP_CREDENTIALS_CAP],
				   const struct sip_challenge *challenge,
				   const struct sip_digest_account *account,
				   const char *method, const char *uri,
				   const char *cnonce);
