/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a SIP peer puts into bodies: parts of several, digits, waiting messages.
 * The first octet chooses; of parts a line with the boundary comes first.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "sip/info.h"
#include "sip/multipart.h"
#include "sip/waiting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In no line but the first, which stands behind one. */
static void expect_no_divider(struct slice part, struct slice boundary)
{
	slice_cut(&part, '\n');
	while (part.n) {
		struct slice line = slice_cut(&part, '\n');

		if (line.n < 2 + boundary.n || memcmp(line.p, "--", 2) != 0 ||
		    memcmp(line.p + 2, boundary.p, boundary.n) != 0)
			continue;
		struct slice rest = { line.p + 2 + boundary.n,
				      line.n - 2 - boundary.n };

		assert(slice_trim(rest).n);
		assert(rest.n < 2 || memcmp(rest.p, "--", 2) != 0);
	}
}

static void parts(struct slice body)
{
	struct slice boundary = slice_cut(&body, '\n');
	struct slice part =
		sip_multipart_find(body, boundary, "application/sdp");

	if (!part.n)
		return;
	assert(part.p > body.p && part.p + part.n <= body.p + body.n);
	assert(boundary.n && boundary.n <= SIP_BOUNDARY_MAX);
	expect_no_divider(part, boundary);
}

static void digit(const char *type, struct slice body)
{
	unsigned duration_ms = 0, again_ms;
	char c = 0, again, text[SIP_INFO_CAP];

	if (sip_info_parse(type, body, &c, &duration_ms))
		return;
	assert(c && strchr("0123456789*#ABCD", c));
	assert(duration_ms >= SIP_INFO_MIN_MS &&
	       duration_ms <= SIP_INFO_MAX_MS);
	assert(!sip_info_format(text, c, duration_ms));
	assert(!sip_info_parse(SIP_INFO_TYPE, slice_of(text), &again,
			       &again_ms));
	assert(again == c && again_ms == duration_ms);
}

static void waiting(struct slice body)
{
	struct sip_waiting out;

	if (sip_waiting_parse(&out, body))
		return;
	assert(strnlen(out.account, sizeof(out.account)) < sizeof(out.account));
	assert(out.has_voice || (!out.voice_new && !out.voice_old));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct slice body = { (const char *)data + 1, size - 1 };

	switch (data[0] & 3) {
	case 0:
		parts(body);
		break;
	case 1:
		digit(SIP_INFO_TYPE, body);
		break;
	case 2:
		digit("application/dtmf", body);
		break;
	default:
		waiting(body);
	}
	return 0;
}
