/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/presence.h"

#include <stdio.h>

#include "db/account.h"
#include "gateway/gateway.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define DOMAIN "tel.example.org"
#define NUMBER "+15551234567@" DOMAIN
#define ALICE  "alice@example.org"

static const char text[] =
	"xmpp { domain = \"" DOMAIN "\" secret = \"s\" }\n"
	"trunk \"carrier\" { proxy = \"sip:192.0.2.1\""
	" allow = { \"192.0.2.0/24\" } }\n"
	"number \"+15557654321\" { owner = \"" ALICE
	"\" trunk = \"carrier\" }\n"
	"number \"+15557654322\" { owner = \"Alice@Example.org\""
	" trunk = \"carrier\" }\n";

/* ---- what presence asks of others ---- */

static char said[2000];
static unsigned asked;

int xmpp_stream_send(struct xmpp_stream *stream, const struct stanza *stanza)
{
	const char *type = stanza_attr(stanza, "type");
	size_t n = strlen(said);

	(void)stream;
	assert_string_equal(stanza_name(stanza), "presence");
	asked += type && !strcmp(type, "subscribe");
	snprintf(said + n, sizeof(said) - n, "%s %s -> %s\n",
		 type ? type : "available", stanza_attr(stanza, "from"),
		 stanza_attr(stanza, "to"));
	return 0;
}

static const struct account_number added[] = {
	{ .number = "+15559999998",
	  .trunk = "carrier",
	  .owners = { "bob@example.org", ALICE },
	  .nowners = 2 },
	{ .number = "+15559999999",
	  .trunk = "carrier",
	  .owners = { "bob@example.org" },
	  .nowners = 1 },
};

void account_each_number(const struct account_store *store, const char *owner,
			 account_number_fn fn, void *arg)
{
	(void)store;
	assert_null(owner);
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		fn(&added[i], arg);
}

/* ---- */

static struct gateway gateway;
static struct config *config;

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

static int set_up(void **state)
{
	(void)state;
	said[0] = '\0';
	asked = 0;
	if (config_parse(&config, "test", slice_of(text), on_mistake, NULL))
		return -1;
	gateway = (struct gateway){ .config = config };
	return presence_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	presence_free(&gateway);
	config = config_free(config);
	return 0;
}

static void hear(const char *type, const char *from, const char *to)
{
	AUTO(stanza_freep) struct stanza *presence = NULL;

	assert_int_equal(stanza_new(&presence, "presence", NULL), 0);
	stanza_set(presence, "type", type);
	stanza_set(presence, "from", from);
	stanza_set(presence, "to", to);
	assert_true(stanza_ok(presence));
	presence_receive(&gateway, presence);
}

static void expect(const char *lines)
{
	assert_string_equal(said, lines);
	said[0] = '\0';
}

static void a_subscription_is_granted_and_asked_back(void **state)
{
	(void)state;
	hear("subscribe", ALICE, NUMBER);
	expect("subscribed " NUMBER " -> " ALICE "\n"
	       "subscribe " NUMBER " -> " ALICE "\n"
	       "available " NUMBER "/sip -> " ALICE "\n");
	hear("subscribe", ALICE, DOMAIN);
	expect("subscribed " DOMAIN " -> " ALICE "\n"
	       "subscribe " DOMAIN " -> " ALICE "\n"
	       "available " DOMAIN "/gateway -> " ALICE "\n");
}

static void it_is_asked_back_once(void **state)
{
	(void)state;
	hear("subscribe", ALICE, NUMBER);
	said[0] = '\0';
	hear("subscribe", ALICE "/phone", NUMBER);
	expect("subscribed " NUMBER " -> " ALICE "\n"
	       "available " NUMBER "/sip -> " ALICE "\n");
}

static void after_its_end_it_is_asked_back_again(void **state)
{
	(void)state;
	hear("subscribe", ALICE, NUMBER);
	said[0] = '\0';
	hear("unsubscribe", ALICE, NUMBER);
	expect("unsubscribed " NUMBER " -> " ALICE "\n");
	hear("subscribe", ALICE, NUMBER);
	assert_int_equal(asked, 2);
}

/* Each of our questions comes back as one, and each answer as an answer. */
static void two_gateways_do_not_ask_each_other_for_ever(void **state)
{
	(void)state;
	unsigned heard = 0;

	hear("subscribe", "+1@other.example", NUMBER);
	while (heard < asked && heard < 10) {
		heard++;
		hear("subscribed", "+1@other.example", NUMBER);
		hear(NULL, "+1@other.example/sip", NUMBER);
		hear("subscribe", "+1@other.example", NUMBER);
	}
	assert_int_equal(heard, 1);
}

static void a_probe_is_answered_to_who_sent_it(void **state)
{
	(void)state;
	hear("probe", ALICE "/phone", "echo@" DOMAIN);
	expect("available echo@" DOMAIN "/sip -> " ALICE "/phone\n");
}

static void nobody_lives_at_other_localparts(void **state)
{
	(void)state;
	hear("subscribe", ALICE, "nobody@" DOMAIN);
	expect("unsubscribed nobody@" DOMAIN " -> " ALICE "\n");
	hear("probe", ALICE, "nobody@" DOMAIN);
	expect("unsubscribed nobody@" DOMAIN " -> " ALICE "\n");
	hear("unsubscribe", ALICE, "nobody@" DOMAIN);
	expect("");
}

static void what_is_no_question_has_no_answer(void **state)
{
	(void)state;
	static const char *const types[] = { NULL,         "unavailable",
					     "subscribed", "unsubscribed",
					     "error",      "dance" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		hear(types[i], ALICE "/phone", NUMBER);
		hear(types[i], ALICE "/phone", "nobody@" DOMAIN);
	}
	hear("subscribe", "echo@" DOMAIN, NUMBER);
	expect("");
}

static void every_owner_is_told_once(void **state)
{
	(void)state;
	presence_stream_up(&gateway);
	expect("available " DOMAIN "/gateway -> " ALICE "\n"
	       "available " DOMAIN "/gateway -> bob@example.org\n");
}

#define PRESENCE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRESENCE_TEST(a_subscription_is_granted_and_asked_back),
		PRESENCE_TEST(it_is_asked_back_once),
		PRESENCE_TEST(after_its_end_it_is_asked_back_again),
		PRESENCE_TEST(two_gateways_do_not_ask_each_other_for_ever),
		PRESENCE_TEST(a_probe_is_answered_to_who_sent_it),
		PRESENCE_TEST(nobody_lives_at_other_localparts),
		PRESENCE_TEST(what_is_no_question_has_no_answer),
		PRESENCE_TEST(every_owner_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
