/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The session keys of one direction's RTP or RTCP, and what is done with them
 * on OpenSSL's EVP. There is one context a thread and algorithm, keyed anew for
 * each packet: that costs 60 ns, but a context of its own for each direction of
 * each call is 700 octets in three pages that have always gone cold.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/srtp.h"
#include "media/srtp_hmac.h"
#include "media/srtp_kdf.h"

/* What a profile consists of (RFC 3711, 5 and 8.2; RFC 5764, 4.1.2; RFC 7714).
 */
struct srtp_suite {
	uint8_t key_len, salt_len;
	uint8_t rtp_tag_len, rtcp_tag_len;
	bool aead;
};
/* NULL: no such profile. */
const struct srtp_suite *srtp_suite_find(enum srtp_profile profile);

enum { SRTP_AEAD_TAG_LEN = 16, SRTP_IV_LEN = 16 };

/* A plain value, as secret as the keys. Its fields are private. */
struct srtp_cipher {
	const struct srtp_suite *suite;
	enum srtp_use use;
	struct srtp_hmac hmac; /* not with AEAD */
	uint8_t key[SRTP_KEY_MAX];
	/* Zeros fill it up to the length of a counter-mode IV. */
	uint8_t salt[SRTP_IV_LEN];
};

/*
 * @keys is borrowed until the call returns. To be used on the thread that calls
 * this. 0, -ENOMEM.
 */
CHECKED int srtp_cipher_set_keys(struct srtp_cipher *out,
				 const struct srtp_suite *suite,
				 const struct srtp_keys *keys,
				 enum srtp_use use);

/* Keys are going: the contexts of this thread keep none of the last one used.
 */
void srtp_cipher_forget(void);

/*
 * AES-CM, RFC 3711, 4.1.1: encrypts and decrypts, in place. @index is the
 * 48-bit index of RTP or the 31-bit one of RTCP. 0 or -EIO.
 */
CHECKED int srtp_cipher_ctr(const struct srtp_cipher *cipher, uint32_t ssrc,
			    uint64_t index, uint8_t *p, size_t n);
/* The tag's first @tag_len octets, over @p and then @q. */
void srtp_cipher_tag(const struct srtp_cipher *cipher, const uint8_t *p,
		     size_t n, const uint8_t *q, size_t m, uint8_t *tag,
		     size_t tag_len);

/* One AES-GCM operation (RFC 7714, 8 and 9), in place. */
struct srtp_aead {
	uint32_t ssrc;
	uint64_t index;
	const uint8_t *aad;
	size_t aad_len;
	const uint8_t *more; /* associated data that follows; NULL: none */
	size_t more_len;
	uint8_t *data;
	size_t len;
	uint8_t *tag; /* SRTP_AEAD_TAG_LEN octets: written, or compared */
};
/* 0 or -EIO. */
CHECKED int srtp_cipher_seal(const struct srtp_cipher *cipher,
			     const struct srtp_aead *op);
/* 0, SRTP_E_AUTH (the data is not to be used), or -EIO. */
CHECKED int srtp_cipher_open(const struct srtp_cipher *cipher,
			     const struct srtp_aead *op);
