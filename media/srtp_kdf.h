/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Session keys from the master key: AES-CM as pseudo-random function (RFC 3711,
 * 4.3; RFC 6188, 3 for 256 bits; RFC 7714, 11 for 96-bit salts). The key
 * derivation rate is 0: nobody negotiates another.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

/* RFC 3711, 4.3.1 and 4.3.2. */
enum srtp_label {
	SRTP_LABEL_RTP_KEY = 0,
	SRTP_LABEL_RTP_AUTH = 1,
	SRTP_LABEL_RTP_SALT = 2,
	SRTP_LABEL_RTCP_KEY = 3,
	SRTP_LABEL_RTCP_AUTH = 4,
	SRTP_LABEL_RTCP_SALT = 5,
};

struct srtp_master {
	const uint8_t *key;
	size_t key_len; /* 16 or 32 */
	const uint8_t *salt;
	size_t salt_len; /* at most 14; a shorter one is padded with zeros */
};

/* Write @n octets of the key that @label names. 0, -EINVAL, -ENOMEM. */
CHECKED int srtp_kdf(const struct srtp_master *master, enum srtp_label label,
		     uint8_t *out, size_t n);

enum { SRTP_KEY_MAX = 32, SRTP_AUTH_KEY_LEN = 20, SRTP_SALT_MAX = 14 };

/* The session keys of RTP or of RTCP. Secret: wipe them after use. */
struct srtp_keys {
	uint8_t key[SRTP_KEY_MAX]; /* as long as the master key */
	uint8_t auth[SRTP_AUTH_KEY_LEN];
	uint8_t salt[SRTP_SALT_MAX]; /* as long as the master salt */
};

/* @key_label: SRTP_LABEL_RTP_KEY or SRTP_LABEL_RTCP_KEY. As srtp_kdf(). */
CHECKED int srtp_keys_derive(struct srtp_keys *out,
			     const struct srtp_master *master,
			     enum srtp_label key_label);
