/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/cpim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "tests/test.h"

#define SAME(slice, text) assert_true(slice_is(slice, text))

/* RFC 5438, 6.2, with its long lines as they are meant. */
static const char asked[] = "From: Alice <im:alice@example.com>\r\n"
			    "To: Bob <im:bob@example.com>\r\n"
			    "NS: imdn <urn:ietf:params:imdn>\r\n"
			    "imdn.Message-ID: 34jk324j\r\n"
			    "DateTime: 2006-04-04T12:16:49-05:00\r\n"
			    "imdn.Disposition-Notification: positive-delivery, "
			    "negative-delivery\r\n"
			    "\r\n"
			    "Content-type: text/plain\r\n"
			    "Content-length: 12\r\n"
			    "\r\n"
			    "Hello World\r\n";

static void what_rfc_5438_shows_is_read(void **state)
{
	struct sip_cpim cpim;

	(void)state;
	sip_cpim_parse(&cpim, slice_of(asked));
	SAME(cpim.from, "Alice <im:alice@example.com>");
	SAME(cpim.to, "Bob <im:bob@example.com>");
	SAME(cpim.message_id, "34jk324j");
	SAME(cpim.type, "text/plain");
	SAME(cpim.content, "Hello World\r\n");
	assert_int_equal(cpim.wants, SIP_CPIM_DELIVERED | SIP_CPIM_FAILED);
	assert_true(sip_cpim_time(&cpim) == 1144171009000);
}

static void headers_are_known_by_their_namespace(void **state)
{
	struct sip_cpim cpim;

	(void)state;
	sip_cpim_parse(&cpim,
		       slice_of("NS: x <urn:ietf:params:imdn>\n"
				"x.message-id: 1\n"
				"imdn.Message-ID: 2\n"
				"NS: other <urn:other>\n"
				"other.Message-ID: 3\n"
				"x.Disposition-Notification: display;a=b\n"
				"Subject:;lang=fr Objet\n"
				"no header\n"
				"\n"
				"Content-Disposition: notification\n\n"));
	SAME(cpim.message_id, "1");
	SAME(cpim.subject, "Objet");
	SAME(cpim.disposition, "notification");
	assert_int_equal(cpim.wants, SIP_CPIM_DISPLAYED);
	/* undeclared, as some do; and as the default namespace */
	sip_cpim_parse(&cpim, slice_of("imdn.Message-ID: 4\n\n\n"));
	SAME(cpim.message_id, "4");
	sip_cpim_parse(&cpim, slice_of("NS: <urn:ietf:params:imdn>\n"
				       "Message-ID: 5\n\n\n"));
	SAME(cpim.message_id, "5");
}

static void what_ends_early_has_no_content(void **state)
{
	struct sip_cpim cpim;

	(void)state;
	for (size_t n = 0; n < sizeof(asked) - sizeof("Hello World\r\n"); n++) {
		sip_cpim_parse(&cpim, (struct slice){ asked, n });
		assert_int_equal(cpim.content.n, 0);
	}
}

static void check_time(const char *date, int64_t ms)
{
	const struct sip_cpim cpim = { .date = slice_of(date) };

	assert_true(sip_cpim_time(&cpim) == ms);
}

static void dates_are_rfc_3339s(void **state)
{
	(void)state;
	check_time("2026-01-01T00:00:00Z", 1767225600000);
	check_time("2026-01-01T00:00:00.123456z", 1767225600000);
	check_time("2026-01-01T01:30:00+01:30", 1767225600000);
	check_time("2025-12-31T19:00:00-05:00", 1767225600000);
	check_time("", 0);
	check_time("yesterday", 0);
	check_time("2026-01-01", 0);
	check_time("2026-01-01T00:00:00", 0);
	check_time("2026-01-01T00:00:00+1", 0);
	check_time("2026-01-01T00:00:00Z later", 0);
}

static void check_unescaped(const char *value, const char *words)
{
	char out[64];

	sip_cpim_unescape(out, sizeof(out), slice_of(value));
	assert_string_equal(out, words);
}

/* RFC 3862, 3.2 */
static void escapes_are_read(void **state)
{
	(void)state;
	check_unescaped("plain \xc3\xa9", "plain \xc3\xa9");
	check_unescaped("caf\\u00e9 \\u4E2D", "caf\xc3\xa9 \xe4\xb8\xad");
	check_unescaped("\\ud83d\\ude00!", "\xf0\x9f\x98\x80!");
	check_unescaped("\\\"a\\' \\\\u0041", "\"a' \\u0041");
	check_unescaped("a\\nb\\tc", "a b c");
	/* halves alone, too short, none, and what ends early */
	check_unescaped("\\ud83d\\u0041 \\ude00", "\xef\xbf\xbd"
						  "A \xef\xbf\xbd");
	check_unescaped("\\u12 \\u+123 \\q \\\xc3\xa9", "u12 u+123 q \xc3\xa9");
	check_unescaped("\\", "\\");
	check_unescaped("\\u0000\xff", "\xef\xbf\xbd\xef\xbf\xbd");
}

