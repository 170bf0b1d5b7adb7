/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* RFC 7616, 3.4; RFC 8760, 2.7; without qop RFC 2069. */
#include "sip/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"

enum {
	HEX_CAP = 2 * EVP_MAX_MD_SIZE + 1,
	PARTS_MAX = 8,
};

struct hex {
	char s[HEX_CAP];
};

/* The hash of @parts joined by colons, in hex. */
static int hash(struct hex *out, enum sip_digest_hash kind,
		const char *const *parts)
{
	const EVP_MD *md = kind == SIP_DIGEST_MD5      ? EVP_md5()
			   : kind == SIP_DIGEST_SHA256 ? EVP_sha256()
						       : EVP_sha512_256();
	unsigned char octets[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned len = 0;
	int ok;

	if (!ctx)
		return -ENOMEM;
	ok = EVP_DigestInit_ex(ctx, md, NULL);
	for (size_t i = 0; ok && parts[i]; i++) {
		if (i)
			ok = EVP_DigestUpdate(ctx, ":", 1);
		ok = ok && EVP_DigestUpdate(ctx, parts[i], strlen(parts[i]));
	}
	ok = ok && EVP_DigestFinal_ex(ctx, octets, &len);
	EVP_MD_CTX_free(ctx);
	for (unsigned i = 0; i < len; i++)
		snprintf(out->s + 2 * i, 3, "%02x", octets[i]);
	explicit_bzero(octets, sizeof(octets));
	return ok ? 0 : -ENOTSUP;
}

/* Unquote @value: quotes stripped, backslashes undone. */
static int unquote(char *dst, size_t cap, struct slice value)
{
	size_t n = 0;

	if (value.n < 2 || *value.p != '"')
		return text_copy(dst, cap, value);
	for (size_t i = 1; i + 1 < value.n; i++) {
		if (value.p[i] == '\\' && i + 2 < value.n)
			i++;
		if (n + 1 >= cap)
			return -EMSGSIZE;
		dst[n++] = value.p[i];
	}
	dst[n] = '\0';
	return 0;
}

static const char *const algorithms[][2] = {
	[SIP_DIGEST_MD5] = { "MD5", "MD5-sess" },
	[SIP_DIGEST_SHA256] = { "SHA-256", "SHA-256-sess" },
	[SIP_DIGEST_SHA512_256] = { "SHA-512-256", "SHA-512-256-sess" },
};

static int read_algorithm(struct sip_challenge *out, const char *name)
{
	enum { N = 2 * sizeof(algorithms) / sizeof(*algorithms) };

	for (unsigned i = 0; i < N; i++) {
		if (strcasecmp(name, algorithms[i / 2][i % 2]))
			continue;
		out->hash = (enum sip_digest_hash)(i / 2);
		out->session = i % 2;
		out->has_algorithm = true;
		return 0;
	}
	return SIP_E_NO_CHALLENGE;
}

static int read_qop(struct sip_challenge *out, const char *list)
{
	struct slice rest = slice_of(list);

	while (rest.n)
		if (slice_is_nocase(slice_trim(slice_cut(&rest, ',')), "auth"))
			out->qop = true;
	/* auth-int alone covers the body; nobody asks for it. */
	return out->qop || !*list ? 0 : SIP_E_NO_CHALLENGE;
}

static int read_param(struct sip_challenge *out, struct slice param)
{
	char value[SIP_NONCE_CAP];
	struct slice rest = param;
	struct slice name = slice_trim(slice_cut(&rest, '='));
	int r = unquote(value, sizeof(value), slice_trim(rest));

	if (r)
		return -EINVAL;
	if (slice_is_nocase(name, "realm"))
		return text_set(out->realm, sizeof(out->realm), value);
	if (slice_is_nocase(name, "nonce"))
		return text_set(out->nonce, sizeof(out->nonce), value);
	if (slice_is_nocase(name, "opaque")) {
		out->has_opaque = true;
		return text_set(out->opaque, sizeof(out->opaque), value);
	}
	if (slice_is_nocase(name, "stale"))
		out->stale = !strcasecmp(value, "true");
	if (slice_is_nocase(name, "algorithm"))
		return read_algorithm(out, value);
	if (slice_is_nocase(name, "qop"))
		return read_qop(out, value);
	return 0;
}

int sip_challenge_parse(struct sip_challenge *out, const char *scheme,
			const char *const *params)
{
	*out = (struct sip_challenge){ .hash = SIP_DIGEST_MD5 };
	if (!scheme || strcasecmp(scheme, "Digest"))
		return SIP_E_NO_CHALLENGE;
	for (; params && *params; params++) {
		int r = read_param(out, slice_of(*params));

		if (r)
			return r < 0 ? -EINVAL : r;
	}
	return out->nonce[0] ? 0 : -EINVAL;
}

bool sip_challenge_is_for(const struct sip_challenge *challenge,
			  const struct sip_digest_account *account)
{
	if (!account || !account->username || !*account->username)
		return false;
	return !account->realm || !*account->realm ||
	       !strcmp(account->realm, challenge->realm);
}

/* As it goes between quotes. */
static int quote(char *dst, size_t cap, const char *text)
{
	size_t n = 0;

	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return -EINVAL;
		if (n + 3 > cap)
			return -EMSGSIZE;
		if (*text == '"' || *text == '\\')
			dst[n++] = '\\';
		dst[n++] = *text;
	}
	dst[n] = '\0';
	return 0;
}

