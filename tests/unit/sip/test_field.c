/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/field.h"

#include "tests/test.h"

static void check(struct slice is, const char *text)
{
	assert_int_equal(is.n, strlen(text));
	assert_memory_equal(is.p, text, is.n);
}

static void fields_come_in_their_order(void **state)
{
	struct slice text = slice_of("BYE sip:x SIP/2.0\r\n"
				     "Via : a\r\nX-Empty:\r\nno colon\n"
				     "t: b \r\n\r\n body"),
		     name, value;

	(void)state;
	check(sip_first_line(&text), "BYE sip:x SIP/2.0");
	assert_true(sip_next_field(&text, &name, &value));
	check(name, "Via");
	check(value, "a");
	assert_true(sip_next_field(&text, &name, &value));
	check(name, "X-Empty");
	check(value, "");
	assert_true(sip_next_field(&text, &name, &value));
	check(name, "no colon");
	check(value, "");
	assert_true(sip_next_field(&text, &name, &value));
	assert_true(sip_field_is(name, "To", 't'));
	check(value, "b");
	/* A body that begins with a blank folds on to nothing. */
	assert_false(sip_next_field(&text, &name, &value));
	check(text, " body");
}

/* RFC 3261, 7.3.1; the value may begin in the second line. */
static void folded_lines_are_of_their_field(void **state)
{
	struct slice text = slice_of("Subject: one\r\n two\r\n\t\r\n"
				     "Call-ID:\r\n \r\n id\r\nX:"),
		     name, value;

	(void)state;
	assert_true(sip_next_field(&text, &name, &value));
	check(value, "one\r\n two");
	assert_true(sip_next_field(&text, &name, &value));
	check(name, "Call-ID");
	check(value, "id");
	assert_true(sip_next_field(&text, &name, &value));
	check(name, "X");
	assert_false(sip_next_field(&text, &name, &value));
}

static void compact_forms_are_one_letter(void **state)
{
	static const char message[] = "x\r\nT: a\r\nI: b\r\ncall-id: c\r\n";

	(void)state;
	check(sip_find_field(slice_of(message), "Call-ID", 'i'), "b");
	check(sip_find_field(slice_of(message), "Call-ID", 0), "c");
	check(sip_find_field(slice_of(message), "To", 't'), "a");
	assert_int_equal(sip_find_field(slice_of(message), "CSeq", 0).n, 0);
	assert_int_equal(sip_find_field(slice_of(""), "CSeq", 0).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_come_in_their_order),
		cmocka_unit_test(folded_lines_are_of_their_field),
		cmocka_unit_test(compact_forms_are_one_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
