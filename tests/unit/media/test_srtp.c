/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SRTP against the test vectors of RFC 3711 (appendix B) and RFC 7714 (sections
 * 16 and 17), and what the vectors do not say: indices, limits, restore.
 */
#include "tests/fail_alloc.h"
#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "media/srtp.h"
#include "media/srtp_cipher.h"
#include "media/srtp_kdf.h"

enum { CAP = 256, SSRC = 0x11223344 };

static const uint8_t key80[46] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

static size_t unhex(uint8_t *out, const char *hex)
{
	size_t n = 0;
	unsigned v;

	for (; *hex; hex += 2) {
		while (*hex == ' ')
			hex++;
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

static void assert_hex(const uint8_t *p, size_t n, const char *hex)
{
	uint8_t want[CAP];

	assert_int_equal(n, unhex(want, hex));
	assert_memory_equal(p, want, n);
}

static struct srtp *open_with(enum srtp_use use, enum srtp_profile profile,
			      size_t key_len)
{
	struct srtp *srtp = NULL;
	uint8_t key[46] = { 7, 7, 7 };

	assert_int_equal(srtp_evp.new(&srtp, use, profile, key, key_len), 0);
	return srtp;
}

static size_t make_rtp(uint8_t *p, uint32_t ssrc, uint16_t seq)
{
	const uint8_t hdr[12] = { 0x80,
				  0,
				  (uint8_t)(seq >> 8),
				  (uint8_t)seq,
				  0,
				  0,
				  0,
				  1,
				  (uint8_t)(ssrc >> 24),
				  (uint8_t)(ssrc >> 16),
				  (uint8_t)(ssrc >> 8),
				  (uint8_t)ssrc };

	memcpy(p, hdr, sizeof(hdr));
	memset(p + sizeof(hdr), 0x5a, 160);
	return sizeof(hdr) + 160;
}

static int send_rtp(struct srtp *srtp, uint32_t ssrc, uint16_t seq)
{
	uint8_t p[CAP];
	size_t n = make_rtp(p, ssrc, seq);

	return srtp_evp.rtp(srtp, p, &n, sizeof(p));
}

static size_t make_rtcp(uint8_t *p, uint32_t ssrc)
{
	size_t n = make_rtp(p, ssrc, 7);

	p[1] = 201;
	memmove(p + 4, p + 8, 4);
	return n;
}

static void key_derivation_gives_the_keys_of_rfc_3711_b_3(void **state)
{
	(void)state;
	uint8_t key[16], salt[14], out[94];

	unhex(key, "E1F97A0D3E018BE0D64FA32C06DE4139");
	unhex(salt, "0EC675AD498AFEEBB6960B3AABE6");
	const struct srtp_master master = { key, 16, salt, 14 };
	assert_int_equal(srtp_kdf(&master, SRTP_LABEL_RTP_KEY, out, 16), 0);
	assert_hex(out, 16, "C61E7A93744F39EE10734AFE3FF7A087");
	assert_int_equal(srtp_kdf(&master, SRTP_LABEL_RTP_SALT, out, 14), 0);
	assert_hex(out, 14, "30CBBC08863D8C85D49DB34A9AE1");
	assert_int_equal(srtp_kdf(&master, SRTP_LABEL_RTP_AUTH, out, 94), 0);
	assert_hex(out, 94,
		   "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6"
		   "CDBCEE049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C"
		   "5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F3"
		   "4DB60DBDFB2");
}

static void a_short_auth_key_is_the_head_of_a_long_one(void **state)
{
	(void)state;
	uint8_t key[32] = { 5 }, salt[12] = { 6 }, a[20], b[94];
	const struct srtp_master master = { key, 32, salt, 12 };

	assert_int_equal(srtp_kdf(&master, SRTP_LABEL_RTP_AUTH, a, 20), 0);
	assert_int_equal(srtp_kdf(&master, SRTP_LABEL_RTP_AUTH, b, 94), 0);
	assert_memory_equal(a, b, 20);
}

static void counter_mode_gives_the_keystream_of_rfc_3711_b_2(void **state)
{
	(void)state;
	struct srtp_keys keys = { 0 };
	struct srtp_cipher cipher;
	uint8_t p[48] = { 0 };

	unhex(keys.key, "2B7E151628AED2A6ABF7158809CF4F3C");
	unhex(keys.salt, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
	assert_int_equal(
		srtp_cipher_set_keys(&cipher,
				     srtp_suite_find(SRTP_AES128_CM_SHA1_80),
				     &keys, SRTP_PROTECT),
		0);
	assert_int_equal(srtp_cipher_ctr(&cipher, 0, 0, p, sizeof(p)), 0);
	assert_hex(
		p, sizeof(p),
		"E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F"
		"97AB41E95B3BB0A2E8DD477901E4FCA894C0");
}

static void aes_cm_protects_the_known_packet(void **state)
{
	(void)state;
	uint8_t key[30], p[CAP];
	struct srtp *tx = NULL, *rx = NULL;

	unhex(key, "E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE"
		   "6");
	const char *plain = "800f1234decafbadcafebabe"
			    "abababababababababababababababab";
	const char *wire = "800f1234decafbadcafebabe"
			   "4e55dc4ce79978d88ca4d215949d2402"
			   "b78d6acc99ea179b8dbb";
	assert_int_equal(srtp_evp.new(&tx, SRTP_PROTECT, SRTP_AES128_CM_SHA1_80,
				      key, 30),
			 0);
	assert_int_equal(srtp_evp.new(&rx, SRTP_UNPROTECT,
				      SRTP_AES128_CM_SHA1_80, key, 30),
			 0);
	size_t n = unhex(p, plain);
	assert_int_equal(srtp_evp.rtp(tx, p, &n, CAP), 0);
	assert_hex(p, n, wire);
	assert_int_equal(srtp_evp.rtp(rx, p, &n, CAP), 0);
	assert_hex(p, n, plain);
	srtp_evp.free(tx);
	srtp_evp.free(rx);
}

struct gcm_vector {
	enum srtp_profile profile;
	const char *key, *data_and_tag;
};

static void gcm_gives_the_packets_of_rfc_7714_16(void **state)
{
	(void)state;
	static const struct gcm_vector vectors[] = {
		{ SRTP_AEAD_AES_128_GCM, "000102030405060708090a0b0c0d0e0f",
		  "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7"
		  "d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce" },
		{ SRTP_AEAD_AES_256_GCM,
		  "000102030405060708090a0b0c0d0e0f"
		  "101112131415161718191a1b1c1d1e1f",
		  "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ff"
		  "ae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13" },
	};

	for (size_t i = 0; i < 2; i++) {
		struct srtp_keys keys = { 0 };
		struct srtp_cipher cipher;
		uint8_t p[CAP], tag[SRTP_AEAD_TAG_LEN];
		unhex(keys.key, vectors[i].key);
		unhex(keys.salt, "517569642070726f2071756f");
		assert_int_equal(srtp_cipher_set_keys(
					 &cipher,
					 srtp_suite_find(vectors[i].profile),
					 &keys, SRTP_PROTECT),
				 0);
		size_t n = unhex(
			p,
			"8040f17b8041f8d35501a0b247616c6c696120657374206f6d"
			"6e69732064697669736120696e207061727465732074726573");
		const struct srtp_aead op = {
			.ssrc = 0x5501a0b2,
			.index = 0xf17b,
			.aad = p,
			.aad_len = 12,
			.data = p + 12,
			.len = n - 12,
			.tag = tag,
		};
		assert_int_equal(srtp_cipher_seal(&cipher, &op), 0);
		memcpy(p + n, tag, sizeof(tag));
		assert_hex(p + 12, n - 12 + sizeof(tag),
			   vectors[i].data_and_tag);
	}
}

static void gcm_gives_the_rtcp_packet_of_rfc_7714_17(void **state)
{
	(void)state;
	struct srtp_keys keys = { 0 };
	struct srtp_cipher cipher;
	uint8_t p[CAP], tag[SRTP_AEAD_TAG_LEN];
	const uint8_t word[4] = { 0x80, 0, 0x05, 0xd4 };

	unhex(keys.key, "000102030405060708090a0b0c0d0e0f");
	unhex(keys.salt, "517569642070726f2071756f");
	assert_int_equal(
		srtp_cipher_set_keys(&cipher,
				     srtp_suite_find(SRTP_AEAD_AES_128_GCM),
				     &keys, SRTP_PROTECT),
		0);
	size_t n = unhex(p, "81c8000d4d6172734e5450314e545032525450200000042a"
			    "0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeef"
			    "deadbeef");
	const struct srtp_aead op = {
		.ssrc = 0x4d617273,
		.index = 0x5d4,
		.aad = p,
		.aad_len = 8,
		.more = word,
		.more_len = 4,
		.data = p + 8,
		.len = n - 8,
		.tag = tag,
	};
	assert_int_equal(srtp_cipher_seal(&cipher, &op), 0);
	assert_hex(
		p + 8, n - 8,
		"63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d"
		"6fda4ce09b4686303ded0bb9275b");
	assert_hex(tag, sizeof(tag), "c84aa45896cf4d2fc5abf87245d9eade");
}

static void a_wrong_key_length_is_refused(void **state)
{
	(void)state;
	struct srtp *srtp = NULL;

	assert_int_equal(srtp_evp.new(&srtp, SRTP_PROTECT,
				      SRTP_AES128_CM_SHA1_80, key80, 28),
			 -EINVAL);
	assert_int_equal(srtp_evp.new(&srtp, SRTP_PROTECT, SRTP_NONE, key80, 0),
			 -EINVAL);
	assert_int_equal(
		srtp_evp.new(&srtp, SRTP_PROTECT, SRTP_NPROFILES, key80, 30),
		-EINVAL);
	assert_null(srtp);
}

static void protect_uses_no_index_twice(void **state)
{
	(void)state;
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AEAD_AES_128_GCM, 28);

	assert_int_equal(send_rtp(tx, SSRC, 500), 0);
	assert_int_equal(send_rtp(tx, SSRC, 500), SRTP_E_REUSE);
	assert_int_equal(send_rtp(tx, SSRC, 499), 0);
	assert_int_equal(send_rtp(tx, SSRC, 499), SRTP_E_REUSE);
	assert_int_equal(send_rtp(tx, SSRC, 500 - 127), 0);
	assert_int_equal(send_rtp(tx, SSRC, 500 - 128), SRTP_E_REUSE);
	assert_int_equal(send_rtp(tx, SSRC, 501), 0);
	srtp_evp.free(tx);
}

static void protect_without_room_is_refused_and_uses_no_index(void **state)
{
	(void)state;
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);
	uint8_t p[CAP];
	size_t n = make_rtp(p, SSRC, 1);

	assert_int_equal(srtp_evp.rtp(tx, p, &n, n + 9), -EMSGSIZE);
	assert_int_equal(srtp_evp.rtp(tx, p, &n, n + 10), 0);
	n = make_rtcp(p, SSRC);
	assert_int_equal(srtp_evp.rtcp(tx, p, &n, n + 13), -EMSGSIZE);
	assert_int_equal(srtp_evp.rtcp(tx, p, &n, n + 14), 0);
	srtp_evp.free(tx);
}

static void the_rollover_counter_goes_on_past_many_wraps(void **state)
{
	(void)state;
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);
	struct srtp *rx = open_with(SRTP_UNPROTECT, SRTP_AES128_CM_SHA1_80, 30);
	struct srtp_marks marks = { 0 };
	uint8_t p[CAP];

	srtp_evp.keep(rx, &marks);
	for (uint32_t i = 65400; i < 65400 + 4 * 65536; i += 1000) {
		size_t n = make_rtp(p, SSRC, (uint16_t)i);
		assert_int_equal(srtp_evp.rtp(tx, p, &n, CAP), 0);
		assert_int_equal(srtp_evp.rtp(rx, p, &n, CAP), 0);
		assert_int_equal(marks.of[0].rtp, i + 1);
	}
	srtp_evp.free(tx);
	srtp_evp.free(rx);
}

