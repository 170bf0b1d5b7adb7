/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/test.h"

#include <errno.h>
#include <string.h>

#include "media/rtp.h"

static const uint8_t packet[] = {
	0xb2, 0x80 | 101, 0xff, 0xfe,       /* P, X, two CSRCs; M */
	0x01, 0x02,       0x03, 0x04,       /* ts */
	0xca, 0xfe,       0xba, 0xbe,       /* ssrc */
	0,    0,          0,    1,          /* CSRCs */
	0,    0,          0,    2,          /**/
	0xbe, 0xde,       0,    1,    9, 9, /* extension of one word */
	9,    9,                            /**/
	'a',  'b',        0,    2,          /* payload, padding */
};

static void a_header_with_everything_is_read(void **state)
{
	(void)state;
	struct rtp_hdr hdr;
	size_t len = 0;

	assert_int_equal(rtp_hdr_decode(&hdr, packet, sizeof(packet)), 0);
	assert_true(hdr.padding && hdr.extension && hdr.marker);
	assert_int_equal(hdr.pt, 101);
	assert_int_equal(hdr.ncsrcs, 2);
	assert_int_equal(hdr.seq, 0xfffe);
	assert_int_equal(hdr.ts, 0x01020304);
	assert_int_equal(hdr.ssrc, 0xcafebabe);
	assert_int_equal(hdr.len, 28);
	assert_int_equal(rtp_payload_len(&len, &hdr, packet, sizeof(packet)),
			 0);
	assert_int_equal(len, 2);
}

static void a_header_that_is_cut_off_is_refused(void **state)
{
	(void)state;
	struct rtp_hdr hdr;

	for (size_t n = 0; n < 28; n++)
		assert_int_equal(rtp_hdr_decode(&hdr, packet, n), RTP_E_SYNTAX);
	assert_int_equal(rtp_hdr_decode(&hdr, packet, 28), 0);
}

static void another_version_is_refused(void **state)
{
	(void)state;
	struct rtp_hdr hdr;
	uint8_t p[12] = { 0 };

	for (unsigned v = 0; v < 4; v++) {
		p[0] = (uint8_t)(v << 6);
		assert_int_equal(rtp_hdr_decode(&hdr, p, sizeof(p)),
				 v == 2 ? 0 : RTP_E_SYNTAX);
	}
}

static void padding_must_fit_the_payload(void **state)
{
	(void)state;
	struct rtp_hdr hdr;
	uint8_t p[16] = { 0xa0 };
	size_t len = 9;

	assert_int_equal(rtp_hdr_decode(&hdr, p, sizeof(p)), 0);
	assert_int_equal(rtp_payload_len(&len, &hdr, p, sizeof(p)),
			 RTP_E_SYNTAX); /* 0 octets of padding */
	p[15] = 5;
	assert_int_equal(rtp_payload_len(&len, &hdr, p, sizeof(p)),
			 RTP_E_SYNTAX);
	p[15] = 4;
	assert_int_equal(rtp_payload_len(&len, &hdr, p, sizeof(p)), 0);
	assert_int_equal(len, 0);
	assert_int_equal(rtp_payload_len(&len, &hdr, p, 12), RTP_E_SYNTAX);
}

static void a_patch_changes_nothing_else(void **state)
{
	(void)state;
	uint8_t p[sizeof(packet)];
	struct rtp_hdr hdr;

	memcpy(p, packet, sizeof(p));
	assert_int_equal(rtp_hdr_decode(&hdr, p, sizeof(p)), 0);
	rtp_hdr_patch(&hdr, p);
	assert_memory_equal(p, packet, sizeof(p));
	hdr.marker = false;
	hdr.pt = 8;
	hdr.seq = 0;
	hdr.ts = 0xffffffff;
	hdr.ssrc = 1;
	rtp_hdr_patch(&hdr, p);
	assert_memory_equal(p + 12, packet + 12, sizeof(p) - 12);
	struct rtp_hdr again;
	assert_int_equal(rtp_hdr_decode(&again, p, sizeof(p)), 0);
	assert_int_equal(again.pt, 8);
	assert_false(again.marker);
	assert_int_equal(again.ts, 0xffffffff);
	assert_int_equal(again.len, 28);
}

static void a_written_header_is_read_back(void **state)
{
	(void)state;
	uint8_t p[12];
	const struct rtp_hdr hdr = {
		.marker = true, .pt = 127, .seq = 65535, .ts = 7, .ssrc = 9
	};
	struct rtp_hdr back;

	assert_int_equal(rtp_hdr_encode(&hdr, p, 11), -EMSGSIZE);
	assert_int_equal(rtp_hdr_encode(&hdr, p, 12), 0);
	assert_int_equal(rtp_hdr_decode(&back, p, 12), 0);
	assert_true(back.marker && back.pt == 127 && back.seq == 65535);
	assert_true(back.ts == 7 && back.ssrc == 9 && back.len == 12);
}

static void the_first_octet_tells_protocols_apart(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		uint8_t p = (uint8_t)i;
		enum rtp_demux want = i < 4                ? RTP_DEMUX_STUN
				      : i >= 20 && i <= 63 ? RTP_DEMUX_DTLS
				      : i >= 64 && i <= 79 ? RTP_DEMUX_TURN
				      : i >= 128 && i <= 191
					      ? RTP_DEMUX_RTP
					      : RTP_DEMUX_UNKNOWN;
		assert_int_equal(rtp_demux(&p, 1), want);
	}
	assert_int_equal(rtp_demux(NULL, 0), RTP_DEMUX_UNKNOWN);
}

static void rtcp_is_told_from_rtp_by_its_type(void **state)
{
	(void)state;
	uint8_t p[2] = { 0x80 };

	for (unsigned i = 0; i < 256; i++) {
		p[1] = (uint8_t)i;
		assert_int_equal(rtp_is_rtcp(p, 2), i >= 192 && i <= 223);
	}
	p[1] = 200;
	assert_false(rtp_is_rtcp(p, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_with_everything_is_read),
		cmocka_unit_test(a_header_that_is_cut_off_is_refused),
		cmocka_unit_test(another_version_is_refused),
		cmocka_unit_test(padding_must_fit_the_payload),
		cmocka_unit_test(a_patch_changes_nothing_else),
		cmocka_unit_test(a_written_header_is_read_back),
		cmocka_unit_test(the_first_octet_tells_protocols_apart),
		cmocka_unit_test(rtcp_is_told_from_rtp_by_its_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
