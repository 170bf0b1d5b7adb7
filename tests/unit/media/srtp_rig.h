/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Contexts of SRTP, and packets for them. */
#pragma once

#include <errno.h>
#include <string.h>

#include "media/srtp.h"
#include "tests/test.h"

enum { CAP = 256, SSRC = 0x11223344 };

static inline struct srtp *open_with(enum srtp_use use,
				     enum srtp_profile profile, size_t key_len)
{
	struct srtp *srtp = NULL;
	uint8_t key[46] = { 7, 7, 7 };

	assert_int_equal(srtp_evp.new(&srtp, use, profile, key, key_len), 0);
	return srtp;
}

static inline size_t make_rtp(uint8_t *p, uint32_t ssrc, uint16_t seq)
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

static inline int send_rtp(struct srtp *srtp, uint32_t ssrc, uint16_t seq)
{
	uint8_t p[CAP];
	size_t n = make_rtp(p, ssrc, seq);

	return srtp_evp.rtp(srtp, p, &n, sizeof(p));
}

static inline size_t make_rtcp(uint8_t *p, uint32_t ssrc)
{
	size_t n = make_rtp(p, ssrc, 7);

	p[1] = 201;
	memmove(p + 4, p + 8, 4);
	return n;
}

/* What a packet of @ssrc does, of whoever has the key. */
static inline int take_from(struct srtp *rx, uint32_t ssrc, uint16_t seq)
{
	struct srtp *tx = open_with(SRTP_PROTECT, SRTP_AES128_CM_SHA1_80, 30);
	uint8_t p[CAP];
	size_t n = make_rtp(p, ssrc, seq);

	assert_int_equal(srtp_evp.rtp(tx, p, &n, CAP), 0);
	srtp_evp.free(tx);
	return srtp_evp.rtp(rx, p, &n, CAP);
}
