/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The neutral description's memory and its small tables: RFC 3551 (static
 * payload types), RFC 4568 and 7714 (SRTP names), RFC 8122 (fingerprints).
 */
#include "media/desc.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"

int media_desc_new(struct media_desc **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

struct media_desc *media_desc_free(struct media_desc *desc)
{
	if (!desc)
		return NULL;
	for (size_t i = 0; i < desc->ncontents; i++) {
		media_content_fini(desc->contents[i]);
		free(desc->contents[i]);
	}
	free(desc);
	return NULL;
}

/* An empty one, that is @desc's from now on. */
static int add_content(struct media_desc *desc, struct media_content **out)
{
	if (desc->ncontents == MEDIA_MAX_CONTENTS)
		return -E2BIG;
	struct media_content *content = calloc(1, sizeof(*content));
	if (!content)
		return -ENOMEM;
	desc->contents[desc->ncontents++] = content;
	*out = content;
	return 0;
}

int media_desc_add(struct media_desc *desc, struct media_content **out)
{
	int r = add_content(desc, out);

	if (!r)
		(*out)->dir = MEDIA_SENDRECV;
	return r;
}

int media_desc_copy(struct media_desc **out, const struct media_desc *src)
{
	AUTO(media_desc_freep) struct media_desc *copy = NULL;
	int r = media_desc_new(&copy);

	if (r)
		return r;
	for (size_t i = 0; i < src->ncontents; i++) {
		struct media_content *content;
		r = add_content(copy, &content);
		if (!r)
			r = media_content_copy(content, src->contents[i]);
		if (r)
			return r;
	}
	copy->bundle = src->bundle;
	*out = copy;
	copy = NULL;
	return 0;
}

struct media_content *media_desc_find(const struct media_desc *desc,
				      const char *mid)
{
	for (size_t i = 0; i < desc->ncontents; i++)
		if (!strcmp(desc->contents[i]->mid, mid))
			return desc->contents[i];
	return NULL;
}

struct media_content *media_desc_first(const struct media_desc *desc,
				       enum media_kind kind)
{
	for (size_t i = 0; i < desc->ncontents; i++) {
		struct media_content *content = desc->contents[i];
		if (content->kind == kind && !content->rejected)
			return content;
	}
	return NULL;
}

void media_content_fini(struct media_content *content)
{
	if (content->cryptos)
		explicit_bzero(content->cryptos,
			       MEDIA_MAX_CRYPTOS * sizeof(*content->cryptos));
	free(content->cryptos);
	free(content->cands);
	free(content->codecs);
	explicit_bzero(content, sizeof(*content));
}

int media_content_copy_cands(struct media_content *content,
			     const struct media_content *src)
{
	int r = 0;

	content->ncands = 0;
	for (size_t i = 0; !r && i < src->ncands; i++)
		r = media_content_add_cand(content, &src->cands[i]);
	return r;
}

int media_content_copy(struct media_content *out,
		       const struct media_content *src)
{
	*out = *src;
	out->codecs = NULL;
	out->cands = NULL;
	out->cryptos = NULL;
	out->ncodecs = out->ncryptos = 0;
	int r = media_content_copy_cands(out, src);
	for (size_t i = 0; !r && i < src->ncodecs; i++)
		r = media_content_add_codec(out, &src->codecs[i]);
	for (size_t i = 0; !r && i < src->ncryptos; i++)
		r = media_content_add_crypto(out, &src->cryptos[i]);
	if (r)
		media_content_fini(out);
	return r;
}

/*
 * @list with room for one more of @size octets behind its @n. Room doubles
 * when @n is a power of two, so that it needs no field of its own; a list that
 * was shortened has more than that. NULL: no memory, and @list is as it was.
 */
static void *with_room(void *list, size_t n, size_t size)
{
	return list && (n & (n - 1)) ? list
				     : realloc(list, (n ? n * 2 : 1) * size);
}

int media_content_add_codec(struct media_content *content,
			    const struct media_codec *codec)
{
	struct media_codec copy = *codec; /* it may be of this list */

	if (content->ncodecs == MEDIA_MAX_CODECS)
		return -E2BIG;
	struct media_codec *list =
		with_room(content->codecs, content->ncodecs, sizeof(*list));
	if (!list)
		return -ENOMEM;
	content->codecs = list;
	content->codecs[content->ncodecs++] = copy;
	return 0;
}

int media_content_add_cand(struct media_content *content,
			   const struct media_cand *cand)
{
	struct media_cand copy = *cand;

	if (content->ncands == MEDIA_MAX_CANDS)
		return -E2BIG;
	struct media_cand *list =
		with_room(content->cands, content->ncands, sizeof(*list));
	if (!list)
		return -ENOMEM;
	content->cands = list;
	content->cands[content->ncands++] = copy;
	return 0;
}

/* Keys: in one place, which is never left behind. */
int media_content_add_crypto(struct media_content *content,
			     const struct media_crypto *crypto)
{
	if (content->ncryptos == MEDIA_MAX_CRYPTOS)
		return -E2BIG;
	if (!content->cryptos)
		content->cryptos =
			calloc(MEDIA_MAX_CRYPTOS, sizeof(*content->cryptos));
	if (!content->cryptos)
		return -ENOMEM;
	content->cryptos[content->ncryptos++] = *crypto;
	return 0;
}

int media_content_add_fingerprint(struct media_content *content,
				  const struct media_fingerprint *fingerprint)
{
	if (content->nfingerprints == MEDIA_MAX_FINGERPRINTS)
		return -E2BIG;
	content->fingerprints[content->nfingerprints++] = *fingerprint;
	return 0;
}

int media_codec_static(struct media_codec *out, uint8_t pt)
{
	static const struct media_codec table[] = {
		{ 0, 1, 8000, "PCMU", "" },   { 3, 1, 8000, "GSM", "" },
		{ 4, 1, 8000, "G723", "" },   { 5, 1, 8000, "DVI4", "" },
		{ 6, 1, 16000, "DVI4", "" },  { 7, 1, 8000, "LPC", "" },
		{ 8, 1, 8000, "PCMA", "" },   { 9, 1, 8000, "G722", "" },
		{ 10, 2, 44100, "L16", "" },  { 11, 1, 44100, "L16", "" },
		{ 12, 1, 8000, "QCELP", "" }, { 13, 1, 8000, "CN", "" },
		{ 14, 1, 90000, "MPA", "" },  { 15, 1, 8000, "G728", "" },
		{ 16, 1, 11025, "DVI4", "" }, { 17, 1, 22050, "DVI4", "" },
		{ 18, 1, 8000, "G729", "" },  { 25, 1, 90000, "CelB", "" },
		{ 26, 1, 90000, "JPEG", "" }, { 28, 1, 90000, "nv", "" },
		{ 31, 1, 90000, "H261", "" }, { 32, 1, 90000, "MPV", "" },
		{ 33, 1, 90000, "MP2T", "" }, { 34, 1, 90000, "H263", "" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (table[i].pt == pt) {
			*out = table[i];
			return 0;
		}
	}
	return -ENOENT;
}

bool media_codec_same(const struct media_codec *a, const struct media_codec *b)
{
	if (strcasecmp(a->name, b->name) != 0 || a->clockrate != b->clockrate)
		return false;
	return a->channels == b->channels || !strcasecmp(a->name, "opus");
}

const struct media_codec *media_content_same(
	const struct media_content *content, const struct media_codec *codec)
{
	for (size_t i = 0; i < content->ncodecs; i++)
		if (media_codec_same(&content->codecs[i], codec))
			return &content->codecs[i];
	return NULL;
}

bool media_codec_is_event(const struct media_codec *codec)
{
	return !strcasecmp(codec->name, "telephone-event");
}

const struct media_codec *media_content_codec(const struct media_content *c,
					      uint8_t pt)
{
	for (size_t i = 0; i < c->ncodecs; i++)
		if (c->codecs[i].pt == pt)
			return &c->codecs[i];
	return NULL;
}

enum media_dir media_dir_reverse(enum media_dir dir)
{
	bool sends = dir & MEDIA_SENDONLY, receives = dir & MEDIA_RECVONLY;

	return (enum media_dir)((receives ? MEDIA_SENDONLY : 0) |
				(sends ? MEDIA_RECVONLY : 0));
}

bool media_profile_is_dtls(enum media_profile profile)
{
	return profile == MEDIA_DTLS_SAVP || profile == MEDIA_DTLS_SAVPF;
}

/* The index of @s in @names, some of which may be NULL; -EINVAL. */
static int find_name(const char *const names[], size_t n, struct slice s)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && slice_is_nocase(s, names[i]))
			return (int)i;
	return -EINVAL;
}

