/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The bodies of MESSAGE: the first line is a Content-Type, the rest is the body
 * (RFC 3862 too). What is read is shown as UTF-8 that stays as it is.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/text/text_int.h"
#include "sip/text_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shown(const char *body)
{
	char *again = text_body(slice_of(body));

	assert(again && !strcmp(again, body));
	free(again);
	for (struct slice rest = slice_of(body); rest.n;) {
		uint32_t c;
		size_t used = text_utf8(rest, &c);
		assert(used);
		rest.p += used;
		rest.n -= used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = { (const char *)data, size };
	struct slice type = slice_cut(&body, '\n');
	char *text, *shown;
	size_t n;

	if (sip_text_parse(&text, &n, type, body))
		return 0;
	shown = text_body((struct slice){ text, n });
	assert(shown);
	check_shown(shown);
	free(shown);
	free(text);
	return 0;
}
