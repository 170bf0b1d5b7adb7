/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/desc.h"

#include <string.h>

#include "tests/fail_alloc.h"
#include "tests/test.h"

static void contents_are_added_up_to_the_limit(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *content = NULL;

	assert_int_equal(media_desc_new(&desc), 0);
	for (int i = 0; i < MEDIA_MAX_CONTENTS; i++)
		assert_int_equal(media_desc_add(desc, &content), 0);
	assert_int_equal(content->dir, MEDIA_SENDRECV);
	assert_int_equal(media_desc_add(desc, &content), -E2BIG);
}

static void tables_of_a_content_are_bounded(void **state)
{
	(void)state;
	AUTO(media_content_fini) struct media_content content = { 0 };
	const struct media_codec codec = { .pt = 0 };
	const struct media_cand cand = { .component = 1 };
	const struct media_crypto crypto = { .tag = 1 };
	const struct media_fingerprint fingerprint = { .len = 32 };

	for (int i = 0; i < MEDIA_MAX_CODECS; i++)
		assert_int_equal(media_content_add_codec(&content, &codec), 0);
	assert_int_equal(media_content_add_codec(&content, &codec), -E2BIG);
	for (int i = 0; i < MEDIA_MAX_CANDS; i++)
		assert_int_equal(media_content_add_cand(&content, &cand), 0);
	assert_int_equal(media_content_add_cand(&content, &cand), -E2BIG);
	for (int i = 0; i < MEDIA_MAX_CRYPTOS; i++)
		assert_int_equal(media_content_add_crypto(&content, &crypto),
				 0);
	assert_int_equal(media_content_add_crypto(&content, &crypto), -E2BIG);
	for (int i = 0; i < MEDIA_MAX_FINGERPRINTS; i++)
		assert_int_equal(
			media_content_add_fingerprint(&content, &fingerprint),
			0);
	assert_int_equal(media_content_add_fingerprint(&content, &fingerprint),
			 -E2BIG);
}

static void contents_are_found_by_mid_and_kind(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *refused, *audio;

	assert_int_equal(media_desc_new(&desc), 0);
	assert_int_equal(media_desc_add(desc, &refused), 0);
	assert_int_equal(media_desc_add(desc, &audio), 0);
	refused->rejected = true;
	strncpy(audio->mid, "a", sizeof(audio->mid) - 1);
	assert_ptr_equal(media_desc_find(desc, "a"), audio);
	assert_null(media_desc_find(desc, "b"));
	assert_ptr_equal(media_desc_first(desc, MEDIA_AUDIO), audio);
	assert_null(media_desc_first(desc, MEDIA_VIDEO));
}

/* Three of each: lists that have grown twice. */
static int fill(struct media_content *content)
{
	int r = 0;

	for (unsigned i = 0; !r && i < 3; i++) {
		const struct media_codec codec = { .pt = (uint8_t)(96 + i) };
		const struct media_cand cand = { .priority = i };
		const struct media_crypto crypto = { .tag = i };

		r = media_content_add_codec(content, &codec);
		if (!r)
			r = media_content_add_cand(content, &cand);
		if (!r)
			r = media_content_add_crypto(content, &crypto);
	}
	return r;
}

static int copy_of_two(struct media_desc **out)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *content;
	int r = media_desc_new(&desc);

	if (!r)
		r = media_desc_add(desc, &content);
	if (!r)
		r = media_desc_add(desc, &content);
	if (r)
		return r;
	content->ptime_ms = 30;
	desc->bundle = true;
	r = fill(content);
	return r ? r : media_desc_copy(out, desc);
}

static void a_copy_is_deep_and_memory_may_run_out(void **state)
{
	(void)state;
	struct media_desc *copy = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, copy_of_two(&copy))
	{
		assert_int_equal(copy->ncontents, 2);
		assert_int_equal(copy->contents[1]->ptime_ms, 30);
		assert_true(copy->bundle);
		const struct media_content *content = copy->contents[1];
		assert_int_equal(content->ncodecs, 3);
		assert_int_equal(content->ncands, 3);
		assert_int_equal(content->ncryptos, 3);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(content->codecs[i].pt, 96 + i);
			assert_int_equal(content->cands[i].priority, i);
			assert_int_equal(content->cryptos[i].tag, i);
		}
		copy = media_desc_free(copy);
	}
}