static void of_our_own_a_ninth_ssrc_is_refused(void **state)
{
	(void)state;
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);

	for (uint32_t i = 0; i < SRTP_MAX_OWN_SSRCS; i++)
		assert_int_equal(send_rtp(tx, i, 1), 0);
	assert_int_equal(send_rtp(tx, 99, 1), SRTP_E_LIMIT);
	assert_int_equal(send_rtp(tx, 0, 2), 0);
	srtp_evp.free(tx);
}

/* What a packet of @ssrc does, of whoever has the key. */
static int take_from(struct srtp *rx, uint32_t ssrc, uint16_t seq)
{
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);
	uint8_t p[CAP];
	size_t n = make_rtp(p, ssrc, seq);

	assert_int_equal(srtp_evp.rtp(tx, p, &n, CAP), 0);
	srtp_evp.free(tx);
	return srtp_evp.rtp(rx, p, &n, CAP);
}

static void a_peer_may_change_its_ssrc_often(void **state)
{
	(void)state;
	struct srtp *rx = open_with(SRTP_UNPROTECT, SRTP_AES128_CM_SHA1_80, 30);
	struct srtp_marks marks = { 0 };

	srtp_evp.keep(rx, &marks);
	for (uint32_t i = 0; i < SRTP_MAX_SSRCS; i++)
		assert_int_equal(take_from(rx, i, 7), 0);
	assert_int_equal(take_from(rx, SRTP_MAX_SSRCS, 7), SRTP_E_LIMIT);
	for (uint32_t i = 0; i < SRTP_MAX_SSRCS; i++)
		assert_int_equal(take_from(rx, i, 7), SRTP_E_REPLAY);
	assert_int_equal(take_from(rx, 0, 8), 0);
	/* the newest are noted, and nothing over them */
	for (uint32_t i = 0; i < SRTP_MARKS; i++) {
		assert_int_equal(marks.of[i].ssrc,
				 SRTP_MAX_SSRCS - SRTP_MARKS + i);
		assert_int_equal(marks.of[i].rtp, 8);
	}
	srtp_evp.free(rx);
}

