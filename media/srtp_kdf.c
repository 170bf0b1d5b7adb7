/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Key derivation of SRTP; see the header. */
#include "media/srtp_kdf.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

enum { LABEL_AT = 7, IV_LEN = 16 };

int srtp_kdf(const struct srtp_master *master, enum srtp_label label,
	     uint8_t *out, size_t n)
{
	uint8_t iv[IV_LEN] = { 0 };
	int written = 0;

	if (master->salt_len > SRTP_SALT_MAX || n > INT32_MAX ||
	    (master->key_len != 16 && master->key_len != 32))
		return -EINVAL;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		return -ENOMEM;
	memcpy(iv, master->salt, master->salt_len);
	iv[LABEL_AT] ^= (uint8_t)label;
	memset(out, 0, n);
	bool ok = EVP_EncryptInit_ex(ctx,
				     master->key_len == 16 ? EVP_aes_128_ctr()
							   : EVP_aes_256_ctr(),
				     NULL, master->key, iv) == 1 &&
		  EVP_EncryptUpdate(ctx, out, &written, out, (int)n) == 1 &&
		  (size_t)written == n;
	EVP_CIPHER_CTX_free(ctx);
	explicit_bzero(iv, sizeof(iv));
	return ok ? 0 : -ENOMEM;
}

int srtp_keys_derive(struct srtp_keys *out, const struct srtp_master *master,
		     enum srtp_label key_label)
{
	bool rtp = key_label == SRTP_LABEL_RTP_KEY;

	*out = (struct srtp_keys){ 0 };
	int r = srtp_kdf(master, key_label, out->key, master->key_len);
	if (r)
		return r;
	r = srtp_kdf(master, rtp ? SRTP_LABEL_RTP_AUTH : SRTP_LABEL_RTCP_AUTH,
		     out->auth, sizeof(out->auth));
	if (r)
		return r;
	return srtp_kdf(master,
			rtp ? SRTP_LABEL_RTP_SALT : SRTP_LABEL_RTCP_SALT,
			out->salt, master->salt_len);
}
