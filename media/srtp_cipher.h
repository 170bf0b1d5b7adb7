/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The session keys of one direction's RTP or RTCP, on OpenSSL's EVP, ready to
 * be used packet after packet: contexts are keyed once, a packet sets only the
 * IV.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/srtp.h"
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

enum { SRTP_AEAD_TAG_LEN = 16 };

struct srtp_cipher;

/* @keys is borrowed until the call returns. 0, -ENOMEM. */
CHECKED int srtp_cipher_new(struct srtp_cipher **out,
			    const struct srtp_suite *suite,
			    const struct srtp_keys *keys, enum srtp_use use);
struct srtp_cipher *srtp_cipher_free(struct srtp_cipher *cipher);

/* Have it come into the cache. */
void srtp_cipher_near(const struct srtp_cipher *cipher);

/*
 * AES-CM, RFC 3711, 4.1.1: encrypts and decrypts, in place. @index is the
 * 48-bit index of RTP or the 31-bit one of RTCP. 0 or -EIO.
 */
CHECKED int srtp_cipher_ctr(struct srtp_cipher *cipher, uint32_t ssrc,
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
CHECKED int srtp_cipher_seal(struct srtp_cipher *cipher,
			     const struct srtp_aead *op);
/* 0, SRTP_E_AUTH (the data is not to be used), or -EIO. */
CHECKED int srtp_cipher_open(struct srtp_cipher *cipher,
			     const struct srtp_aead *op);
