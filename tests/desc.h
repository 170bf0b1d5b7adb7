/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Descriptions in tests: made at random from a seed, compared field by field,
 * read from tests/data.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "media/desc.h"
#include "tests/test.h"

/* What a spelling cannot say is not made. */
enum desc_spelling { DESC_AS_SDP, DESC_AS_JINGLE };

static inline void assert_same_addr(const struct addr *a, const struct addr *b)
{
	assert_string_equal(addr_is_set(a) ? addr_text(a).s : "",
			    addr_is_set(b) ? addr_text(b).s : "");
}

static inline void assert_same_codecs(const struct media_content *a,
				      const struct media_content *b)
{
	assert_int_equal(a->ncodecs, b->ncodecs);
	for (size_t i = 0; i < a->ncodecs; i++) {
		const struct media_codec *x = &a->codecs[i], *y = &b->codecs[i];
		assert_int_equal(x->pt, y->pt);
		assert_int_equal(x->channels, y->channels);
		assert_int_equal(x->clockrate, y->clockrate);
		assert_string_equal(x->name, y->name);
		assert_string_equal(x->fmtp, y->fmtp);
	}
}

static inline void assert_same_cands(const struct media_content *a,
				     const struct media_content *b)
{
	assert_int_equal(a->ncands, b->ncands);
	for (size_t i = 0; i < a->ncands; i++) {
		const struct media_cand *x = &a->cands[i], *y = &b->cands[i];
		assert_int_equal(x->type, y->type);
		assert_int_equal(x->component, y->component);
		assert_int_equal(x->generation, y->generation);
		assert_int_equal(x->priority, y->priority);
		assert_same_addr(&x->addr, &y->addr);
		assert_same_addr(&x->related, &y->related);
		assert_string_equal(x->foundation, y->foundation);
	}
}

static inline void assert_same_keys(const struct media_content *a,
				    const struct media_content *b)
{
	assert_int_equal(a->setup, b->setup);
	assert_int_equal(a->nfingerprints, b->nfingerprints);
	for (size_t i = 0; i < a->nfingerprints; i++) {
		const struct media_fingerprint *x = &a->fingerprints[i],
					       *y = &b->fingerprints[i];
		assert_string_equal(x->hash, y->hash);
		assert_string_equal(media_fingerprint_text(x).s,
				    media_fingerprint_text(y).s);
	}
	assert_int_equal(a->ncryptos, b->ncryptos);
	for (size_t i = 0; i < a->ncryptos; i++) {
		const struct media_crypto *x = &a->cryptos[i],
					  *y = &b->cryptos[i];
		assert_int_equal(x->tag, y->tag);
		assert_int_equal(x->profile, y->profile);
		assert_int_equal(x->key_len, y->key_len);
		assert_memory_equal(x->key, y->key, x->key_len);
	}
}

static inline void assert_same_content(const struct media_content *a,
				       const struct media_content *b)
{
	assert_string_equal(a->mid, b->mid);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->profile, b->profile);
	assert_int_equal(a->dir, b->dir);
	assert_int_equal(a->rejected, b->rejected);
	assert_int_equal(a->rtcp_mux, b->rtcp_mux);
	assert_string_equal(a->other_media, b->other_media);
	assert_string_equal(a->other_profile, b->other_profile);
	assert_string_equal(a->other_format, b->other_format);
	assert_same_codecs(a, b);
	assert_int_equal(a->ptime_ms, b->ptime_ms);
	assert_int_equal(a->maxptime_ms, b->maxptime_ms);
	assert_same_addr(&a->rtp, &b->rtp);
	assert_same_addr(&a->rtcp, &b->rtcp);
	assert_string_equal(a->ufrag, b->ufrag);
	assert_string_equal(a->pwd, b->pwd);
	assert_int_equal(a->ice_lite, b->ice_lite);
	assert_int_equal(a->end_of_candidates, b->end_of_candidates);
	assert_same_cands(a, b);
	assert_same_keys(a, b);
}

static inline void assert_same_desc(const struct media_desc *a,
				    const struct media_desc *b)
{
	assert_int_equal(a->ncontents, b->ncontents);
	assert_int_equal(a->bundle, b->bundle);
	for (size_t i = 0; i < a->ncontents; i++)
		assert_same_content(a->contents[i], b->contents[i]);
}

/* A generator of numbers (Knuth's LCG), so that a failure can be repeated. */
struct dice {
	uint64_t state;
};

static inline unsigned roll(struct dice *dice, unsigned sides)
{
	dice->state = dice->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice->state >> 33) % sides;
}

static inline void roll_text(struct dice *dice, char *out, size_t cap,
			     size_t min)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+";
	size_t n = min + roll(dice, (unsigned)(cap - min));

	for (size_t i = 0; i < n; i++)
		out[i] = chars[roll(dice, sizeof(chars) - 1)];
	out[n] = '\0';
}

static inline struct addr roll_addr(struct dice *dice)
{
	struct addr a;
	char text[64];

	if (roll(dice, 2))
		snprintf(text, sizeof(text), "%u.%u.%u.%u", 1 + roll(dice, 223),
			 roll(dice, 256), roll(dice, 256), roll(dice, 256));
	else
		snprintf(text, sizeof(text), "2001:db8::%x",
			 1 + roll(dice, 65535));
	assert_int_equal(addr_parse(&a, slice_of(text),
				    (uint16_t)(10 + roll(dice, 65526))),
			 0);
	return a;
}

