/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <openssl/evp.h>
#include <stdio.h>

#include "gateway/text/text_int.h"

/* RFC 9562, 5.8: a UUID of our own making, from a hash. */
static void format_uuid(char out[static RAND_UUID_CAP], unsigned char *octets)
{
	enum { VERSION = 6, VARIANT = 8, LEN = 16 };
	size_t at = 0;

	octets[VERSION] = (octets[VERSION] & 0x0f) | 0x80;
	octets[VARIANT] = (octets[VARIANT] & 0x3f) | 0x80;
	for (size_t i = 0; i < LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		snprintf(out + at, 3, "%02x", octets[i]);
		at += 2;
	}
}

void text_id(char out[static RAND_UUID_CAP], const char *key, const char *to,
	     const char *body)
{
	const char *const parts[] = { key, to, body };
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = *key && ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);

	/* with their ends, so that no two join into the same */
	for (size_t i = 0; ok && i < sizeof(parts) / sizeof(parts[0]); i++)
		ok = EVP_DigestUpdate(ctx, parts[i], strlen(parts[i]) + 1);
	if (ok && EVP_DigestFinal_ex(ctx, digest, NULL))
		format_uuid(out, digest);
	else
		rand_uuid(out);
	EVP_MD_CTX_free(ctx);
}
