/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Secrets at rest: AES-256-GCM (NIST SP 800-38D) under a key in a file next to
 * the database, so that a copy of the database alone tells no SRTP key. Each
 * blob is nonce (12 octets), ciphertext, tag (16); the name of its column is
 * authenticated with it.
 *
 * An object is used by many threads after it was opened; it does not change.
 */
#pragma once

#include "db/db.h"

enum {
	SEAL_KEY_LEN = 32,
	SEAL_NONCE_LEN = 12,
	SEAL_TAG_LEN = 16,
	SEAL_MAX = SEAL_NONCE_LEN + DB_SECRET_MAX + SEAL_TAG_LEN,
	SEAL_TEXT_MAX = 1 << 16, /* octets */
};

enum seal_outcome {
	SEAL_E_AUTH = 1, /* another key, another column, or damaged */
};

struct seal;

/*
 * Read the key from @path, making it (0600) when it is not there. *@out is
 * owned by the caller: seal_free(). 0 or -errno (-EBADMSG: not a key).
 */
CHECKED int seal_open(struct seal **out, const char *path);
struct seal *seal_free(struct seal *seal);
DEFINE_AUTO(struct seal *, seal_free)

/* @blob holds *@n octets after it. 0 or -errno. */
CHECKED int seal_encode(const struct seal *seal, const char *column,
			const struct db_secret *secret, uint8_t blob[SEAL_MAX],
			size_t *n);
/* 0, SEAL_E_AUTH, or -errno. */
CHECKED int seal_decode(const struct seal *seal, const char *column,
			const uint8_t *blob, size_t n,
			struct db_secret *secret);

/* The same of a text, as Base64 of the blob. *@out is owned by the caller. 0,
 * -EMSGSIZE (SEAL_TEXT_MAX), -ENOMEM, -EIO. */
CHECKED int seal_encode_text(char **out, const struct seal *seal,
			     const char *column, const char *text);
/* 0, SEAL_E_AUTH, -ENOMEM. */
CHECKED int seal_decode_text(char **out, const struct seal *seal,
			     const char *column, const char *sealed);