static const char *const cand_types[] = {
	[MEDIA_CAND_HOST] = "host",
	[MEDIA_CAND_SRFLX] = "srflx",
	[MEDIA_CAND_PRFLX] = "prflx",
	[MEDIA_CAND_RELAY] = "relay",
};
enum { NCAND_TYPES = sizeof(cand_types) / sizeof(*cand_types) };

const char *media_cand_type_name(enum media_cand_type type)
{
	return cand_types[type];
}

int media_cand_type_parse(enum media_cand_type *out, struct slice s)
{
	int i = find_name(cand_types, NCAND_TYPES, s);

	if (i < 0)
		return i;
	*out = (enum media_cand_type)i;
	return 0;
}

static const char *const setups[] = {
	[MEDIA_SETUP_NONE] = NULL,           [MEDIA_SETUP_ACTPASS] = "actpass",
	[MEDIA_SETUP_ACTIVE] = "active",     [MEDIA_SETUP_PASSIVE] = "passive",
	[MEDIA_SETUP_HOLDCONN] = "holdconn",
};
enum { NSETUPS = sizeof(setups) / sizeof(*setups) };

const char *media_setup_name(enum media_setup setup)
{
	return setups[setup];
}

int media_setup_parse(enum media_setup *out, struct slice s)
{
	int i = find_name(setups, NSETUPS, s);

	if (i < 0)
		return i;
	*out = (enum media_setup)i;
	return 0;
}

