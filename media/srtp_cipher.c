/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Session keys of SRTP on OpenSSL's EVP; see the header. */
#include "media/srtp_cipher.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "gateway/base/cursor.h"

enum {
	IV_GCM_LEN = 12,
	KEYSTREAM_LEN = 16 * SRTP_IV_LEN, /* made at a time: 20 ms of G.711 */
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

/*
 * The contexts of a thread, made when it first sets a key. A packet does not
 * look whether they are there.
 */
enum algorithm { AES_128, AES_128_GCM, AES_256_GCM, NALGORITHMS };

static _Thread_local struct contexts {
	EVP_CIPHER_CTX *v[NALGORITHMS];
} contexts;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit;
static bool has_at_exit;

/* When the thread ends; that of main() ends with the process. */
static void free_contexts(void *arg)
{
	struct contexts *c = arg;

	for (int i = 0; i < NALGORITHMS; i++) {
		EVP_CIPHER_CTX_free(c->v[i]);
		c->v[i] = NULL;
	}
}

static void make_key(void)
{
	has_at_exit = !pthread_key_create(&at_exit, free_contexts);
}

static enum algorithm algorithm_of(const struct srtp_suite *suite)
{
	if (!suite->aead)
		return AES_128;
	return suite->key_len == 16 ? AES_128_GCM : AES_256_GCM;
}

static int make_context(enum algorithm algorithm)
{
	EVP_CIPHER_CTX *ctx;
	static const EVP_CIPHER *(*const ciphers[])(void) = {
		/* The counters of counter mode are made here. */
		[AES_128] = EVP_aes_128_ecb,
		[AES_128_GCM] = EVP_aes_128_gcm,
		[AES_256_GCM] = EVP_aes_256_gcm,
	};

	if (contexts.v[algorithm])
		return 0;
	pthread_once(&once, make_key);
	if (!has_at_exit || pthread_setspecific(at_exit, &contexts))
		return -ENOMEM;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || EVP_CipherInit_ex(ctx, ciphers[algorithm](), NULL, NULL,
				      NULL, 1) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return -ENOMEM;
	}
	contexts.v[algorithm] = ctx;
	return 0;
}

int srtp_cipher_set_keys(struct srtp_cipher *out,
			 const struct srtp_suite *suite,
			 const struct srtp_keys *keys, enum srtp_use use)
{
	int r = make_context(algorithm_of(suite));

	if (r)
		return r;
	*out = (struct srtp_cipher){ .suite = suite, .use = use };
	memcpy(out->key, keys->key, suite->key_len);
	memcpy(out->salt, keys->salt, suite->salt_len);
	return suite->aead ? 0
			   : srtp_hmac_init(&out->hmac, keys->auth,
					    sizeof(keys->auth));
}

void srtp_cipher_forget(void)
{
	static const uint8_t none[SRTP_KEY_MAX], iv[SRTP_IV_LEN];

	for (int i = 0; i < NALGORITHMS; i++)
		if (contexts.v[i])
			(void)EVP_CipherInit_ex(contexts.v[i], NULL, NULL, none,
						iv, -1);
}

/* XOR @n octets of @v, in network order, into the IV from octet @at. */
static void iv_xor(uint8_t *iv, size_t at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		iv[at + i] ^= (uint8_t)(v >> 8 * (n - 1 - i));
}

/* In words as long as can be had: octet by octet takes longer than AES. */
static void xor_octets(uint8_t *p, const uint8_t *q, size_t n)
{
	uint64_t a, b;
	size_t at = 0;

	for (; at + sizeof(a) <= n; at += sizeof(a)) {
		memcpy(&a, p + at, sizeof(a));
		memcpy(&b, q + at, sizeof(b));
		a ^= b;
		memcpy(p + at, &a, sizeof(a));
	}
	for (; at < n; at++)
		p[at] ^= q[at];
}

