/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Indices that outlive their context: none is used twice, none taken twice. */
#include "tests/unit/media/srtp_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restored_sender_repeats_nothing_and_goes_on),
		cmocka_unit_test(what_is_noted_is_all_that_a_successor_needs),
		cmocka_unit_test(restore_never_goes_back),
		cmocka_unit_test(the_last_index_of_a_key_is_the_end),
		cmocka_unit_test(only_what_was_seen_is_noted),
		cmocka_unit_test(a_mark_that_was_not_written_is_no_hindrance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