static void forged_packets_take_no_room_for_ssrcs(void **state)
{
	(void)state;
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);
	struct srtp *rx = open_with(SRTP_UNPROTECT, SRTP_AES128_CM_SHA1_80, 30);
	uint8_t p[CAP];

	for (uint32_t i = 0; i < 100; i++) {
		size_t n = make_rtp(p, i, 1);
		assert_int_equal(srtp_evp.rtp(rx, p, &n, CAP), SRTP_E_AUTH);
		n = make_rtcp(p, i);
		p[n - 14] |= 0x80;
		assert_int_equal(srtp_evp.rtcp(rx, p, &n, CAP), SRTP_E_AUTH);
	}
	size_t n = make_rtp(p, SSRC, 1);
	assert_int_equal(srtp_evp.rtp(tx, p, &n, CAP), 0);
	assert_int_equal(srtp_evp.rtp(rx, p, &n, CAP), 0);
	srtp_evp.free(tx);
	srtp_evp.free(rx);
}

static void a_restored_sender_repeats_nothing_and_goes_on(void **state)
{
	(void)state;
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AEAD_AES_256_GCM, 44);
	struct srtp *rx = open_with(SRTP_UNPROTECT, SRTP_AEAD_AES_256_GCM, 44);
	struct srtp_marks marks = { 0 };
	uint8_t p[CAP];

	srtp_evp.keep(tx, &marks);
	for (uint32_t i = 0; i < 3; i++) { /* two rollovers */
		for (uint32_t s = 0; s < 65536; s += 16384) {
			size_t n = make_rtp(p, SSRC, (uint16_t)s);
			assert_int_equal(srtp_evp.rtp(tx, p, &n, CAP), 0);
			assert_int_equal(srtp_evp.rtp(rx, p, &n, CAP), 0);
		}
	}
	size_t n = make_rtcp(p, SSRC);
	assert_int_equal(srtp_evp.rtcp(tx, p, &n, CAP), 0);
	assert_int_equal(srtp_evp.rtcp(rx, p, &n, CAP), 0);
	uint64_t index = marks.of[0].rtp - 1;
	assert_int_equal(index, 2 * 65536 + 49152);
	assert_int_equal(marks.of[0].rtcp, 1);
	srtp_evp.free(tx);

	tx = open_with(SRTP_PROTECT, SRTP_AEAD_AES_256_GCM, 44);
	assert_int_equal(
		srtp_evp.restore(tx, SSRC, index, marks.of[0].rtcp + 100), 0);
	assert_int_equal(send_rtp(tx, SSRC, 49152), SRTP_E_REUSE);
	assert_int_equal(send_rtp(tx, SSRC, 49151), SRTP_E_REUSE);
	n = make_rtp(p, SSRC, 49153);
	assert_int_equal(srtp_evp.rtp(tx, p, &n, CAP), 0);
	assert_int_equal(srtp_evp.rtp(rx, p, &n, CAP), 0);
	n = make_rtcp(p, SSRC);
	assert_int_equal(srtp_evp.rtcp(tx, p, &n, CAP), 0);
	assert_int_equal(srtp_evp.rtcp(rx, p, &n, CAP), 0);
	srtp_evp.free(tx);
	srtp_evp.free(rx);
}

