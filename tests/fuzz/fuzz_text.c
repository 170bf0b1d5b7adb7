/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The bodies of MESSAGE: the first line is a Content-Type, the rest is the body
 * (RFC 3862 too). What is read is shown as UTF-8 that stays as it is, and
 * whose parts make it up; a report (RFC 5438) that is read is written as the
 * same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_part.h"
#include "gateway/text/text_report.h"
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

static void check_parts(struct slice text)
{
	enum { MAX = 7 };

	while (text.n) {
		size_t n = text_part(text, MAX);
		uint32_t c;

		assert(n > 0 && n <= MAX);
		assert(text_utf8(text, &c));
		text.p += n;
		text.n -= n;
	}
}

static void check_text(struct slice text)
{
	char *shown = text_body(text);

	assert(shown);
	check_shown(shown);
	check_parts(slice_of(shown));
	free(shown);
}

static void check_report(struct slice text)
{
	enum text_outcome outcome, again;
	char *id = NULL, *same = NULL, *xml = NULL;

	if (text_report_parse(&outcome, &id, text))
		return;
	assert(!text_report_format(&xml, outcome, id, "now"));
	assert(!text_report_parse(&again, &same, slice_of(xml)));
	assert(again == outcome && !strcmp(id, same));
	free(id);
	free(same);
	free(xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = { (const char *)data, size };
	struct slice type = slice_cut(&body, '\n');
	struct sip_text text;

	if (!sip_text_parse(&text, type, body)) {
		if (text.is_report)
			check_report((struct slice){ text.text, text.n });
		else
			check_text((struct slice){ text.text, text.n });
	}
	sip_text_fini(&text);
	return 0;
}
