/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The whole way of a text, from a client's stanza to a MESSAGE and back into
 * one of ours, without a network: nothing of it changes that people could see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_part.h"
#include "sip/cpim.h"
#include "sip/text_body.h"
#include "tests/test.h"
#include "xmpp/chat.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

enum { OCTETS = 4 /* of a character, at most */, CHARACTERS = 200 };

/* What people may write: all planes, line ends and tabs. */
static bool is_written(uint32_t c)
{
	return c == '\n' || c == '\t' ||
	       ((c < 0xd800 || c > 0xdfff) && text_is_fit(c));
}

static uint32_t any_character(void)
{
	uint32_t c;

	do {
		c = rand_u32() % 3 ? rand_u32() % 0x300 : rand_u32() % 0x110000;
		if (!(rand_u32() % 16))
			c = (unsigned char)"\n\t <&>]\"'"[rand_u32() % 9];
	} while (!is_written(c));
	return c;
}

static void any_text(char out[static CHARACTERS * OCTETS + 1])
{
	size_t n = 0;

	for (size_t i = 1 + rand_u32() % (CHARACTERS - 1); i; i--)
		n += text_utf8_put(out + n, any_character());
	out[n] = '\0';
}

/* ---- XMPP: written, sent, parsed and read ---- */

static void by_xmpp(const char *body, const char *lang, char **out)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	AUTO(stanza_freep) struct stanza *stream = NULL;
	struct chat chat;
	char *xml = NULL, *whole = NULL;
	size_t n;

	assert_int_equal(
		chat_format(&message, &(struct chat_text){ .from = "a@x",
							   .to = "b@x",
							   .id = "1",
							   .body = body,
							   .lang = lang }),
		0);
	assert_int_equal(stanza_format(message, 0, &xml, &n), 0);
	assert_true(asprintf(&whole,
			     "<stream xmlns='" STANZA_NS "'>%s</stream>",
			     xml) > 0);
	assert_int_equal(stanza_parse(&stream, slice_of(whole)), 0);
	chat_read(&chat, stanza_first(stream));
	assert_int_equal(chat.kind, CHAT_TEXT);
	assert_string_equal(chat.lang, lang);
	*out = text_body(slice_of(chat.body));
	assert_non_null(*out);
	free(whole);
	free(xml);
}

/* ---- SIP: in parts, each with an envelope and without ---- */

static void part_by_sip(struct slice part, const char *lang, FILE *to)
{
	char *octets = NULL, *shown;
	struct sip_text plain, opened;
	const struct sip_cpim cpim = { .from = slice_of("<sip:a@x>"),
				       .message_id = slice_of("1"),
				       .type = slice_of("text/plain"),
				       .language = slice_of(lang),
				       .content = part };

	assert_int_equal(sip_cpim_format(&octets, &cpim), 0);
	assert_int_equal(sip_text_parse(&opened, slice_of(SIP_CPIM_TYPE),
					slice_of(octets)),
			 0);
	assert_true(slice_is(opened.cpim.language, lang));
	assert_int_equal(sip_text_parse(&plain,
					slice_of("text/plain;charset=utf-8"),
					part),
			 0);
	assert_int_equal(plain.n, opened.n);
	assert_memory_equal(plain.text, opened.text, plain.n);
	shown = text_body((struct slice){ opened.text, opened.n });
	assert_non_null(shown);
	fputs(shown, to);
	free(shown);
	free(octets);
	sip_text_fini(&plain);
	sip_text_fini(&opened);
}

static void by_sip(const char *body, const char *lang, char **out)
{
	size_t n, max = 4 + rand_u32() % 100;
	FILE *to = open_memstream(out, &n);

	assert_non_null(to);
	for (struct slice rest = slice_of(body); rest.n;) {
		size_t used = text_part(rest, max);

		part_by_sip((struct slice){ rest.p, used }, lang, to);
		rest.p += used;
		rest.n -= used;
	}
	assert_int_equal(fclose(to), 0);
}

