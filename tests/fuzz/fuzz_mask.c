/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Messages on their way into a trace: what is taken out becomes an x for each
 * octet and nothing else changes, a proof among a peer's headers never stays,
 * and a stanza that was masked is one still, with the same elements and no word
 * of its body. The first octet says which of these is tried.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/trace/mask.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void (*mask_fn)(char *p, size_t n);

static void expect_covered(const char *before, const char *after, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert(after[i] == before[i] || after[i] == 'x');
}

/* Whatever it is: in place, and the second time there is nothing to do. */
static void mask_any(mask_fn mask, const uint8_t *data, size_t n)
{
	char *once = malloc(n ? n : 1), *twice = malloc(n ? n : 1);

	assert(once && twice);
	memcpy(once, data, n);
	mask(once, n);
	expect_covered((const char *)data, once, n);
	memcpy(twice, once, n);
	mask(twice, n);
	assert(!memcmp(once, twice, n));
	free(once);
	free(twice);
}

static void mask_own_header(char *p, size_t n)
{
	mask_sip_header(p, n, "X-Token: abc");
}

/* Between other fields, none of which is the last. */
static void mask_proof(const uint8_t *data, size_t n)
{
	static const char head[] = "REGISTER sip:x SIP/2.0\r\n";
	static const char proof[] =
		"\r\nAuthorization: Digest response=\"s3cr3t\"\r\n"
		"X-Token: s3cr3t\r\nIdentity: s3cr3t\r\n\r\n";
	size_t len = sizeof(head) - 1 + n + sizeof(proof) - 1;
	char *text = malloc(len);

	assert(text);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + sizeof(head) - 1, data, n);
	memcpy(text + sizeof(head) - 1 + n, proof, sizeof(proof) - 1);
	/* no more headers behind an empty line; nor may it say so itself */
	bool one = !memmem(text, len - 2, "\n\n", 2) &&
		   !memmem(text, len - 2, "\n\r\n", 3) &&
		   !memmem(data, n, "s3cr3t", 6);
	mask_sip(text, len);
	mask_own_header(text, len);
	assert(!one || !memmem(text, len, "s3cr3t", 6));
	free(text);
}

static int expect_hidden(const struct stanza *stanza, void *arg);

static int expect_x(const char *text, void *arg)
{
	(void)arg;
	for (; *text; text++)
		assert(strchr("x\r\n", *text));
	return 0;
}

static int expect_hidden(const struct stanza *stanza, void *arg)
{
	static const struct stanza_walk walk = { .text = expect_x,
						 .child = expect_hidden };

	return stanza_walk_children(stanza, &walk, arg);
}

/* And of what people write nothing. */
static void expect_same_tree(const struct stanza *a, const struct stanza *b)
{
	const struct stanza *x = stanza_first(a), *y = stanza_first(b);

	assert(!strcmp(stanza_name(a), stanza_name(b)));
	if (!strcmp(stanza_name(b), "body"))
		assert(!expect_hidden(b, NULL));
	for (; x && y; x = stanza_next(x), y = stanza_next(y))
		expect_same_tree(x, y);
	assert(!x && !y);
}

/* As our serializer writes it. */
static void mask_stanza(struct slice xml)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL, *again = NULL;
	char *text = NULL;
	size_t n;

	if (stanza_parse(&stanza, xml) || stanza_format(stanza, 0, &text, &n) ||
	    n > STANZA_PARSE_MAX) {
		free(text);
		return;
	}
	mask_xml(text, n);
	assert(!stanza_parse(&again, (struct slice){ text, n }));
	expect_same_tree(stanza, again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	const uint8_t *p = data + 1;
	size_t n = size - 1;

	switch (data[0] % 5) {
	case 0:
		mask_any(mask_sip, p, n);
		break;
	case 1:
		mask_any(mask_xml, p, n);
		break;
	case 2:
		mask_any(mask_own_header, p, n);
		break;
	case 3:
		mask_proof(p, n);
		break;
	default:
		mask_stanza((struct slice){ (const char *)p, n });
	}
	return 0;
}
