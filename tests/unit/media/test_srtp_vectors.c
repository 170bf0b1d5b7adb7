/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The test vectors of RFC 3711 (appendix B) and RFC 7714 (sections 16, 17). */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "media/srtp.h"
#include "media/srtp_cipher.h"
#include "media/srtp_kdf.h"

enum { CAP = 256 };

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

/* Of the salt that all vectors of RFC 7714 have. */
static void set_gcm_keys(struct srtp_cipher *cipher, enum srtp_profile profile,
			 const char *key)
{
	struct srtp_keys keys = { 0 };

	unhex(keys.key, key);
	unhex(keys.salt, "517569642070726f2071756f");
	assert_int_equal(srtp_cipher_set_keys(cipher, srtp_suite_find(profile),
					      &keys, SRTP_PROTECT),
			 0);
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
		struct srtp_cipher cipher;
		uint8_t p[CAP], tag[SRTP_AEAD_TAG_LEN];
		set_gcm_keys(&cipher, vectors[i].profile, vectors[i].key);
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
	struct srtp_cipher cipher;
	uint8_t p[CAP], tag[SRTP_AEAD_TAG_LEN];
	const uint8_t word[4] = { 0x80, 0, 0x05, 0xd4 };

	set_gcm_keys(&cipher, SRTP_AEAD_AES_128_GCM,
		     "000102030405060708090a0b0c0d0e0f");
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
