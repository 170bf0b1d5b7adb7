/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/seal.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/base64.h"
#include "gateway/base/rand.h"

struct seal {
	uint8_t key[SEAL_KEY_LEN];
};

static int write_key(int fd, const uint8_t *key)
{
	ssize_t n = write(fd, key, SEAL_KEY_LEN);

	if (n != SEAL_KEY_LEN)
		return n < 0 ? -errno : -EIO;
	return fsync(fd) ? -errno : 0;
}

/* A new key is on disk before anything is sealed with it. */
static int make_key(const char *path, uint8_t *key)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	rand_bytes(key, SEAL_KEY_LEN);
	int r = write_key(fd, key);
	close(fd);
	if (r)
		unlink(path);
	return r;
}

static int read_key(const char *path, uint8_t *key)
{
	uint8_t octets[SEAL_KEY_LEN + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, octets, sizeof(octets));
	int r = n < 0 ? -errno : n == SEAL_KEY_LEN ? 0 : -EBADMSG;
	close(fd);
	if (!r)
		memcpy(key, octets, SEAL_KEY_LEN);
	explicit_bzero(octets, sizeof(octets));
	return r;
}

int seal_open(struct seal **out, const char *path)
{
	AUTO(seal_freep) struct seal *seal = calloc(1, sizeof(*seal));

	if (!seal)
		return -ENOMEM;
	int r = read_key(path, seal->key);
	if (r == -ENOENT)
		r = make_key(path, seal->key);
	if (r)
		return r;
	*out = seal;
	seal = NULL;
	return 0;
}

struct seal *seal_free(struct seal *seal)
{
	if (seal) {
		explicit_bzero(seal, sizeof(*seal));
		free(seal);
	}
	return NULL;
}

static void free_cipher(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
}

/* @blob has room for SEAL_NONCE_LEN + @n + SEAL_TAG_LEN. 0 or -errno. */
static int encode(const struct seal *seal, const char *column,
		  const void *octets, size_t n, uint8_t *blob)
{
	AUTO(free_cipher) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *text = blob + SEAL_NONCE_LEN;
	int len = (int)n, got = 0, rest = 0;

	if (!ctx)
		return -ENOMEM;
	rand_bytes(blob, SEAL_NONCE_LEN);
	bool ok = EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key,
				     blob) &&
		  EVP_EncryptUpdate(ctx, NULL, &got, (const uint8_t *)column,
				    (int)strlen(column)) &&
		  EVP_EncryptUpdate(ctx, text, &got, octets, len) &&
		  EVP_EncryptFinal_ex(ctx, text + got, &rest) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_LEN,
				      text + len);
	return ok ? 0 : -EIO;
}

/* @n - SEAL_NONCE_LEN - SEAL_TAG_LEN octets into @out. 0, SEAL_E_AUTH,
 * -ENOMEM. */
static int decode(const struct seal *seal, const char *column,
		  const uint8_t *blob, size_t n, uint8_t *out)
{
	AUTO(free_cipher) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t len = n - SEAL_NONCE_LEN - SEAL_TAG_LEN;
	uint8_t tag[SEAL_TAG_LEN];
	int got = 0, rest = 0;

	if (!ctx)
		return -ENOMEM;
	memcpy(tag, blob + n - SEAL_TAG_LEN, SEAL_TAG_LEN);
	bool ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key,
				     blob) &&
		  EVP_DecryptUpdate(ctx, NULL, &got, (const uint8_t *)column,
				    (int)strlen(column)) &&
		  EVP_DecryptUpdate(ctx, out, &got, blob + SEAL_NONCE_LEN,
				    (int)len) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_LEN,
				      tag) &&
		  EVP_DecryptFinal_ex(ctx, out + got, &rest) > 0;
	if (!ok)
		explicit_bzero(out, len);
	return ok ? 0 : SEAL_E_AUTH;
}

int seal_encode(const struct seal *seal, const char *column,
		const struct db_secret *secret, uint8_t blob[SEAL_MAX],
		size_t *n)
{
	if (secret->n > DB_SECRET_MAX)
		return -EMSGSIZE;
	*n = SEAL_NONCE_LEN + secret->n + SEAL_TAG_LEN;
	return encode(seal, column, secret->octets, secret->n, blob);
}

int seal_decode(const struct seal *seal, const char *column,
		const uint8_t *blob, size_t n, struct db_secret *secret)
{
	memset(secret, 0, sizeof(*secret));
	if (n < SEAL_NONCE_LEN + SEAL_TAG_LEN || n > SEAL_MAX)
		return SEAL_E_AUTH;
	int r = decode(seal, column, blob, n, secret->octets);
	if (!r)
		secret->n = n - SEAL_NONCE_LEN - SEAL_TAG_LEN;
	return r;
}

int seal_encode_text(char **out, const struct seal *seal, const char *column,
		     const char *text)
{
	size_t len = strlen(text), n = SEAL_NONCE_LEN + len + SEAL_TAG_LEN;

	if (len > SEAL_TEXT_MAX)
		return -EMSGSIZE;
	uint8_t *blob = malloc(n);
	char *sealed = malloc(BASE64_CAP(n));
	int r = blob && sealed ? encode(seal, column, text, len, blob)
			       : -ENOMEM;
	if (!r)
		base64_encode(sealed, blob, n);
	free(blob);
	if (r)
		free(sealed);
	else
		*out = sealed;
	return r;
}

int seal_decode_text(char **out, const struct seal *seal, const char *column,
		     const char *sealed)
{
	size_t cap = strlen(sealed) + 1, n = cap;
	uint8_t *blob = malloc(cap);
	char *text = calloc(1, cap);
	int r = blob && text ? 0 : -ENOMEM;

	if (!r && (base64_decode(blob, &n, slice_of(sealed)) ||
		   n < SEAL_NONCE_LEN + SEAL_TAG_LEN))
		r = SEAL_E_AUTH;
	if (!r)
		r = decode(seal, column, blob, n, (uint8_t *)text);
	free(blob);
	if (r)
		free(text);
	else
		*out = text;
	return r;
}