/* @n octets at @p, from the @block-th of the counter on. */
static int keystream_xor(EVP_CIPHER_CTX *ctx, const uint8_t iv[SRTP_IV_LEN],
			 size_t block, uint8_t *p, size_t n)
{
	uint8_t stream[KEYSTREAM_LEN] = { 0 };
	size_t blocks = (n + SRTP_IV_LEN - 1) / SRTP_IV_LEN;
	int written = 0;

	for (size_t i = 0; i < blocks; i++) {
		uint8_t *counter = stream + i * SRTP_IV_LEN;

		memcpy(counter, iv, SRTP_IV_LEN);
		iv_xor(counter, SRTP_IV_LEN - 2, block + i, 2);
	}
	if (EVP_EncryptUpdate(ctx, stream, &written, stream,
			      (int)(blocks * SRTP_IV_LEN)) != 1 ||
	    (size_t)written != blocks * SRTP_IV_LEN)
		return -EIO;
	xor_octets(p, stream, n);
	return 0;
}

int srtp_cipher_ctr(const struct srtp_cipher *cipher, uint32_t ssrc,
		    uint64_t index, uint8_t *p, size_t n)
{
	EVP_CIPHER_CTX *ctx = contexts.v[AES_128];
	uint8_t iv[SRTP_IV_LEN];

	memcpy(iv, cipher->salt, sizeof(iv));
	iv_xor(iv, 4, ssrc, 4);
	iv_xor(iv, 8, index, 6);
	/* It encrypts in both directions. */
	if (EVP_EncryptInit_ex(ctx, NULL, NULL, cipher->key, NULL) != 1)
		return -EIO;
	for (size_t at = 0; at < n; at += KEYSTREAM_LEN) {
		size_t left = n - at < KEYSTREAM_LEN ? n - at : KEYSTREAM_LEN;

		if (keystream_xor(ctx, iv, at / SRTP_IV_LEN, p + at, left))
			return -EIO;
	}
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

static bool aead_begin(const struct srtp_cipher *cipher, EVP_CIPHER_CTX *ctx,
		       const struct srtp_aead *op)
{
	uint8_t iv[IV_GCM_LEN];
	int skip = 0;

	memcpy(iv, cipher->salt, sizeof(iv));
	iv_xor(iv, 2, op->ssrc, 4);
	iv_xor(iv, 6, op->index, 6);
	return EVP_CipherInit_ex(ctx, NULL, NULL, cipher->key, iv,
				 cipher->use == SRTP_PROTECT) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &skip, op->aad, (int)op->aad_len) ==
		       1 &&
	       (!op->more || EVP_CipherUpdate(ctx, NULL, &skip, op->more,
					      (int)op->more_len) == 1);
}

static bool aead_data(EVP_CIPHER_CTX *ctx, const struct srtp_aead *op)
{
	int written = 0;

	return !op->len || EVP_CipherUpdate(ctx, op->data, &written, op->data,
					    (int)op->len) == 1;
}

int srtp_cipher_seal(const struct srtp_cipher *cipher,
		     const struct srtp_aead *op)
{
	EVP_CIPHER_CTX *ctx = contexts.v[algorithm_of(cipher->suite)];
	uint8_t none[SRTP_AEAD_TAG_LEN];
	int written = 0;

	if (!aead_begin(cipher, ctx, op) || !aead_data(ctx, op) ||
	    EVP_CipherFinal_ex(ctx, none, &written) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SRTP_AEAD_TAG_LEN,
				op->tag) != 1)
		return -EIO;
	return 0;
}

int srtp_cipher_open(const struct srtp_cipher *cipher,
		     const struct srtp_aead *op)
{
	EVP_CIPHER_CTX *ctx = contexts.v[algorithm_of(cipher->suite)];
	uint8_t none[SRTP_AEAD_TAG_LEN];
	int written = 0;

	if (!aead_begin(cipher, ctx, op) || !aead_data(ctx, op) ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SRTP_AEAD_TAG_LEN,
				op->tag) != 1)
		return -EIO;
	return EVP_CipherFinal_ex(ctx, none, &written) == 1 ? 0 : SRTP_E_AUTH;
}