/* Both directions, in the middle of anything: nothing else is left. */
static void what_is_noted_is_all_that_a_successor_needs(void **state)
{
	(void)state;
	if (strcmp(SRTP_ENGINE.name, "evp") != 0)
		skip(); /* the other one restores nothing */
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);
	struct srtp *rx = open_with(SRTP_UNPROTECT, SRTP_AES128_CM_SHA1_80, 30);
	struct srtp_marks sent = { 0 }, taken = { 0 };
	uint8_t p[CAP], old[CAP];
	size_t n, old_n = 0;

	srtp_keep(tx, &sent);
	for (uint32_t seq = 65400; seq < 65600; seq++) {
		n = make_rtp(p, SSRC, (uint16_t)seq);
		assert_int_equal(srtp_rtp(tx, p, &n, CAP), 0);
		memcpy(old, p, old_n = n);
		assert_int_equal(srtp_rtp(rx, p, &n, CAP), 0);
		if (seq == 65500) /* late, and nothing is missed */
			srtp_keep(rx, &taken);
	}
	n = make_rtcp(p, SSRC);
	assert_int_equal(srtp_rtcp(tx, p, &n, CAP), 0);
	assert_int_equal(srtp_rtcp(rx, p, &n, CAP), 0);
	assert_int_equal(sent.of[0].rtp, 65600);
	assert_int_equal(taken.of[0].rtp, 65600);
	assert_int_equal(sent.of[0].rtcp, 1);
	srtp_free(tx);
	srtp_free(rx);

	tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);
	rx = open_with(SRTP_UNPROTECT, SRTP_AES128_CM_SHA1_80, 30);
	assert_int_equal(srtp_resume(tx, &sent), 0);
	assert_int_equal(srtp_resume(rx, &taken), 0);
	assert_int_equal(send_rtp(tx, SSRC, (uint16_t)65599), SRTP_E_REUSE);
	assert_int_equal(srtp_rtp(rx, old, &old_n, CAP), SRTP_E_REPLAY);
	n = make_rtp(p, SSRC, (uint16_t)65700);
	assert_int_equal(srtp_rtp(tx, p, &n, CAP), 0);
	assert_int_equal(srtp_rtp(rx, p, &n, CAP), 0);
	n = make_rtcp(p, SSRC);
	assert_int_equal(srtp_rtcp(tx, p, &n, CAP), 0);
	assert_int_equal(srtp_rtcp(rx, p, &n, CAP), 0);
	assert_int_equal(sent.of[0].rtp, 65701);
	assert_int_equal(taken.of[0].rtcp, 2);
	srtp_free(tx);
	srtp_free(rx);
}

