/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the tests of SDP begin with. */
#pragma once

#include "sip/sdp.h"
#include "tests/desc.h"
#include "tests/test.h"

#define KEY_30 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define HEAD                           \
	"v=0\r\n"                      \
	"o=- 7 8 IN IP4 192.0.2.1\r\n" \
	"s=-\r\n"                      \
	"c=IN IP4 192.0.2.1\r\n"       \
	"t=0 0\r\n"
#define AUDIO "m=audio 4000 RTP/AVP 0\r\n"

static inline int parse(struct media_desc **out, const char *text)
{
	return sdp_parse(out, NULL, slice_of(text));
}

static inline struct media_desc *parsed(const char *text)
{
	struct media_desc *desc = NULL;

	assert_int_equal(parse(&desc, text), 0);
	return desc;
}
