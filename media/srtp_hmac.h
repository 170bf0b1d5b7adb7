/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * HMAC-SHA1 (RFC 2104) under a fixed key, many times: the state after the
 * padded key is computed once, so that a tag allocates nothing and hashes two
 * blocks less.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

enum { SRTP_HMAC_LEN = 20, SRTP_HMAC_KEY_MAX = 64 };

/* A plain value: the two states. It is as secret as the key. */
struct srtp_hmac {
	uint32_t inner[SRTP_HMAC_LEN / 4], outer[SRTP_HMAC_LEN / 4];
};

/* @key_len is at most SRTP_HMAC_KEY_MAX. 0 or -EINVAL. */
CHECKED int srtp_hmac_init(struct srtp_hmac *out, const uint8_t *key,
			   size_t key_len);

/* Of the @n octets at @p followed by the @m octets at @q. */
void srtp_hmac_sum(const struct srtp_hmac *hmac, const uint8_t *p, size_t n,
		   const uint8_t *q, size_t m,
		   uint8_t out[static SRTP_HMAC_LEN]);