static void restore_never_goes_back(void **state)
{
	(void)state;
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);

	assert_int_equal(send_rtp(tx, SSRC, 100), 0);
	assert_int_equal(srtp_evp.restore(tx, SSRC, 99, 0), SRTP_E_REUSE);
	assert_int_equal(srtp_evp.restore(tx, SSRC, SRTP_NO_INDEX, 9), 0);
	assert_int_equal(srtp_evp.restore(tx, SSRC, 100, 8), SRTP_E_REUSE);
	assert_int_equal(srtp_evp.restore(tx, SSRC, 1ull << 48, 9), -EINVAL);
	assert_int_equal(srtp_evp.restore(tx, SSRC, 101, 1u << 31), -EINVAL);
	assert_int_equal(srtp_evp.restore(tx, SSRC, 200, 9), 0);
	assert_int_equal(send_rtp(tx, SSRC, 150), SRTP_E_REUSE);
	assert_int_equal(send_rtp(tx, SSRC, 201), 0);
	srtp_evp.free(tx);
}

static void the_last_index_of_a_key_is_the_end(void **state)
{
	(void)state;
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);
	uint8_t p[CAP];

	assert_int_equal(
		srtp_evp.restore(tx, SSRC, (1ull << 48) - 2, INT32_MAX - 1), 0);
	assert_int_equal(send_rtp(tx, SSRC, 65535), 0);
	assert_int_equal(send_rtp(tx, SSRC, 0), SRTP_E_LIMIT);
	size_t n = make_rtcp(p, SSRC);
	assert_int_equal(srtp_evp.rtcp(tx, p, &n, CAP), 0);
	n = make_rtcp(p, SSRC);
	assert_int_equal(srtp_evp.rtcp(tx, p, &n, CAP), SRTP_E_LIMIT);
	srtp_evp.free(tx);
}