static void what_people_write_arrives_as_it_was(void **state)
{
	enum { ROUNDS = 1500 };
	static const char *const langs[] = { "", "de", "zh-Hant-TW",
					     "sl-rozaj-biske-1994" };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		const char *lang = langs[rand_u32() % 4];
		char text[CHARACTERS * OCTETS + 1];
		char *out = NULL, *there = NULL, *back = NULL;

		any_text(text);
		by_xmpp(text, lang, &out);
		assert_string_equal(out, text);
		by_sip(out, lang, &there);
		assert_string_equal(there, text);
		by_xmpp(there, lang, &back);
		assert_string_equal(back, text);
		free(out);
		free(there);
		free(back);
	}
}

/* Every character that can be written, of every plane. */
static void no_character_is_lost(void **state)
{
	(void)state;
	for (uint32_t c = 1; c < 0x110000; c++) {
		char text[OCTETS + 1] = "";
		char *body;

		if (!is_written(c))
			continue;
		text_utf8_put(text, c);
		body = text_body(slice_of(text));
		assert_non_null(body);
		assert_string_equal(body, text);
		free(body);
	}
}

static void line_ends_become_one(void **state)
{
	static const char *const ends[] = { "\n", "\r\n", "\r" };

	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		char text[CHARACTERS * 3 + 1] = "", wanted[CHARACTERS + 1] = "";
		size_t n = 0, w = 0;
		char *shown;

		for (unsigned i = rand_u32() % (CHARACTERS / 2); i; i--) {
			/* a word behind each: "\r" and "\n" would be one */
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%sx",
					      ends[rand_u32() % 3]);
			w += (size_t)snprintf(wanted + w, sizeof(wanted) - w,
					      "\nx");
		}
		shown = text_body(slice_of(text));
		assert_non_null(shown);
		assert_string_equal(shown, wanted);
		free(shown);
	}
}

/* A carrier's UTF-16 of all planes. */
static void utf_16_is_read(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 1500; round++) {
		char wide[CHARACTERS * OCTETS], text[CHARACTERS * OCTETS + 1];
		size_t nwide = 0, n = 0;
		struct sip_text read;

		for (unsigned i = rand_u32() % CHARACTERS; i; i--) {
			uint32_t c = any_character(), pair[2], units = 1;

			n += text_utf8_put(text + n, c);
			pair[0] = c;
			if (c > 0xffff) {
				pair[0] = 0xd800 + ((c - 0x10000) >> 10);
				pair[1] = 0xdc00 + ((c - 0x10000) & 0x3ff);
				units = 2;
			}
			for (uint32_t u = 0; u < units; u++) {
				wide[nwide++] = (char)(pair[u] >> 8);
				wide[nwide++] = (char)pair[u];
			}
		}
		assert_int_equal(
			sip_text_parse(&read,
				       slice_of("text/plain;charset=utf-16be"),
				       (struct slice){ wide, nwide }),
			0);
		assert_int_equal(read.n, n);
		assert_memory_equal(read.text, text, n);
		sip_text_fini(&read);
	}
}

/* Whatever a client says, it is a language tag or it is not said. */
static void no_language_ends_a_header(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		AUTO(stanza_freep) struct stanza *message = NULL;
		char lang[48] = "";
		struct chat chat;
		bool tag = true;

		for (unsigned i = 0, n = rand_u32() % 40; i < n; i++) {
			lang[i] = (char)(rand_u32() % 8 ? 'a' + rand_u32() % 26
							: 1 + rand_u32() % 127);
			tag = tag && (strchr("-", lang[i]) ||
				      (lang[i] >= '0' && lang[i] <= '9') ||
				      ((lang[i] | 32) >= 'a' &&
				       (lang[i] | 32) <= 'z'));
		}
		assert_int_equal(stanza_new(&message, "message", NULL), 0);
		stanza_set(message, "xml:lang", lang);
		stanza_child_text(message, "body", NULL, "x");
		chat_read(&chat, message);
		assert_string_equal(chat.lang,
				    tag && strlen(lang) <= 35 ? lang : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_write_arrives_as_it_was),
		cmocka_unit_test(no_character_is_lost),
		cmocka_unit_test(line_ends_become_one),
		cmocka_unit_test(utf_16_is_read),
		cmocka_unit_test(no_language_ends_a_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
