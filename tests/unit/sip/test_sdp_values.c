/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Keys, candidates and fingerprints. */
#include "tests/unit/sip/sdp_text.h"

static void only_keys_that_we_can_use_are_kept(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool kept;
	} cases[] = {
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30, true },
		{ "1 aes_cm_128_hmac_sha1_32 inline:" KEY_30 "|2^20", true },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|2^20|1:4",
		  false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|1:4", false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 ";inline:" KEY_30,
		  false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " KDR=0", true },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " WSH=128", true },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " KDR=3", false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30
		  " UNENCRYPTED_SRTP",
		  false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30
		  " UNAUTHENTICATED_SRTP",
		  false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " -x", true },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " x", false },
		{ "1 F8_128_HMAC_SHA1_80 inline:" KEY_30, false },
		{ "1 AEAD_AES_128_GCM inline:" KEY_30, false },
		{ "1 AEAD_AES_128_GCM "
		  "inline:AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCw==",
		  true },
		{ "1 AEAD_AES_128_GCM "
		  "inline:AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCw",
		  true },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|1048576", true },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|2^49", false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|0", false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|x", false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "AAAA", false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:d0Rm", false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:d0R!", false },
		{ "1 AES_CM_128_HMAC_SHA1_80 inline:", false },
		{ "1 AES_CM_128_HMAC_SHA1_80", false },
		{ "1000000000 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30, false },
		{ "x AES_CM_128_HMAC_SHA1_80 inline:" KEY_30, false },
		{ "", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[1024];
		snprintf(text, sizeof(text), HEAD AUDIO "a=crypto:%s\r\n",
			 cases[i].line);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(text);
		assert_int_equal(desc->contents[0]->ncryptos, cases[i].kept);
	}
}

static void a_key_is_decoded(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(
		HEAD AUDIO "a=crypto:3 AEAD_AES_128_GCM inline:"
			   "AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCw==\r\n");
	const struct media_crypto *crypto = &desc->contents[0]->cryptos[0];

	assert_int_equal(crypto->tag, 3);
	assert_int_equal(crypto->key_len, 28);
	for (uint8_t i = 0; i < 28; i++)
		assert_int_equal(crypto->key[i], i % 16);
}

static void only_candidates_that_we_can_use_are_kept(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool kept;
	} cases[] = {
		{ "1 1 udp 2130706431 192.0.2.1 5000 typ host", true },
		{ "1 1 UDP 2130706431 2001:db8::1 5000 typ host generation 0 "
		  "ufrag x network-id 1 network-cost 10",
		  true },
		{ "a+/ 2 UDP 1 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport 9",
		  true },
		{ "1 1 udp 1 192.0.2.1 5000 typ relay raddr 0.0.0.0 rport 0",
		  true },
		{ "1 1 tcp 1 192.0.2.1 9 typ host tcptype active", false },
		{ "1 1 udp 1 7a1c4c0c-1b2e.local 5000 typ host", false },
		{ "1 3 udp 1 192.0.2.1 5000 typ host", false },
		{ "1 0 udp 1 192.0.2.1 5000 typ host", false },
		{ "1 1 udp 4294967296 192.0.2.1 5000 typ host", false },
		{ "1 1 udp 1 192.0.2.1 65536 typ host", false },
		{ "1 1 udp 1 192.0.2.1 5000 typ token", false },
		{ "1 1 udp 1 192.0.2.1 5000", false },
		{ "012345678901234567890123456789012 1 udp 1 192.0.2.1 5000 "
		  "typ host",
		  false },
		{ "", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[1024];
		snprintf(text, sizeof(text), HEAD AUDIO "a=candidate:%s\r\n",
			 cases[i].line);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(text);
		assert_int_equal(desc->contents[0]->ncands, cases[i].kept);
	}
}

static void old_hashes_are_no_fingerprints(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(
		HEAD AUDIO "a=fingerprint:sha-1 "
			   "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:"
			   "19:E5:7C:AB\r\n"
			   "a=fingerprint:SHA-256 "
			   "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:"
			   "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6b"
			   "\r\n");

	assert_int_equal(desc->contents[0]->nfingerprints, 1);
	assert_string_equal(desc->contents[0]->fingerprints[0].hash, "sha-256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_keys_that_we_can_use_are_kept),
		cmocka_unit_test(a_key_is_decoded),
		cmocka_unit_test(only_candidates_that_we_can_use_are_kept),
		cmocka_unit_test(old_hashes_are_no_fingerprints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
