/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/reason.h"

#include "gateway/base/text.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

static enum reason read_reason(const char *children, const char **text)
{
	static char copy[128];
	AUTO(stanza_freep) struct stanza *st = NULL;
	const char *borrowed = NULL;

	assert_int_equal(stanza_parse(&st, slice_of(children)), 0);
	enum reason reason = reason_parse(st, text ? &borrowed : NULL);
	if (text)
		*text = NULL;
	if (borrowed) {
		assert_int_equal(text_set(copy, sizeof(copy), borrowed), 0);
		*text = copy;
	}
	return reason;
}

static void every_reason_is_written_and_read(void **state)
{
	(void)state;
	for (enum reason i = REASON_NONE + 1; i < REASON_NVALUES; i++) {
		AUTO(stanza_freep) struct stanza *st = NULL;
		const char *text = NULL;

		assert_int_equal(stanza_new(&st, "jingle", REASON_NS), 0);
		reason_format(st, i, i % 2 ? "why" : NULL);
		assert_true(stanza_ok(st));
		assert_int_equal(
			reason_parse(stanza_find(st, "reason", NULL), &text),
			i);
		if (i % 2)
			assert_string_equal(text, "why");
		else
			assert_null(text);
		assert_non_null(reason_name(i));
	}
}

static void underscores_are_hyphens(void **state)
{
	(void)state;
	const char *text = NULL;

	assert_int_equal(
		read_reason("<reason xmlns='urn:xmpp:jingle:1'>"
			    "<failed_application/><text>x</text></reason>",
			    &text),
		REASON_FAILED_APPLICATION);
	assert_string_equal(text, "x");
}

static void unknown_reasons_are_none(void **state)
{
	(void)state;
	const char *text = "old";

	assert_int_equal(reason_parse(NULL, &text), REASON_NONE);
	assert_null(text);
	assert_int_equal(
		read_reason("<reason xmlns='urn:xmpp:jingle:1'/>", NULL),
		REASON_NONE);
	assert_int_equal(read_reason("<reason xmlns='urn:xmpp:jingle:1'>"
				     "<application-error/></reason>",
				     NULL),
			 REASON_NONE);
	assert_int_equal(read_reason("<reason xmlns='urn:xmpp:jingle:1'>"
				     "<none/></reason>",
				     NULL),
			 REASON_NONE);
	assert_int_equal(read_reason("<reason xmlns='urn:xmpp:jingle:1'>"
				     "<busybody/></reason>",
				     NULL),
			 REASON_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_is_written_and_read),
		cmocka_unit_test(underscores_are_hyphens),
		cmocka_unit_test(unknown_reasons_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
