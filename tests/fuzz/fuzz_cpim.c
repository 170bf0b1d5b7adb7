/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * message/cpim (RFC 3862): whatever is read can be written, unless a value of
 * it would end its line, and is read as the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/cpim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct slice a, struct slice b)
{
	assert(a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_cpim cpim, again;
	char *text = NULL;

	sip_cpim_parse(&cpim, (struct slice){ (const char *)data, size });
	(void)sip_cpim_time(&cpim);
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
