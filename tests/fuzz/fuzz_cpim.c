/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * message/cpim (RFC 3862): whatever is read can be written, unless a value of
 * it would end its line, and is read as the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "sip/cpim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct slice a, struct slice b)
{
	assert(a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n)));
}

/* However much of it fits, it is UTF-8. */
static void check_words(struct slice subject)
{
	char words[64];

	for (size_t cap = sizeof(words); cap; cap /= 4) {
		uint32_t c;

		sip_cpim_unescape(words, cap, subject);
		assert(strlen(words) < cap);
		for (struct slice rest = slice_of(words); rest.n;) {
			size_t n = text_utf8(rest, &c);

			assert(n);
			rest.p += n;
			rest.n -= n;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_cpim cpim, again;
	char *text = NULL;

	sip_cpim_parse(&cpim, (struct slice){ (const char *)data, size });
	(void)sip_cpim_time(&cpim);
	check_words(cpim.subject);
	/* What has a content is a text, which never holds a NUL. */
	if (memchr(data, '\0', size) || sip_cpim_format(&text, &cpim))
		return 0;
	sip_cpim_parse(&again, slice_of(text));
	same(again.from, cpim.from);
	same(again.to, cpim.to);
	same(again.date, cpim.date);
	same(again.type, cpim.type);
	same(again.language, cpim.language);
	same(again.disposition, cpim.disposition);
	same(again.content, cpim.content);
	same(again.message_id, cpim.message_id);
	assert(again.wants == cpim.wants);
	free(text);
	return 0;
}
