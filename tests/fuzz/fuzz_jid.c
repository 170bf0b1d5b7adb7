/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * JIDs and XEP-0106: what is a JID has parts that make it up again; what was
 * escaped is a localpart and comes back; what was unescaped, escapes to itself
 * where servers would let it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "xmpp/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const struct jid *jid, const char *text)
{
	char bare[JID_CAP], full[JID_CAP], again[JID_CAP];

	assert(jid->domain.n && jid->domain.n <= JID_PART_MAX);
	assert(jid->local.n <= JID_PART_MAX && jid->resource.n <= JID_PART_MAX);
	assert(!jid_bare(bare, sizeof(bare), text));
	assert(!jid_full(full, sizeof(full), text));
	assert(!jid_full(again, sizeof(again), full));
	assert(!strcmp(full, again));
	assert(!strncmp(bare, full, strlen(bare)));
	assert(jid_same_bare(text, full) && jid_same(text, full));
}

static void check_escape(struct slice text)
{
	char local[JID_CAP], back[JID_CAP], whole[JID_CAP];
	struct jid jid;

	if (jid_escape(local, sizeof(local), text)) {
		assert(!local[0]);
		return;
	}
	assert(!jid_unescape(back, sizeof(back), slice_of(local)));
	assert(strlen(back) == text.n);
	assert(!text.n || !memcmp(back, text.p, text.n));
	if (!text.n)
		return;
	assert(!text_format(whole, sizeof(whole), "%s@a", local));
	assert(!jid_parse(&jid, whole));
	assert(slice_is(jid.local, local));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = { (const char *)data, size };
	char *text = text_dup(input);
	char plain[JID_CAP];
	struct jid jid;

	if (!text)
		return 0;
	if (!jid_parse(&jid, text))
		check_parts(&jid, text);
	check_escape(input);
	if (!jid_unescape(plain, sizeof(plain), input))
		check_escape(slice_of(plain));
	free(text);
	return 0;
}
