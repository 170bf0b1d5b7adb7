/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A component stream's octets, in pieces whose length the first octet tells:
 * what is read can be written unless a name is not ASCII, and what is written
 * reads the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_open(const struct stanza *head, void *arg)
{
	(void)head;
	(void)arg;
}

static void on_close(void *arg)
{
	(void)arg;
}

/* What waits on disk is what it was. */
static void expect_kept(const char *text)
{
	AUTO(stanza_freep) struct stanza *kept = NULL;
	char *again = NULL;
	size_t n;

	assert(!stanza_parse_kept(&kept, text));
	assert(!stanza_format(kept, 8 * STANZA_TEXT_MAX, &again, &n));
	assert(!strcmp(text, again));
	free(again);
}

static void on_stanza(struct stanza *stanza, void *arg)
{
	AUTO(stanza_freep) struct stanza *again = NULL;
	char *once = NULL, *twice = NULL;
	size_t n = 0, m = 0;
	struct stanza *reply = NULL;
	int r = stanza_format(stanza, 8 * STANZA_TEXT_MAX, &once, &n);

	(void)arg;
	assert(r == 0 || r == STANZA_TEXT_E_NAME);
	/* escapes and repeated namespaces may be longer than what was read */
	if (!r && n <= STANZA_PARSE_MAX) {
		struct slice text = { once, n };
		/* alone, the default namespace is none: only compare those
		 * that declare theirs */
		if (strcmp(stanza_ns(stanza), STANZA_NS) != 0) {
			assert(!stanza_parse(&again, text));
			assert(!stanza_format(again, 0, &twice, &m));
			assert(n == m && !memcmp(once, twice, n));
		}
	}
	if (!r && n < STANZA_PARSE_MAX / 2)
		expect_kept(once);
	r = stanza_error_reply(&reply, stanza, NULL, "bad-request", "no");
	assert(r == 0 || r == STANZA_E_REPLY);
	stanza_free(reply);
	stanza_free(stanza);
	free(once);
	free(twice);
}

static void on_refused(const struct stanza *head, void *arg)
{
	(void)arg;
	assert(!head || !stanza_first(head));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct stanza_parser_handlers handlers = {
		on_open, on_stanza, on_close, on_refused
	};
	AUTO(stanza_parser_freep) struct stanza_parser *parser = NULL;
	size_t piece = size ? 1u + data[0] : 1;
	int r = 0;

	if (stanza_parser_new(&parser, &handlers, NULL))
		return 0;
	for (size_t at = 1; at < size && !r; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		r = stanza_parser_feed(parser, (const char *)data + at, n);
	}
	assert(r <= 0 || *stanza_parse_condition(r));
	assert(stanza_parser_whole(parser) < size + 1);
	return 0;
}
