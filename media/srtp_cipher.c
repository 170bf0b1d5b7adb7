/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Session keys of SRTP on OpenSSL's EVP; see the header. */
#include "media/srtp_cipher.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/cache.h"
#include "gateway/base/cursor.h"
#include "media/srtp_hmac.h"

enum {
	IV_CM_LEN = 16,
	IV_GCM_LEN = 12,
};

struct srtp_cipher {
	EVP_CIPHER_CTX *ctx;
	struct srtp_hmac hmac; /* not with AEAD */
	/* Zeros fill it up to the length of a counter-mode IV. */
	uint8_t salt[IV_CM_LEN];
};

/* SRTCP keeps the long tag with the 32-bit profile (RFC 3711, 5.2). */
static const struct srtp_suite suites[SRTP_NPROFILES] = {
	[SRTP_AES128_CM_SHA1_80] = { 16, 14, 10, 10, false },
	[SRTP_AES128_CM_SHA1_32] = { 16, 14, 4, 10, false },
	[SRTP_AEAD_AES_128_GCM] = { 16, 12, SRTP_AEAD_TAG_LEN,
				    SRTP_AEAD_TAG_LEN, true },
	[SRTP_AEAD_AES_256_GCM] = { 32, 12, SRTP_AEAD_TAG_LEN,
				    SRTP_AEAD_TAG_LEN, true },
};

const struct srtp_suite *srtp_suite_find(enum srtp_profile profile)
{
	if ((unsigned)profile >= SRTP_NPROFILES || !suites[profile].key_len)
		return NULL;
	return &suites[profile];
}

static const EVP_CIPHER *cipher_of(const struct srtp_suite *suite)
{
	if (!suite->aead)
		return EVP_aes_128_ctr();
	return suite->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
}

static int set_keys(struct srtp_cipher *cipher, const struct srtp_suite *suite,
		    const struct srtp_keys *keys, enum srtp_use use)
{
	/* Counter mode encrypts in both directions. */
	int encrypt = !suite->aead || use == SRTP_PROTECT;

	cipher->ctx = EVP_CIPHER_CTX_new();
	if (!cipher->ctx ||
	    EVP_CipherInit_ex(cipher->ctx, cipher_of(suite), NULL, keys->key,
			      NULL, encrypt) != 1)
		return -ENOMEM;
	memcpy(cipher->salt, keys->salt, suite->salt_len);
	return suite->aead ? 0
			   : srtp_hmac_init(&cipher->hmac, keys->auth,
					    sizeof(keys->auth));
}

int srtp_cipher_new(struct srtp_cipher **out, const struct srtp_suite *suite,
		    const struct srtp_keys *keys, enum srtp_use use)
{
	struct srtp_cipher *cipher = calloc(1, sizeof(*cipher));

	if (!cipher)
		return -ENOMEM;
	int r = set_keys(cipher, suite, keys, use);
	if (r) {
		srtp_cipher_free(cipher);
		return r;
	}
	*out = cipher;
	return 0;
}

struct srtp_cipher *srtp_cipher_free(struct srtp_cipher *cipher)
{
	if (!cipher)
		return NULL;
	EVP_CIPHER_CTX_free(cipher->ctx);
	explicit_bzero(cipher, sizeof(*cipher));
	free(cipher);
	return NULL;
}

void srtp_cipher_near(const struct srtp_cipher *cipher)
{
	cache_near(cipher, sizeof(*cipher));
}

/* XOR @n octets of @v, in network order, into the IV from octet @at. */
static void iv_xor(uint8_t *iv, size_t at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		iv[at + i] ^= (uint8_t)(v >> 8 * (n - 1 - i));
}

int srtp_cipher_ctr(struct srtp_cipher *cipher, uint32_t ssrc, uint64_t index,
		    uint8_t *p, size_t n)
{
	uint8_t iv[IV_CM_LEN];
	int written = 0;

	if (!n)
		return 0;
	memcpy(iv, cipher->salt, sizeof(iv));
	iv_xor(iv, 4, ssrc, 4);
	iv_xor(iv, 8, index, 6);
	if (EVP_EncryptInit_ex(cipher->ctx, NULL, NULL, NULL, iv) != 1 ||
	    EVP_EncryptUpdate(cipher->ctx, p, &written, p, (int)n) != 1 ||
	    (size_t)written != n)
		return -EIO;
	return 0;
}

void srtp_cipher_tag(const struct srtp_cipher *cipher, const uint8_t *p,
		     size_t n, const uint8_t *q, size_t m, uint8_t *tag,
		     size_t tag_len)
{
	uint8_t sum[SRTP_HMAC_LEN];

	srtp_hmac_sum(&cipher->hmac, p, n, q, m, sum);
	memcpy(tag, sum, tag_len);
}

static bool aead_begin(struct srtp_cipher *cipher, const struct srtp_aead *op)
{
	uint8_t iv[IV_GCM_LEN];
	int skip = 0;

	memcpy(iv, cipher->salt, sizeof(iv));
	iv_xor(iv, 2, op->ssrc, 4);
	iv_xor(iv, 6, op->index, 6);
	return EVP_CipherInit_ex(cipher->ctx, NULL, NULL, NULL, iv, -1) == 1 &&
	       EVP_CipherUpdate(cipher->ctx, NULL, &skip, op->aad,
				(int)op->aad_len) == 1 &&
	       (!op->more ||
		EVP_CipherUpdate(cipher->ctx, NULL, &skip, op->more,
				 (int)op->more_len) == 1);
}

static bool aead_data(struct srtp_cipher *cipher, const struct srtp_aead *op)
{
	int written = 0;

	return !op->len || EVP_CipherUpdate(cipher->ctx, op->data, &written,
					    op->data, (int)op->len) == 1;
}

int srtp_cipher_seal(struct srtp_cipher *cipher, const struct srtp_aead *op)
{
	uint8_t none[SRTP_AEAD_TAG_LEN];
	int written = 0;

	if (!aead_begin(cipher, op) || !aead_data(cipher, op) ||
	    EVP_CipherFinal_ex(cipher->ctx, none, &written) != 1 ||
	    EVP_CIPHER_CTX_ctrl(cipher->ctx, EVP_CTRL_AEAD_GET_TAG,
				SRTP_AEAD_TAG_LEN, op->tag) != 1)
		return -EIO;
	return 0;
}

int srtp_cipher_open(struct srtp_cipher *cipher, const struct srtp_aead *op)
{
	uint8_t none[SRTP_AEAD_TAG_LEN];
	int written = 0;

	if (!aead_begin(cipher, op) || !aead_data(cipher, op) ||
	    EVP_CIPHER_CTX_ctrl(cipher->ctx, EVP_CTRL_AEAD_SET_TAG,
				SRTP_AEAD_TAG_LEN, op->tag) != 1)
		return -EIO;
	return EVP_CipherFinal_ex(cipher->ctx, none, &written) == 1
		       ? 0
		       : SRTP_E_AUTH;
}
