/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What kind of DTLS datagram it is; see the header. */
#include "media/dtls_record.h"

#include "gateway/base/cursor.h"

enum {
	VERSION_DTLS_1_0 = 0xfeff, /* also of a first ClientHello */
	VERSION_DTLS_1_2 = 0xfefd,
	SEQUENCE_LEN = 6,
	CLIENT_HELLO = 1,
	FRAGMENT_LEN_LEN = 3,
};

static const uint8_t *client_random(const uint8_t *p, size_t n)
{
	struct cursor c = cursor_reading(p, n);

	uint8_t type = cursor_u8(&c);
	cursor_take(&c, 3); /* length */
	uint16_t message_seq = cursor_u16(&c);
	const uint8_t *offset = cursor_take(&c, 3);
	cursor_take(&c, FRAGMENT_LEN_LEN);
	cursor_u16(&c); /* version */
	const uint8_t *random = cursor_take(&c, DTLS_RANDOM_LEN);
	if (!cursor_ok(&c) || type != CLIENT_HELLO || message_seq ||
	    offset[0] || offset[1] || offset[2])
		return NULL;
	return random;
}

bool dtls_datagram_decode(struct dtls_datagram *out, const uint8_t *p, size_t n)
{
	struct cursor c = cursor_reading(p, n);
	bool first = true;

	*out = (struct dtls_datagram){ 0 };
	while (first || cursor_left(&c)) {
		uint8_t type = cursor_u8(&c);
		uint16_t version = cursor_u16(&c);
		uint16_t epoch = cursor_u16(&c);
		cursor_take(&c, SEQUENCE_LEN);
		uint16_t len = cursor_u16(&c);
		const uint8_t *body = cursor_take(&c, len);
		if (!cursor_ok(&c) || type < DTLS_RECORD_CCS ||
		    type > DTLS_RECORD_DATA ||
		    (version != VERSION_DTLS_1_0 &&
		     version != VERSION_DTLS_1_2))
			return false;
		if (first) {
			out->type = type;
			out->epoch = epoch;
			if (type == DTLS_RECORD_HANDSHAKE && !epoch)
				out->client_random = client_random(body, len);
		}
		first = false;
	}
	return true;
}
