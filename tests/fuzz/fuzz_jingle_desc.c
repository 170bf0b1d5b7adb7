/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A peer's <jingle/>: whatever is read can be written, and reads the same
 * again, apart from what the writer leaves out on purpose. The first octet
 * tells who is the initiator.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/jingle_desc.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stanza *format(const struct media_desc *desc, bool initiator)
{
	const struct jingle_desc_options options = {
		.writer_is_initiator = initiator,
		.rejected = JINGLE_REJECTED_NONE,
	};
	struct stanza *jingle = NULL;

	if (stanza_new(&jingle, "jingle", JINGLE_NS))
		abort();
	jingle_desc_format(jingle, desc, &options);
	assert(stanza_ok(jingle));
	return jingle;
}

static char *text_of(const struct stanza *st)
{
	char *text = NULL;
	size_t n;

	assert(!stanza_format(st, 4u << 20, &text, &n));
	return text;
}

/* What is of no RTP session is written as audio: not the same then. */
static bool is_ours(const struct media_desc *desc)
{
	for (size_t i = 0; i < desc->ncontents; i++)
		if (desc->contents[i]->kind == MEDIA_OTHER)
			return false;
	return true;
}

/* An answer to it that leaves something out, and what comes after it. */
static void format_others(const struct media_desc *desc, bool initiator)
{
	const struct jingle_desc_options options = {
		.writer_is_initiator = initiator,
		.rejected = JINGLE_REJECTED_OMIT,
	};
	AUTO(stanza_freep) struct stanza *answer = NULL, *info = NULL;

	if (stanza_new(&answer, "jingle", JINGLE_NS) ||
	    stanza_new(&info, "jingle", JINGLE_NS))
		abort();
	jingle_desc_format(answer, desc, &options);
	for (size_t i = 0; i < desc->ncontents; i++) {
		const struct media_content *content = desc->contents[i];

		jingle_transport_format(info, content, NULL);
		if (content->ncands)
			jingle_transport_format(info, content, content->cands);
	}
	assert(stanza_ok(answer) && stanza_ok(info));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	AUTO(media_desc_freep) struct media_desc *again = NULL;
	bool initiator = size && data[0] & 1;

	if (size < 1 ||
	    stanza_parse(&st,
			 (struct slice){ (const char *)data + 1, size - 1 }) ||
	    jingle_desc_parse(&desc, st, initiator) || !is_ours(desc))
		return 0;
	format_others(desc, initiator);
	AUTO(stanza_freep) struct stanza *once = format(desc, initiator);
	assert(!jingle_desc_parse(&again, once, initiator));
	AUTO(stanza_freep) struct stanza *twice = format(again, initiator);
	char *a = text_of(once), *b = text_of(twice);
	assert(!strcmp(a, b));
	free(a);
	free(b);
	return 0;
}