static void only_what_was_seen_is_noted(void **state)
{
	(void)state;
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);
	struct srtp_marks marks = { 0 };
	uint8_t p[CAP];
	size_t n = make_rtcp(p, SSRC);

	srtp_evp.keep(tx, &marks);
	assert_int_equal(marks.of[0].rtcp, 0);
	assert_int_equal(srtp_evp.rtcp(tx, p, &n, CAP), 0);
	assert_int_equal(marks.of[0].ssrc, SSRC);
	assert_int_equal(marks.of[0].rtp, 0);
	assert_int_equal(marks.of[0].rtcp, 1);
	srtp_evp.free(tx);
}

/* It died between taking a mark of an older SSRC and writing it. */
static void a_mark_that_was_not_written_is_no_hindrance(void **state)
{
	(void)state;
	if (strcmp(SRTP_ENGINE.name, "evp") != 0)
		skip(); /* the other one restores nothing */
	struct srtp_marks marks = { 0 };

	for (uint32_t i = 0; i < SRTP_MARKS; i++) {
		marks.of[i].ssrc = i;
		atomic_store(&marks.of[i].rtp, i == 2 ? 0 : 100);
	}
	for (int again = 0; again < 2; again++) {
		struct srtp *rx =
			open_with(SRTP_UNPROTECT, SRTP_AES128_CM_SHA1_80, 30);

		assert_int_equal(srtp_resume(rx, &marks), 0);
		assert_int_equal(take_from(rx, 7, 99), SRTP_E_REPLAY);
		assert_int_equal(take_from(rx, 7, (uint16_t)(100 + again)), 0);
		srtp_free(rx);
	}
}

static void unencrypted_srtcp_is_refused(void **state)
{
	(void)state;
	struct srtp *rx = open_with(SRTP_UNPROTECT, SRTP_AEAD_AES_128_GCM, 28);
	uint8_t p[CAP];
	size_t n = make_rtcp(p, SSRC);

	memset(p + n - 4, 0, 4);
	assert_int_equal(srtp_evp.rtcp(rx, p, &n, CAP), SRTP_E_AUTH);
	srtp_evp.free(rx);
}