static inline void roll_codecs(struct dice *dice, struct media_content *content)
{
	static const struct media_codec some[] = {
		{ 0, 1, 8000, "PCMU", "" },
		{ 8, 1, 8000, "PCMA", "" },
		{ 9, 1, 8000, "G722", "" },
		{ 111, 2, 48000, "opus", "minptime=10;useinbandfec=1" },
		{ 112, 1, 16000, "speex", "" },
		{ 101, 1, 8000, "telephone-event", "0-16" },
		{ 110, 1, 48000, "telephone-event", "" },
	};
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		if (!i || roll(dice, 2))
			assert_int_equal(
				media_content_add_codec(content, &some[i]), 0);
	if (roll(dice, 3) == 0)
		content->ptime_ms = (uint16_t)(10 * (1 + roll(dice, 6)));
	if (roll(dice, 3) == 0)
		content->maxptime_ms = 60;
}

static inline void roll_cands(struct dice *dice, struct media_content *content)
{
	unsigned n = roll(dice, MEDIA_MAX_CANDS + 1);

	for (unsigned i = 0; i < n; i++) {
		struct media_cand cand = {
			.type = (enum media_cand_type)roll(dice, 4),
			.component = (uint8_t)(1 + roll(dice, 2)),
			.generation = (uint8_t)roll(dice, 3),
			.priority = roll(dice, 1u << 31),
			.addr = roll_addr(dice),
		};
		if (cand.type != MEDIA_CAND_HOST)
			cand.related = roll_addr(dice);
		snprintf(cand.foundation, sizeof(cand.foundation), "%u",
			 roll(dice, 1u << 31));
		assert_int_equal(media_content_add_cand(content, &cand), 0);
	}
}

static inline void roll_dtls(struct dice *dice, struct media_content *content)
{
	struct media_fingerprint f = { "sha-256", 32, { 0 } };

	content->setup =
		(enum media_setup)(1 + roll(dice, MEDIA_SETUP_PASSIVE));
	for (unsigned i = 1 + roll(dice, MEDIA_MAX_FINGERPRINTS); i; i--) {
		for (size_t k = 0; k < f.len; k++)
			f.octets[k] = (uint8_t)roll(dice, 256);
		assert_int_equal(media_content_add_fingerprint(content, &f), 0);
	}
}

static inline void roll_cryptos(struct dice *dice,
				struct media_content *content)
{
	for (unsigned i = roll(dice, MEDIA_MAX_CRYPTOS + 1); i; i--) {
		struct media_crypto crypto = {
			.tag = i,
			.profile = (enum srtp_profile)(
				1 + roll(dice, SRTP_NPROFILES - 1)),
		};
		crypto.key_len =
			(uint8_t)(srtp_profile_key_len(crypto.profile) +
				  srtp_profile_salt_len(crypto.profile));
		for (size_t k = 0; k < crypto.key_len; k++)
			crypto.key[k] = (uint8_t)roll(dice, 256);
		assert_int_equal(media_content_add_crypto(content, &crypto), 0);
	}
}

static inline void roll_ice(struct dice *dice, struct media_content *content)
{
	roll_text(dice, content->ufrag, sizeof(content->ufrag), 4);
	roll_text(dice, content->pwd, sizeof(content->pwd), 22);
	roll_cands(dice, content);
	content->end_of_candidates = roll(dice, 2);
}

static inline void roll_sdp(struct dice *dice, struct media_content *content)
{
	content->profile = (enum media_profile)roll(dice, MEDIA_PROFILE_OTHER);
	content->rejected = roll(dice, 6) == 0;
	if (content->rejected)
		return;
	content->rtcp_mux = roll(dice, 2);
	if (roll(dice, 4))
		content->rtp = roll_addr(dice);
	if (roll(dice, 2))
		content->rtcp = roll_addr(dice);
	if (roll(dice, 2))
		roll_ice(dice, content);
	if (roll(dice, 2))
		roll_dtls(dice, content);
	roll_cryptos(dice, content);
}

static inline void roll_jingle(struct dice *dice, struct media_content *content)
{
	content->profile = MEDIA_DTLS_SAVPF;
	content->rtcp_mux = roll(dice, 2);
	roll_ice(dice, content);
	content->end_of_candidates = false;
	if (roll(dice, 4))
		roll_dtls(dice, content);
	else
		content->profile = MEDIA_RTP_AVP;
	for (size_t i = 0; i < content->ncodecs; i++)
		if (media_codec_is_event(&content->codecs[i]))
			content->codecs[i].fmtp[0] = '\0';
}

/* A description that @spelling can say; owned by the caller. */
static inline struct media_desc *random_desc(uint64_t seed,
					     enum desc_spelling spelling)
{
	struct dice dice = { seed };
	struct media_desc *desc = NULL;
	struct media_content *content;

	assert_int_equal(media_desc_new(&desc), 0);
	for (unsigned i = 1 + roll(&dice, MEDIA_USED_CONTENTS); i; i--) {
		assert_int_equal(media_desc_add(desc, &content), 0);
		snprintf(content->mid, sizeof(content->mid), "mid-%u", i);
		content->kind = roll(&dice, 3) ? MEDIA_AUDIO : MEDIA_VIDEO;
		content->dir = (enum media_dir)roll(&dice, 4);
		roll_codecs(&dice, content);
		if (spelling == DESC_AS_SDP)
			roll_sdp(&dice, content);
		else
			roll_jingle(&dice, content);
		desc->bundle |= !content->rejected;
	}
	desc->bundle &= roll(&dice, 2);
	return desc;
}

/* The whole of tests/data/@name; owned by the caller, NUL-terminated. */
static inline char *read_data(const char *name)
{
	char path[256], *text = calloc(1, 1 << 16);
	FILE *f;

	assert_non_null(text);
	snprintf(path, sizeof(path), "tests/data/%s", name);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	return text;
}