static const char *const srtp_names[SRTP_NPROFILES] = {
	[SRTP_NONE] = NULL,
	[SRTP_AES128_CM_SHA1_80] = "AES_CM_128_HMAC_SHA1_80",
	[SRTP_AES128_CM_SHA1_32] = "AES_CM_128_HMAC_SHA1_32",
	[SRTP_AEAD_AES_128_GCM] = "AEAD_AES_128_GCM",
	[SRTP_AEAD_AES_256_GCM] = "AEAD_AES_256_GCM",
};

const char *srtp_profile_name(enum srtp_profile profile)
{
	return srtp_names[profile];
}

int srtp_profile_parse(enum srtp_profile *out, struct slice s)
{
	int i = find_name(srtp_names, SRTP_NPROFILES, s);

	if (i < 0)
		return i;
	*out = (enum srtp_profile)i;
	return 0;
}

size_t srtp_profile_key_len(enum srtp_profile profile)
{
	static const size_t lens[SRTP_NPROFILES] = { 0, 16, 16, 16, 32 };

	return lens[profile];
}

size_t srtp_profile_salt_len(enum srtp_profile profile)
{
	static const size_t lens[SRTP_NPROFILES] = { 0, 14, 14, 12, 12 };

	return lens[profile];
}

/* Octets of a hash; 0: not one that we trust (RFC 8122, 5 and 7). */
static size_t hash_len(const char *hash)
{
	static const struct {
		const char *name;
		size_t len;
	} hashes[] = {
		{ "sha-256", 32 },
		{ "sha-384", 48 },
		{ "sha-512", 64 },
	};

	for (size_t i = 0; i < sizeof(hashes) / sizeof(*hashes); i++)
		if (!strcmp(hashes[i].name, hash))
			return hashes[i].len;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int parse_hex(struct media_fingerprint *out, struct slice hex)
{
	if (hex.n != out->len * 3u - 1)
		return -EINVAL;
	for (size_t i = 0; i < out->len; i++) {
		const char *p = hex.p + i * 3;
		int high = hex_digit(p[0]), low = hex_digit(p[1]);
		bool last = i + 1u == out->len;
		if (high < 0 || low < 0 || (!last && p[2] != ':'))
			return -EINVAL;
		out->octets[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int media_fingerprint_parse(struct media_fingerprint *out, struct slice hash,
			    struct slice hex)
{
	memset(out, 0, sizeof(*out));
	if (text_copy(out->hash, sizeof(out->hash), hash))
		return -ENOTSUP;
	for (char *p = out->hash; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	out->len = (uint8_t)hash_len(out->hash);
	if (!out->len)
		return -ENOTSUP;
	return parse_hex(out, hex);
}

struct media_fingerprint_text media_fingerprint_text(
	const struct media_fingerprint *f)
{
	static const char digits[] = "0123456789ABCDEF";
	struct media_fingerprint_text text = { "" };

	for (size_t i = 0; i < f->len; i++) {
		text.s[i * 3] = digits[f->octets[i] >> 4];
		text.s[i * 3 + 1] = digits[f->octets[i] & 15];
		text.s[i * 3 + 2] = i + 1u == f->len ? '\0' : ':';
	}
	return text;
}
