/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/forward.h"

#include <string.h>

#include "tests/unit/gateway/route_rig.h"

#define ALICE "alice@example.org" /* who has a number of the carrier */

static void is_kept(const char *said, const char *as)
{
	char out[JID_CAP];
	const char *why = "";
	int r = forward_parse(out, &why, &gateway, ALICE, said);

	if (r)
		print_error("%s: %s\n", said, why);
	assert_int_equal(r, 0);
	assert_string_equal(out, as);
}

static void is_refused(const char *said, const char *words)
{
	char out[JID_CAP];
	const char *why = "";

	assert_int_equal(forward_parse(out, &why, &gateway, ALICE, said),
			 FORWARD_E_INVALID);
	if (!strstr(why, words))
		print_error("%s: %s\n", said, why);
	assert_non_null(strstr(why, words));
}

static void numbers_are_taken_as_people_write_them(void **state)
{
	(void)state;
	is_kept("+15551234567", "+15551234567");
	is_kept("(555) 123-4568", "+15551234568");
	is_kept("tel:+1-555-123-4567", "+15551234567");
	is_kept("+15551234567@Tel.example.org", "+15551234567@tel.example.org");
}

static void accounts_are_taken_by_their_address(void **state)
{
	(void)state;
	is_kept("bob@example.org", "bob@example.org");
	is_kept("Bob@Example.org/phone", "bob@example.org");
	is_kept("xmpp:bob@example.org?call", "bob@example.org");
}

static void users_of_ones_trunk_are_taken(void **state)
{
	(void)state;
	is_kept("sip:reception@carrier", "sip:reception@carrier");
	is_kept("SIP:reception@192.0.2.1;transport=udp?subject=x",
		"sip:reception@192.0.2.1");
	is_kept("sip:reception@192.0.2.1:5060", "sip:reception@192.0.2.1:5060");
	is_kept("sip:+15551234567@anywhere.example",
		"sip:+15551234567@anywhere.example");
	is_refused("sip:reception@pbx", "you have no number");
	is_refused("sip:reception@nobody", "no carrier or PBX");
	is_refused("sip:reception@192.0.2.1:5070", "no carrier or PBX");
	is_refused("sips:reception@carrier", "write sip:user@host");
}

static void what_is_none_of_these_is_told_what_to_write(void **state)
{
	static const char *const none[] = {
		"nonsense",   "@",          "bob@",    "@example.org",
		"a b@c.d",    "xmpp:",      "xmpp:?x", "sip:",
		"sip:@x",     "sip:x@",     "sip:x",   "sip:a b@carrier",
		"sip:\x01@x", "tel:",       "x:y@z",   "example.org",
		"sip:%0@x",   "sip:*72@pbx"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		is_refused(none[i], "neither a number such as");
	is_refused("echo@tel.example.org", "neither");
	is_refused("+99900", "country code");
	is_refused("+1555", "digits");
}

static void who_is_no_help_is_not_called(void **state)
{
	(void)state;
	is_refused("112@tel.example.org", "emergency");
	is_refused("sip:911@carrier", "emergency");
	is_refused("+88212345678", "not allowed");
	is_refused("+15557654321", "your own number");
	is_refused("+15557654321@tel.example.org", "your own number");
	is_refused("Alice@example.org/phone", "your own address");
}

/* What is in use now is free later; and to ask is no attempt to call. */
static void a_busy_moment_says_nothing_of_later(void **state)
{
	struct route route;

	(void)state;
	talks(ALICE, "");
	talks(ALICE, "");
	assert_int_equal(call(&route, ALICE, "+15551234567"), ROUTE_E_BUSY);
	for (unsigned i = 0; i < 10; i++)
		is_kept("+15551234567", "+15551234567");
	nobody_talks();
	assert_int_equal(call(&route, ALICE, "+15551234567"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTE_TEST(numbers_are_taken_as_people_write_them),
		ROUTE_TEST(accounts_are_taken_by_their_address),
		ROUTE_TEST(users_of_ones_trunk_are_taken),
		ROUTE_TEST(what_is_none_of_these_is_told_what_to_write),
		ROUTE_TEST(who_is_no_help_is_not_called),
		ROUTE_TEST(a_busy_moment_says_nothing_of_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
