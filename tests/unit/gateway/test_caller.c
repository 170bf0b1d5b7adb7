/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/caller.h"

#include <stdio.h>
#include <string.h>

#include "db/contact.h"
#include "gateway/base/clock.h"
#include "gateway/gateway.h"
#include "gateway/service/presence.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define ALICE "alice@example.org"
#define BOB   "+15551234567"

/* ---- what callers ask of others ---- */

static struct contact kept;
static char kept_name[200];
static unsigned changes;

const struct contact *contact_find(const struct contact_store *store,
				   const char *account, const char *local)
{
	(void)store;
	return kept.account && !strcmp(account, ALICE) && !strcmp(local, BOB)
		       ? &kept
		       : NULL;
}

int contact_put(struct contact_store *store, const struct contact *contact)
{
	(void)store;
	changes++;
	snprintf(kept_name, sizeof(kept_name), "%s", contact->name);
	kept = *contact;
	kept.name = kept_name;
	return 0;
}

static char said[500];

int presence_show(struct gateway *gateway, const char *local, const char *to)
{
	(void)gateway;
	snprintf(said, sizeof(said), "presence %s -> %s", local, to);
	return 0;
}

int xmpp_stream_send(struct xmpp_stream *stream, const struct stanza *stanza)
{
	const struct stanza *event = stanza_find(
		stanza, "event", "http://jabber.org/protocol/pubsub#event");
	const struct stanza *items = stanza_find(event, "items", NULL);

	(void)stream;
	snprintf(said, sizeof(said), "%s %s -> %s %s %s",
		 stanza_attr(stanza, "type"), stanza_attr(stanza, "from"),
		 stanza_attr(stanza, "to"), stanza_attr(items, "node"),
		 stanza_text(stanza_first(stanza_first(items))));
	return 0;
}

/* ---- */

static struct gateway gateway;
static struct config config = { .xmpp.domain = (char[]){ "tel.example.org" } };

static int set_up(void **state)
{
	(void)state;
	gateway.config = &config;
	kept = (struct contact){ 0 };
	said[0] = '\0';
	changes = 0;
	return 0;
}

static void a_name_is_kept_for_who_was_called(void **state)
{
	(void)state;
	caller_keep_name(&gateway, ALICE, BOB, "Bob");
	assert_string_equal(caller_name(&gateway, ALICE, BOB), "Bob");
	assert_null(caller_name(&gateway, "carol@example.org", BOB));
	caller_keep_name(&gateway, ALICE, BOB, "Bob");
	assert_int_equal(changes, 1);
	caller_keep_name(&gateway, ALICE, BOB, "Robert");
	assert_string_equal(caller_name(&gateway, ALICE, BOB), "Robert");
	assert_int_equal(changes, 2);
}

static void it_is_known_on_which_day_it_was_seen_last(void **state)
{
	(void)state;
	caller_keep_name(&gateway, ALICE, BOB, "Bob");
	kept.seen_ms -= 2 * 86400000;
	caller_keep_name(&gateway, ALICE, BOB, "Bob");
	assert_int_equal(changes, 2);
	assert_true(clock_wall_ms() - kept.seen_ms < 60000);
}

static void a_number_is_no_name(void **state)
{
	(void)state;
	static const char *const displays[] = { "", " ", BOB,
						"+1 (555) 123-4567",
						"555/123.4567" };

	for (size_t i = 0; i < sizeof(displays) / sizeof(displays[0]); i++)
		caller_keep_name(&gateway, ALICE, BOB, displays[i]);
	caller_keep_name(&gateway, ALICE, "anonymous", "Bob");
	assert_int_equal(changes, 0);
}

static void a_name_that_is_no_text_becomes_one(void **state)
{
	(void)state;
	char display[CALLER_NAME_MAX * 2];

	caller_keep_name(&gateway, ALICE, BOB,
			 "B\x01o\xff"
			 "b");
	assert_string_equal(kept.name, "B\xef\xbf\xbdo\xef\xbf\xbd"
				       "b");
	memset(display, 'x', sizeof(display));
	display[sizeof(display) - 1] = '\0';
	caller_keep_name(&gateway, ALICE, BOB, display);
	assert_int_equal(strlen(kept.name), CALLER_NAME_MAX);
}

static void a_name_changes_no_subscription(void **state)
{
	(void)state;
	kept = (struct contact){ ALICE, BOB, "", true, 1, "" };
	caller_keep_name(&gateway, ALICE, BOB, "Bob");
	assert_true(kept.subscribed);
}

static void who_is_not_subscribed_gets_presence(void **state)
{
	(void)state;
	caller_introduce(&gateway, ALICE, BOB);
	assert_string_equal(said, "presence " BOB " -> " ALICE);
	kept = (struct contact){ ALICE, BOB, "Bob", false, 1, "" };
	said[0] = '\0';
	caller_introduce(&gateway, ALICE, BOB);
	assert_string_equal(said, "presence " BOB " -> " ALICE);
}

static void who_is_subscribed_gets_the_nickname(void **state)
{
	(void)state;
	kept = (struct contact){ ALICE, BOB, "", true, 1, "" };
	caller_introduce(&gateway, ALICE, BOB);
	assert_string_equal(said, "");
	kept.name = "Bob";
	caller_introduce(&gateway, ALICE, BOB);
	assert_string_equal(said, "headline " BOB "@tel.example.org -> " ALICE
				  " http://jabber.org/protocol/nick Bob");
}

#define CALLER_TEST(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALLER_TEST(a_name_is_kept_for_who_was_called),
		CALLER_TEST(it_is_known_on_which_day_it_was_seen_last),
		CALLER_TEST(a_number_is_no_name),
		CALLER_TEST(a_name_that_is_no_text_becomes_one),
		CALLER_TEST(a_name_changes_no_subscription),
		CALLER_TEST(who_is_not_subscribed_gets_presence),
		CALLER_TEST(who_is_subscribed_gets_the_nickname),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