static int respond(struct hex *out, const struct sip_challenge *c,
		   const struct sip_digest_account *account, const char *method,
		   const char *uri, const char *cnonce)
{
	struct hex ha1, ha2;
	const char *a1[] = { account->username, c->realm, account->password,
			     NULL };
	const char *a2[] = { method, uri, NULL };
	int r = hash(&ha1, c->hash, a1);

	if (!r && c->session) {
		struct hex secret = ha1;
		const char *sess[] = { secret.s, c->nonce, cnonce, NULL };

		r = hash(&ha1, c->hash, sess);
		explicit_bzero(&secret, sizeof(secret));
	}
	if (!r)
		r = hash(&ha2, c->hash, a2);
	const char *with_qop[PARTS_MAX] = { ha1.s,  c->nonce, "00000001",
					    cnonce, "auth",   ha2.s };
	const char *without[PARTS_MAX] = { ha1.s, c->nonce, ha2.s };

	if (!r)
		r = hash(out, c->hash, c->qop ? with_qop : without);
	explicit_bzero(&ha1, sizeof(ha1));
	return r;
}

int sip_credentials_format(char out[static SIP_CREDENTIALS_CAP],
			   const struct sip_challenge *c,
			   const struct sip_digest_account *account,
			   const char *method, const char *uri,
			   const char *cnonce)
{
	char user[SIP_REALM_CAP], realm[2 * SIP_REALM_CAP];
	char nonce[SIP_NONCE_CAP + 8], opaque[SIP_NONCE_CAP + 8];
	char extra[SIP_NONCE_CAP + 128] = "";
	char alg[32] = "", qop[128] = "", opq[SIP_NONCE_CAP + 32] = "";
	struct hex response;
	int r = quote(user, sizeof(user), account->username);

	if (!r)
		r = quote(realm, sizeof(realm), c->realm);
	if (!r)
		r = quote(nonce, sizeof(nonce), c->nonce);
	if (!r)
		r = quote(opaque, sizeof(opaque), c->opaque);
	if (!r)
		r = respond(&response, c, account, method, uri, cnonce);
	if (!r && c->has_algorithm)
		r = text_format(alg, sizeof(alg), ", algorithm=%s",
				algorithms[c->hash][c->session]);
	if (!r && c->has_opaque)
		r = text_format(opq, sizeof(opq), ", opaque=\"%s\"", opaque);
	if (!r && (c->qop || c->session))
		r = text_format(qop, sizeof(qop), ", cnonce=\"%s\"%s", cnonce,
				c->qop ? ", qop=auth, nc=00000001" : "");
	if (!r)
		r = text_format(extra, sizeof(extra), "%s%s%s", alg, opq, qop);
	if (r)
		return r;
	return text_format(out, SIP_CREDENTIALS_CAP,
			   "Digest username=\"%s\", realm=\"%s\", "
			   "nonce=\"%s\", uri=\"%s\", response=\"%s\"%s",
			   user, realm, nonce, uri, response.s, extra);
}
