/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the standards' vectors do not say: indices, limits, memory. */
#include "tests/fail_alloc.h"
#include "tests/unit/media/srtp_rig.h"

static const uint8_t key80[46] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

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
	struct srtp *srtp;
	int r;

	/* What OpenSSL keeps of an algorithm stays. */
	srtp = srtp_evp.free(open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80,
				       sizeof(key80) - 16));
	srtp = srtp_evp.free(
		open_with(SRTP_UNPROTECT, SRTP_AEAD_AES_256_GCM, 44));
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
		cmocka_unit_test(a_wrong_key_length_is_refused),
		cmocka_unit_test(protect_uses_no_index_twice),
		cmocka_unit_test(
			protect_without_room_is_refused_and_uses_no_index),
		cmocka_unit_test(the_rollover_counter_goes_on_past_many_wraps),
		cmocka_unit_test(of_our_own_a_ninth_ssrc_is_refused),
		cmocka_unit_test(a_peer_may_change_its_ssrc_often),
		cmocka_unit_test(forged_packets_take_no_room_for_ssrcs),
		cmocka_unit_test(unencrypted_srtcp_is_refused),
		cmocka_unit_test(what_is_no_packet_is_syntax),
		cmocka_unit_test(memory_may_run_out_anywhere),
		cmocka_unit_test(a_packet_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