static void a_list_that_was_shortened_grows_again(void **state)
{
	(void)state;
	AUTO(media_content_fini) struct media_content content = { 0 };

	for (uint8_t kept = 0; kept <= MEDIA_MAX_CODECS; kept++) {
		content.ncodecs =
			content.ncodecs < kept ? content.ncodecs : kept;
		for (size_t i = content.ncodecs; i < MEDIA_MAX_CODECS; i++) {
			const struct media_codec codec = { .pt = (uint8_t)i };
			assert_int_equal(
				media_content_add_codec(&content, &codec), 0);
		}
		for (size_t i = 0; i < MEDIA_MAX_CODECS; i++)
			assert_int_equal(content.codecs[i].pt, i);
	}
	/* One of its own may be added while it moves. */
	content.ncodecs = 1;
	assert_int_equal(media_content_add_codec(&content, &content.codecs[0]),
			 0);
	assert_int_equal(content.codecs[1].pt, 0);
}

static void candidates_take_the_place_of_others(void **state)
{
	(void)state;
	AUTO(media_content_fini) struct media_content a = { 0 };
	AUTO(media_content_fini) struct media_content b = { 0 };

	assert_int_equal(fill(&a), 0);
	assert_int_equal(media_content_add_cand(&b, &a.cands[2]), 0);
	assert_int_equal(media_content_copy_cands(&a, &b), 0);
	assert_int_equal(a.ncands, 1);
	assert_int_equal(a.cands[0].priority, 2);
	assert_int_equal(
		media_content_copy_cands(&b, &(struct media_content){ 0 }), 0);
	assert_int_equal(b.ncands, 0);
}

static void static_payload_types_have_a_name(void **state)
{
	(void)state;
	struct media_codec codec, other = { .channels = 1 };

	assert_int_equal(media_codec_static(&codec, 9), 0);
	assert_string_equal(codec.name, "G722");
	assert_int_equal(codec.clockrate, 8000); /* RFC 3551, 4.5.2 */
	assert_int_equal(media_codec_static(&codec, 96), -ENOENT);
	assert_int_equal(media_codec_static(&codec, 0), 0);
	strncpy(other.name, "pcmu", sizeof(other.name) - 1);
	assert_false(media_codec_same(&codec, &other));
	other.clockrate = 8000;
	assert_true(media_codec_same(&codec, &other));
	other.channels = 2;
	assert_false(media_codec_same(&codec, &other));
}

static void opus_is_one_codec_mono_or_stereo(void **state)
{
	(void)state;
	const struct media_codec mono = { 96, 1, 48000, "OPUS", "" },
				 stereo = { 111, 2, 48000, "opus", "" };

	assert_true(media_codec_same(&mono, &stereo));
}

static void directions_turn_round(void **state)
{
	(void)state;
	assert_int_equal(media_dir_reverse(MEDIA_SENDONLY), MEDIA_RECVONLY);
	assert_int_equal(media_dir_reverse(MEDIA_RECVONLY), MEDIA_SENDONLY);
	assert_int_equal(media_dir_reverse(MEDIA_SENDRECV), MEDIA_SENDRECV);
	assert_int_equal(media_dir_reverse(MEDIA_INACTIVE), MEDIA_INACTIVE);
}

