/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/xmpp_handshake.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "xmpp/stanza.h"

enum { SHA1_HEX_CAP = 41 };

static int sha1_hex(char out[static SHA1_HEX_CAP], const char *id,
		    const char *secret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned len = 0;
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) &&
		  EVP_DigestUpdate(ctx, id, strlen(id)) &&
		  EVP_DigestUpdate(ctx, secret, strlen(secret)) &&
		  EVP_DigestFinal_ex(ctx, digest, &len);

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return -ENOMEM;
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

int xmpp_handshake_new(struct stanza **out, const char *id, const char *secret)
{
	AUTO(stanza_freep) struct stanza *handshake = NULL;
	char hash[SHA1_HEX_CAP];
	int r = sha1_hex(hash, id, secret);

	if (!r)
		r = stanza_new(&handshake, "handshake", NULL);
	if (r)
		return r;
	stanza_add_text(handshake, hash);
	if (!stanza_ok(handshake))
		return -ENOMEM;
	*out = handshake;
	handshake = NULL;
	return 0;
}
