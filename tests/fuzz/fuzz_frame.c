/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A stream of somebody who has just connected: however it is cut into pieces,
 * the same messages come out, each is one to the rest of us as well, and a Via
 * that is rewritten moves no octet. The first octet says how long pieces are.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/agent_int.h"
#include "sip/field.h"
#include "sip/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is done to the Via, the message stays as long and as it was. */
static void rewrite(const char *p, size_t n)
{
	char *copy = malloc(n);
	size_t differs = 0;

	assert(copy);
	memcpy(copy, p, n);
	sip_frame_set_transport(copy, n, "TLS");
	for (size_t i = 0; i < n; i++)
		differs += copy[i] != p[i];
	assert(differs <= 3);
	free(copy);
}

/* Up to an empty line; and the body is what is said of its length. */
static void check_message(const char *p, size_t n)
{
	struct slice rest = { p, n }, name, value;

	assert(n <= SIP_MESSAGE_MAX && n >= 4);
	sip_first_line(&rest);
	while (sip_next_field(&rest, &name, &value)) {
		assert(name.p >= p && name.p + name.n <= p + n);
		assert(!value.n ||
		       (value.p >= p && value.p + value.n <= p + n));
	}
	assert(!rest.n || rest.p + rest.n == p + n);
	value = sip_find_field((struct slice){ p, n }, "Via", 'v');
	assert(!value.n || (value.p > p && value.p + value.n <= p + n));
	rewrite(p, n);
}

/* The next of what stands at @at, of which @have octets have come. */
static enum sip_frame_kind next(struct sip_frame *frame, const uint8_t *at,
				size_t have, size_t *len)
{
	/* a block of its own, so that a read behind it is seen */
	char *copy = malloc(have ? have : 1);

	assert(copy);
	memcpy(copy, at, have);
	enum sip_frame_kind kind = sip_frame_next(frame, copy, have, len);
	assert(kind != SIP_FRAME_MESSAGE || (*len && *len <= have));
	assert(kind != SIP_FRAME_BLANK || (*len && *len <= have));
	if (kind == SIP_FRAME_MESSAGE)
		check_message(copy, *len);
	free(copy);
	return kind;
}

/* All messages' ends, as one number; what is left when it is bad or cut off is
 * not counted. */
static uint64_t take_all(const uint8_t *data, size_t size, size_t piece)
{
	struct sip_frame frame = { .total = 0 };
	size_t at = 0, have = 0, len;
	uint64_t ends = 0;

	while (at + have < size) {
		have += size - at - have < piece ? size - at - have : piece;
		for (bool more = false; have && !more;) {
			switch (next(&frame, data + at, have, &len)) {
			case SIP_FRAME_MORE:
				more = true;
				continue;
			case SIP_FRAME_BAD:
				return ends;
			case SIP_FRAME_MESSAGE:
				frame = (struct sip_frame){ .total = 0 };
				ends = ends * 31 + at + len;
				break;
			case SIP_FRAME_BLANK:
				break;
			}
			at += len;
			have -= len;
		}
	}
	return ends;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > 4096)
		return 0;
	size_t piece = 1u + data[0];

	sip_frame_is_ping((const char *)data + 1, size - 1);
	assert(take_all(data + 1, size - 1, piece) ==
	       take_all(data + 1, size - 1, size));
	return 0;
}