static void what_is_no_packet_is_syntax(void **state)
{
	(void)state;
	struct srtp *rx = open_with(SRTP_UNPROTECT, SRTP_AES128_CM_SHA1_80, 30);
	uint8_t p[CAP];

	make_rtp(p, SSRC, 1);
	for (size_t len = 0; len < 22; len++) {
		size_t n = len;
		assert_int_equal(srtp_evp.rtp(rx, p, &n, CAP), SRTP_E_SYNTAX);
		n = len;
		assert_int_equal(srtp_evp.rtcp(rx, p, &n, CAP), SRTP_E_SYNTAX);
	}
	p[0] = 0x8f; /* 15 CSRCs: 72 octets */
	size_t n = 81;
	assert_int_equal(srtp_evp.rtp(rx, p, &n, CAP), SRTP_E_SYNTAX);
	p[0] = 0x40;
	n = 100;
	assert_int_equal(srtp_evp.rtp(rx, p, &n, CAP), SRTP_E_SYNTAX);
	srtp_evp.free(rx);
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	struct srtp *srtp = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, srtp_evp.new(&srtp, SRTP_PROTECT,
					     SRTP_AES128_CM_SHA1_80, key80, 30))
	srtp = srtp_evp.free(srtp);
	FAIL_EACH_ALLOCATION(r, srtp_evp.new(&srtp, SRTP_UNPROTECT,
					     SRTP_AEAD_AES_256_GCM, key80, 44))
	srtp = srtp_evp.free(srtp);
}

/* With no memory at all: what is prepared once is all that a packet needs. */
static void a_packet_allocates_nothing(void **state)
{
	(void)state;
	static const size_t key_lens[] = { 30, 30, 28, 44 };

	for (size_t i = 0; i < 4; i++) {
		enum srtp_profile profile = (enum srtp_profile)(i + 1);
		struct srtp *tx = open_with(SRTP_PROTECT, profile, key_lens[i]);
		struct srtp *rx =
			open_with(SRTP_UNPROTECT, profile, key_lens[i]);
		uint8_t p[CAP];
		int r = 0;
		fail_alloc_arm(0);
		for (uint16_t k = 0; k < 10 && !r; k++) {
			size_t n = make_rtp(p, SSRC, k);
			r = srtp_evp.rtp(tx, p, &n, CAP);
			if (!r)
				r = srtp_evp.rtp(rx, p, &n, CAP);
			n = make_rtcp(p, SSRC);
			if (!r)
				r = srtp_evp.rtcp(tx, p, &n, CAP);
			if (!r)
				r = srtp_evp.rtcp(rx, p, &n, CAP);
		}
		assert_int_equal(fail_alloc_disarm(r), 0);
		srtp_evp.free(tx);
		srtp_evp.free(rx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_derivation_gives_the_keys_of_rfc_3711_b_3),
		cmocka_unit_test(a_short_auth_key_is_the_head_of_a_long_one),
		cmocka_unit_test(
			counter_mode_gives_the_keystream_of_rfc_3711_b_2),
		cmocka_unit_test(aes_cm_protects_the_known_packet),
		cmocka_unit_test(gcm_gives_the_packets_of_rfc_7714_16),
		cmocka_unit_test(gcm_gives_the_rtcp_packet_of_rfc_7714_17),
		cmocka_unit_test(a_wrong_key_length_is_refused),
		cmocka_unit_test(protect_uses_no_index_twice),
		cmocka_unit_test(
			protect_without_room_is_refused_and_uses_no_index),
		cmocka_unit_test(the_rollover_counter_goes_on_past_many_wraps),
		cmocka_unit_test(of_our_own_a_ninth_ssrc_is_refused),
		cmocka_unit_test(a_peer_may_change_its_ssrc_often),
		cmocka_unit_test(forged_packets_take_no_room_for_ssrcs),
		cmocka_unit_test(a_restored_sender_repeats_nothing_and_goes_on),
		cmocka_unit_test(what_is_noted_is_all_that_a_successor_needs),
		cmocka_unit_test(restore_never_goes_back),
		cmocka_unit_test(the_last_index_of_a_key_is_the_end),
		cmocka_unit_test(only_what_was_seen_is_noted),
		cmocka_unit_test(a_mark_that_was_not_written_is_no_hindrance),
		cmocka_unit_test(unencrypted_srtcp_is_refused),
		cmocka_unit_test(what_is_no_packet_is_syntax),
		cmocka_unit_test(memory_may_run_out_anywhere),
		cmocka_unit_test(a_packet_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