static void names_and_their_values_agree(void **state)
{
	(void)state;
	for (int i = MEDIA_CAND_HOST; i <= MEDIA_CAND_RELAY; i++) {
		enum media_cand_type type;
		const char *name =
			media_cand_type_name((enum media_cand_type)i);
		assert_int_equal(media_cand_type_parse(&type, slice_of(name)),
				 0);
		assert_int_equal(type, i);
	}
	for (int i = MEDIA_SETUP_ACTPASS; i <= MEDIA_SETUP_HOLDCONN; i++) {
		enum media_setup setup;
		const char *name = media_setup_name((enum media_setup)i);
		assert_int_equal(media_setup_parse(&setup, slice_of(name)), 0);
		assert_int_equal(setup, i);
	}
	for (int i = SRTP_NONE + 1; i < SRTP_NPROFILES; i++) {
		enum srtp_profile profile;
		const char *name = srtp_profile_name((enum srtp_profile)i);
		assert_int_equal(srtp_profile_parse(&profile, slice_of(name)),
				 0);
		assert_int_equal(profile, i);
		size_t n = srtp_profile_key_len(profile) +
			   srtp_profile_salt_len(profile);
		assert_true(n && n <= MEDIA_CRYPTO_KEY_MAX);
	}
	enum media_setup setup;
	enum media_cand_type type;
	enum srtp_profile profile;
	assert_int_equal(media_setup_parse(&setup, SLICE_NONE), -EINVAL);
	assert_int_equal(media_cand_type_parse(&type, slice_of("hos")),
			 -EINVAL);
	assert_int_equal(srtp_profile_parse(&profile, slice_of("F8_128_HMAC_"
							       "SHA1_80")),
			 -EINVAL);
}

#define HEX_8  "00:1A:2b:3C:4D:5E:6F:70"
#define HEX_32 HEX_8 ":" HEX_8 ":" HEX_8 ":" HEX_8

static int parse(struct media_fingerprint *f, const char *hash, const char *hex)
{
	return media_fingerprint_parse(f, slice_of(hash), slice_of(hex));
}

static void a_fingerprint_is_read_and_written(void **state)
{
	(void)state;
	struct media_fingerprint f;

	assert_int_equal(parse(&f, "SHA-256", HEX_32), 0);
	assert_string_equal(f.hash, "sha-256");
	assert_int_equal(f.len, 32);
	assert_int_equal(f.octets[2], 0x2b);
	struct media_fingerprint_text text = media_fingerprint_text(&f);
	assert_int_equal(strlen(text.s), 95);
	assert_memory_equal(text.s, "00:1A:2B:3C:", 12);
	assert_int_equal(parse(&f, "sha-512", HEX_32 ":" HEX_32), 0);
	assert_int_equal(strlen(media_fingerprint_text(&f).s), 191);
}

static void a_fingerprint_that_proves_nothing_is_refused(void **state)
{
	(void)state;
	struct media_fingerprint f;

	assert_int_equal(parse(&f, "sha-256", HEX_8), -EINVAL);
	assert_int_equal(parse(&f, "sha-256", HEX_32 ":"), -EINVAL);
	assert_int_equal(parse(&f, "sha-256", HEX_32 ":00"), -EINVAL);
	assert_int_equal(parse(&f, "sha-256",
			       "0G"
			       ":1A:2b:3C:4D:5E:6F:70:" HEX_8 ":" HEX_8
			       ":" HEX_8),
			 -EINVAL);
	assert_int_equal(parse(&f, "sha-256",
			       "00-1A:2b:3C:4D:5E:6F:70:" HEX_8 ":" HEX_8
			       ":" HEX_8),
			 -EINVAL);
	assert_int_equal(parse(&f, "sha-256", ""), -EINVAL);
	assert_int_equal(parse(&f, "sha-1", HEX_8), -ENOTSUP);
	assert_int_equal(parse(&f, "md5", HEX_8), -ENOTSUP);
	assert_int_equal(parse(&f, "sha-2560000000000", HEX_32), -ENOTSUP);
	assert_int_equal(parse(&f, "", ""), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_are_added_up_to_the_limit),
		cmocka_unit_test(tables_of_a_content_are_bounded),
		cmocka_unit_test(contents_are_found_by_mid_and_kind),
		cmocka_unit_test(a_copy_is_deep_and_memory_may_run_out),
		cmocka_unit_test(a_list_that_was_shortened_grows_again),
		cmocka_unit_test(candidates_take_the_place_of_others),
		cmocka_unit_test(static_payload_types_have_a_name),
		cmocka_unit_test(opus_is_one_codec_mono_or_stereo),
		cmocka_unit_test(directions_turn_round),
		cmocka_unit_test(names_and_their_values_agree),
		cmocka_unit_test(a_fingerprint_is_read_and_written),
		cmocka_unit_test(a_fingerprint_that_proves_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
