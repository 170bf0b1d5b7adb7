/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/moved.h"

#include <string.h>

#include "tests/unit/gateway/config_rig.h"
#include "tests/unit/gateway/no_accounts.h"
#include "xmpp/stanza.h"

#define DOMAIN "tel.example.org"
#define ALICE  "alice@example.org/phone"

static const char of_numbers[] =
	"xmpp { domain = \"" DOMAIN "\" secret = \"s\" }\n"
	"trunk \"carrier\" { proxy = \"sip:192.0.2.1\""
	" allow = { \"192.0.2.0/24\" } }\n"
	"number \"+15557654321\" { owner = \"alice@example.org\" }\n"
	"number \"+49301234567\" { owner = \"berta@example.org\" }\n";
static const char of_country[] =
	"xmpp { domain = \"" DOMAIN "\" secret = \"s\" }\n"
	"region = \"GB\"\n";

static int set_up(void **state)
{
	(void)state;
	configure(of_numbers);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config = config_free(config);
	return 0;
}

/* The error that @from gets for a message to @local; NULL: none. */
static struct stanza *ask(const char *from, const char *local)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	struct stanza *error = NULL;

	assert_int_equal(stanza_new(&message, "message", NULL), 0);
	stanza_set(message, "id", "m1");
	stanza_set(message, "from", from);
	stanza_setf(message, "to", "%s@" DOMAIN, local);
	assert_true(stanza_ok(message));
	int r = moved_error(&error, &gateway, message);
	assert_int_equal(r, error ? 0 : MOVED_E_NOT);
	return error;
}

static void expect(const char *from, const char *local, const char *uri)
{
	AUTO(stanza_freep) struct stanza *reply = ask(from, local);
	const struct stanza *error = stanza_find(reply, "error", NULL);

	if (!uri) {
		assert_null(reply);
		return;
	}
	assert_non_null(reply);
	assert_string_equal(stanza_attr(reply, "type"), "error");
	assert_string_equal(stanza_attr(reply, "to"), from);
	assert_string_equal(stanza_attr(reply, "id"), "m1");
	assert_string_equal(stanza_attr(error, "type"), "cancel");
	assert_string_equal(stanza_find_text(error, "gone", STANZA_NS_ERROR),
			    uri);
	assert_non_null(strstr(stanza_find_text(error, "text", STANZA_NS_ERROR),
			       uri + strlen("xmpp:")));
}

/* RFC 6120, 8.3.3.5 */
static void the_error_names_the_right_address(void **state)
{
	(void)state;
	expect(ALICE, "5551234567", "xmpp:+15551234567@" DOMAIN);
	expect(ALICE, "15551234567", "xmpp:+15551234567@" DOMAIN);
	expect(ALICE, "(555)\\20123-4567", "xmpp:+15551234567@" DOMAIN);
	expect(ALICE, "tel\\3a+49-30-1234567", "xmpp:+49301234567@" DOMAIN);
	expect(ALICE, "004930123456", "xmpp:+4930123456@" DOMAIN);
}

static void what_is_dialled_before_a_number_stays(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *gsm = ask(ALICE, "#31#5551234567");

	expect(ALICE, "*675551234567", "xmpp:*67+15551234567@" DOMAIN);
	expect(ALICE, "*67+15551234567", NULL);
	assert_string_equal(stanza_find_text(stanza_find(gsm, "error", NULL),
					     "gone", STANZA_NS_ERROR),
			    "xmpp:%2331%23+15551234567@" DOMAIN);
}

static void a_number_is_national_where_the_account_is(void **state)
{
	(void)state;
	expect("berta@example.org/x", "0301234567",
	       "xmpp:+49301234567@" DOMAIN);
	expect("stranger@example.org/x", "0301234567", NULL);
	expect("stranger@example.org/x", "+49-30-1234567",
	       "xmpp:+49301234567@" DOMAIN);
}

static void the_configured_region_is_everybodys(void **state)
{
	(void)state;
	configure(of_country);
	expect(ALICE, "02079460018", "xmpp:+442079460018@" DOMAIN);
	expect("stranger@example.org/x", "02079460018",
	       "xmpp:+442079460018@" DOMAIN);
}

static void what_is_right_or_no_number_has_no_other_address(void **state)
{
	(void)state;
	expect(ALICE, "+15551234567", NULL);
	expect(ALICE, "alice", NULL);
	expect(ALICE, "911", NULL);
	expect(ALICE, "12345", NULL);
	expect(ALICE, "5551234567\\40carrier", NULL);
	expect(ALICE, "12345;phone-context=ca-us.phone-context.soprani.ca",
	       NULL);
}

static void an_error_is_not_answered(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *message = NULL;
	struct stanza *error = NULL;

	assert_int_equal(stanza_new(&message, "message", NULL), 0);
	stanza_set(message, "type", "error");
	stanza_set(message, "from", ALICE);
	stanza_set(message, "to", "5551234567@" DOMAIN);
	assert_int_equal(moved_error(&error, &gateway, message), MOVED_E_NOT);
	assert_null(error);
}

#define MOVED_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVED_TEST(the_error_names_the_right_address),
		MOVED_TEST(what_is_dialled_before_a_number_stays),
		MOVED_TEST(a_number_is_national_where_the_account_is),
		MOVED_TEST(the_configured_region_is_everybodys),
		MOVED_TEST(what_is_right_or_no_number_has_no_other_address),
		MOVED_TEST(an_error_is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
