/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/text_body.h"

#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

static void check(const char *type, struct slice body, const char *text)
{
	struct sip_text out;

	assert_int_equal(sip_text_parse(&out, slice_of(type), body), 0);
	assert_int_equal(out.n, strlen(text));
	assert_memory_equal(out.text, text, out.n);
	assert_false(out.is_report);
	sip_text_fini(&out);
}

static void refused(const char *type, struct slice body, int status)
{
	struct sip_text out;

	assert_int_equal(sip_text_parse(&out, slice_of(type), body), status);
	assert_null(out.text);
	sip_text_fini(&out);
}

static void charsets_become_utf_8(void **state)
{
	(void)state;
	check("text/plain", slice_of("plain"), "plain");
	check("", slice_of("no type"), "no type");
	check("TEXT/Plain ; charset = \"UTF-8\" ; format=flowed",
	      slice_of("Gr\xc3\xbc\xc3\x9f"), "Gr\xc3\xbc\xc3\x9f");
	check("text/plain;charset=ISO-8859-1", slice_of("Gr\xfc\xdf"),
	      "Gr\xc3\xbc\xc3\x9f");
	check("text/plain;charset=windows-1252", slice_of("\x80"),
	      "\xe2\x82\xac");
	check("text/plain;charset=utf-16be", (struct slice){ "\0a\x20\xac", 4 },
	      "a\xe2\x82\xac");
}

static void other_types_are_refused(void **state)
{
	(void)state;
	refused("text/html", slice_of("<p>"), 415);
	refused("text/plain;charset=klingon", slice_of("x"), 415);
	refused("text/plain;charset=a-name-longer-than-any-charset's",
		slice_of("x"), 415);
	/* Half a character. */
	refused("text/plain;charset=utf-16be", (struct slice){ "\0a\x20", 3 },
		400);
}

/* RFC 3862, 2. */
static void cpim_is_opened(void **state)
{
	(void)state;
	check("message/cpim",
	      slice_of("From: <im:a@example.com>\r\n"
		       "Subject: x\r\n"
		       "\r\n"
		       "Content-type: text/plain; charset=iso-8859-1\r\n"
		       "Content-ID: <1@example.com>\r\n"
		       "\r\n"
		       "Gr\xfc\r\n\r\n\xdf"),
	      "Gr\xc3\xbc\r\n\r\n\xc3\x9f");
	check("message/cpim", slice_of("\n\nlines end in LF alone"),
	      "lines end in LF alone");
	check("message/cpim", slice_of("From: x"), "");
	refused("message/cpim",
		slice_of("\r\nContent-Type: text/html\r\n\r\n<p>"), 415);
}

/* RFC 2045, 6. */
static void what_is_encoded_for_the_way_is_decoded(void **state)
{
	(void)state;
	check("message/cpim",
	      slice_of("\r\nContent-Type: text/plain;charset=utf-8\r\n"
		       "Content-Transfer-Encoding: BASE64\r\n\r\n"
		       "R3LDv\r\nMOf\r\n"),
	      "Gr\xc3\xbc\xc3\x9f");
	check("message/cpim",
	      slice_of("\r\nContent-Transfer-Encoding: 8bit\r\n\r\nx"), "x");
	refused("message/cpim",
		slice_of("\r\nContent-Transfer-Encoding: base64\r\n\r\n?"),
		400);
	refused("message/cpim",
		slice_of("\r\nContent-Transfer-Encoding: x-gzip\r\n\r\nx"),
		415);
}

/* RFC 5438, 7.2.2; some leave the envelope out. */
static void reports_are_told_from_texts(void **state)
{
	static const char *const bodies[][2] = {
		{ "message/cpim",
		  "\r\nContent-Type: message/imdn+xml\r\n\r\n<imdn/>" },
		{ "Message/IMDN+XML", "<imdn/>" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sip_text out;

		assert_int_equal(sip_text_parse(&out, slice_of(bodies[i][0]),
						slice_of(bodies[i][1])),
				 0);
		assert_true(out.is_report);
		assert_string_equal(out.text, "<imdn/>");
		assert_int_equal(out.enveloped, i == 0);
		sip_text_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(charsets_become_utf_8),
		cmocka_unit_test(other_types_are_refused),
		cmocka_unit_test(cpim_is_opened),
		cmocka_unit_test(what_is_encoded_for_the_way_is_decoded),
		cmocka_unit_test(reports_are_told_from_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
