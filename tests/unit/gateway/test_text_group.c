/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_group.h"

#include <string.h>

#include "gateway/base/text.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

#define ONE   "+15550000001"
#define TWO   "+15550000002"
#define OWN   "+15557654321"
#define TO(n) "<address type='to' uri='sms:" n "'/>"

static void a_group_is_sorted_and_has_each_number_once(void **state)
{
	char text[TEXT_GROUP_CAP];
	struct text_group group;

	(void)state;
	assert_int_equal(text_group_parse(&group, TWO "," ONE "," TWO), 0);
	assert_int_equal(group.n, 2);
	assert_int_equal(text_group_format(text, &group), 0);
	assert_string_equal(text, ONE "," TWO);
}

static void what_is_no_group_is_none(void **state)
{
	static const char *const others[] = {
		"",
		ONE,
		ONE "," ONE,
		ONE ",",
		"," ONE,
		ONE ",alice",
		ONE "," TWO " ",
		ONE "+15550000002",
		"1234;phone-context=x," ONE,
	};
	struct text_group group;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(text_group_parse(&group, others[i]), -EINVAL);
}

static void a_group_has_an_end(void **state)
{
	char local[TEXT_GROUP_CAP + TEXT_GROUP_NUMBER_CAP] = "";
	char text[TEXT_GROUP_CAP];
	struct text_group group;
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; i <= TEXT_GROUP_MAX; i++) {
		if (i == TEXT_GROUP_MAX) {
			assert_int_equal(text_group_parse(&group, local), 0);
			assert_int_equal(text_group_format(text, &group), 0);
			assert_string_equal(text, local);
		}
		assert_int_equal(text_format(local + at, sizeof(local) - at,
					     "%s+1555000000%04u", i ? "," : "",
					     i),
				 0);
		at += strlen(local + at);
	}
	assert_int_equal(text_group_parse(&group, local), -EINVAL);
}

static void whom_a_message_is_between(void **state)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	struct text_group group;

	(void)state;
	assert_int_equal(
		stanza_parse(&message,
			     slice_of("<message xmlns='" STANZA_NS
				      "'><addresses xmlns='http://jabber.org/"
				      "protocol/address'>" TO(OWN) TO(ONE)
					      TO("alice") "<address type='cc' "
							  "jid='a@b'/>"
							  "</addresses>"
							  "</message>")),
		0);
	text_group_read(&group, message, slice_of(TWO), OWN);
	assert_int_equal(group.n, 2);
	assert_string_equal(group.numbers[0], ONE);
	assert_string_equal(group.numbers[1], TWO);
}

static void without_addresses_it_is_between_two(void **state)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	struct text_group group;

	(void)state;
	assert_int_equal(stanza_new(&message, "message", NULL), 0);
	text_group_read(&group, message, slice_of(TWO), OWN);
	assert_int_equal(group.n, 1);
	text_group_read(&group, message, slice_of("12345;phone-context=x"),
			OWN);
	assert_int_equal(group.n, 0);
}

static void what_is_written_is_read_again(void **state)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	struct text_group group, again;

	(void)state;
	assert_int_equal(text_group_parse(&group, ONE "," TWO), 0);
	assert_int_equal(stanza_new(&message, "message", NULL), 0);
	text_group_add(message, &group);
	assert_true(stanza_ok(message));
	text_group_read(&again, message, slice_of(""), OWN);
	assert_int_equal(again.n, group.n);
	assert_memory_equal(again.numbers, group.numbers,
			    sizeof(group.numbers));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_is_sorted_and_has_each_number_once),
		cmocka_unit_test(what_is_no_group_is_none),
		cmocka_unit_test(a_group_has_an_end),
		cmocka_unit_test(whom_a_message_is_between),
		cmocka_unit_test(without_addresses_it_is_between_two),
		cmocka_unit_test(what_is_written_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
