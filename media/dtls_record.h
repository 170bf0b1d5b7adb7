/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * As much of DTLS records (RFC 6347, 4.1 and 4.2.2) as is needed to keep
 * datagrams away from OpenSSL that cannot be the peer's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DTLS_RECORD_CCS = 20,
	DTLS_RECORD_ALERT = 21,
	DTLS_RECORD_HANDSHAKE = 22,
	DTLS_RECORD_DATA = 23,

	DTLS_RANDOM_LEN = 32,
};

struct dtls_datagram {
	uint8_t type;   /* of the first record */
	uint16_t epoch; /* 0: not encrypted */
	/* Of a ClientHello that begins a handshake; else NULL. Borrowed. */
	const uint8_t *client_random;
};

/* False: not one or more whole records of DTLS 1.0 or 1.2. */
bool dtls_datagram_decode(struct dtls_datagram *out, const uint8_t *p,
			  size_t n);