/* Of each plane. */
static void whatever_is_escaped_is_read(void **state)
{
	enum { OCTETS = 12 };

	(void)state;
	for (uint32_t c = 1; c < 0x110000; c += 1 + c / 64) {
		char escaped[OCTETS + 1], words[OCTETS + 1] = "";
		uint32_t high = 0xd800 + ((c - 0x10000) >> 10);

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		words[text_utf8_put(words, c)] = '\0';
		if (c > 0xffff)
			snprintf(escaped, sizeof(escaped), "\\u%04x\\u%04x",
				 high, 0xdc00 + ((c - 0x10000) & 0x3ff));
		else
			snprintf(escaped, sizeof(escaped), "\\u%04X", c);
		check_unescaped(escaped, words);
	}
}

static void what_is_too_long_is_cut_at_a_character(void **state)
{
	char out[6];

	(void)state;
	sip_cpim_unescape(out, sizeof(out), slice_of("abc\\u4e2dd"));
	assert_string_equal(out, "abc");
}

static void no_value_ends_its_line(void **state)
{
	const struct sip_cpim cpim = { .subject = slice_of("a\r\nb: c") };
	char *out = NULL;

	(void)state;
	assert_int_equal(sip_cpim_format(&out, &cpim), -EINVAL);
}

/* ---- written is read as the same ---- */

enum { VALUE_MAX = 40, ROUNDS = 3000 };

/* As a value reads: no blanks around it, no control characters. */
static struct slice any_value(char buffer[static VALUE_MAX])
{
	static const char octets[] =
		"abc:;,<>@\"'\\ \xc3\xbc\xf0\x9f\x98\x80imdn.NS=";
	size_t n = rand_u32() % VALUE_MAX;

	for (size_t i = 0; i < n; i++)
		buffer[i] = octets[rand_u32() % (sizeof(octets) - 1)];
	struct slice value = slice_trim((struct slice){ buffer, n });
	/* a subject's parameters are no part of it */
	while (value.n && *value.p == ';') {
		value.p++;
		value.n--;
		value = slice_trim(value);
	}
	return value;
}

static struct slice any_content(char buffer[static VALUE_MAX])
{
	size_t n = rand_u32() % VALUE_MAX;

	for (size_t i = 0; i < n; i++)
		buffer[i] = rand_u32() % 4 ? (char)(1 + rand_u32() % 255)
					   : "\r\n"[rand_u32() % 2];
	return (struct slice){ buffer, n };
}

static void same(struct slice a, struct slice b)
{
	assert_int_equal(a.n, b.n);
	if (a.n)
		assert_memory_equal(a.p, b.p, a.n);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char text[9][VALUE_MAX];
		char *out = NULL;
		struct sip_cpim read, cpim = {
			.from = any_value(text[0]),
			.to = any_value(text[1]),
			.date = any_value(text[2]),
			.subject = any_value(text[3]),
			.message_id = any_value(text[4]),
			.wants = rand_u32() % 8,
			.type = any_value(text[5]),
			.language = any_value(text[6]),
			.disposition = any_value(text[7]),
			.content = any_content(text[8]),
		};

		assert_int_equal(sip_cpim_format(&out, &cpim), 0);
		sip_cpim_parse(&read, slice_of(out));
		same(read.from, cpim.from);
		same(read.to, cpim.to);
		same(read.date, cpim.date);
		same(read.subject, cpim.subject);
		same(read.message_id, cpim.message_id);
		assert_int_equal(read.wants, cpim.wants);
		same(read.type, cpim.type);
		same(read.language, cpim.language);
		same(read.disposition, cpim.disposition);
		same(read.content, cpim.content);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_are_read),
		cmocka_unit_test(whatever_is_escaped_is_read),
		cmocka_unit_test(what_is_too_long_is_cut_at_a_character),
		cmocka_unit_test(what_rfc_5438_shows_is_read),
		cmocka_unit_test(headers_are_known_by_their_namespace),
		cmocka_unit_test(what_ends_early_has_no_content),
		cmocka_unit_test(dates_are_rfc_3339s),
		cmocka_unit_test(no_value_ends_its_line),
		cmocka_unit_test(what_is_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
