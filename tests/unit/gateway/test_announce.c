/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/service/announce.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "db/account.h"
#include "db/contact.h"
#include "tests/unit/gateway/config_rig.h"
#define OWN_ACCOUNT_EACH_NUMBER
#include "tests/unit/gateway/no_accounts.h"
#include "tests/unit/gateway/no_calls.h"
#include "tests/unit/gateway/no_contacts.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define DOMAIN "tel.example.org"

static const char text[] =
	"xmpp { domain = \"" DOMAIN "\" secret = \"s\" }\n"
	"trunk \"carrier\" { proxy = \"sip:192.0.2.1\""
	" allow = { \"192.0.2.0/24\" } }\n"
	"number \"+15557654321\" { owner = \"alice@example.org\" }\n"
	"number \"+15557654322\" { owner = \"Alice@Example.org\" }\n";

/* ---- what announcing asks of others ---- */

static char said[2000];
static unsigned shown, hidden;
static bool down, full;

int xmpp_stream_send(struct xmpp_stream *stream, const struct stanza *stanza)
{
	const char *type = stanza_attr(stanza, "type");
	size_t n = strlen(said);

	(void)stream;
	if (down)
		return XMPP_E_DOWN;
	if (full) {
		full = false;
		return XMPP_E_FULL;
	}
	shown += !type;
	hidden += type && !strcmp(type, "unavailable");
	if (n < sizeof(said) - 200)
		snprintf(said + n, sizeof(said) - n, "%s %s -> %s\n",
			 type ? type : "available", stanza_attr(stanza, "from"),
			 stanza_attr(stanza, "to"));
	return 0;
}

static const struct account_number added[] = {
	{ .number = "+15559999998",
	  .trunk = "carrier",
	  .owners = { "bob@example.org", "alice@example.org" },
	  .nowners = 2 },
	{ .number = "+15559999999",
	  .trunk = "carrier",
	  .owners = { "bob@example.org" },
	  .nowners = 1 },
};

static unsigned more_owners;

void account_each_number(const struct account_store *store, const char *owner,
			 account_number_fn fn, void *arg)
{
	(void)store;
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		if (!owner || !strcmp(owner, added[i].owners[0]))
			fn(&added[i], arg);
	for (unsigned i = 0; i < more_owners; i++) {
		char jid[32];

		snprintf(jid, sizeof(jid), "u%u@example.org", i);
		fn(&(struct account_number){ .owners = { jid }, .nowners = 1 },
		   arg);
	}
}

enum { MANY = 2 * ANNOUNCE_PART + 7 };
static struct contact contacts[MANY];
static char locals[MANY][16];
static size_t ncontacts;

const struct contact *contact_find(const struct contact_store *store,
				   const char *account, const char *local)
{
	(void)store;
	(void)account;
	(void)local;
	return NULL;
}

void contact_each(const struct contact_store *store, contact_fn fn, void *arg)
{
	(void)store;
	for (size_t i = 0; i < ncontacts; i++)
		fn(&contacts[i], arg);
}

const struct contact *contact_after(const struct contact_store *store,
				    const char *account, const char *local)
{
	(void)store;
	for (size_t i = 0; i < ncontacts; i++) {
		int r = strcmp(contacts[i].account, account);

		if (r > 0 || (!r && strcmp(contacts[i].local, local) > 0))
			return &contacts[i];
	}
	return NULL;
}

/* ---- */

static int set_up(void **state)
{
	(void)state;
	said[0] = '\0';
	shown = hidden = 0;
	down = full = false;
	more_owners = 0;
	ncontacts = 0;
	configure(text);
	gateway.base = event_base_new();
	return announce_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	announce_free(&gateway);
	event_base_free(gateway.base);
	config = config_free(config);
	return 0;
}

static void subscribe(const char *account, const char *local, bool subscribed)
{
	contacts[ncontacts++] = (struct contact){ .account = account,
						  .local = local,
						  .name = "",
						  .subscribed = subscribed };
}

static void run(void)
{
	assert_int_not_equal(event_base_dispatch(gateway.base), -1);
}

static void expect(const char *lines)
{
	assert_string_equal(said, lines);
	said[0] = '\0';
}

static void every_owner_is_told_of_the_domain_once(void **state)
{
	(void)state;
	announce_stream_up(&gateway);
	expect("available " DOMAIN "/gateway -> alice@example.org\n"
	       "available " DOMAIN "/gateway -> bob@example.org\n");
	run();
	expect("");
}

/* More than the queue of a stream holds. */
static void many_owners_are_told_in_parts_too(void **state)
{
	(void)state;
	more_owners = 3 * ANNOUNCE_PART;
	announce_stream_up(&gateway);
	assert_int_equal(shown, ANNOUNCE_PART);
	assert_false(announce_is_over(&gateway));
	full = true;
	run();
	assert_int_equal(shown, 3 * ANNOUNCE_PART + 2);
	assert_true(announce_is_over(&gateway));
	announce_leave(&gateway);
	assert_int_equal(hidden, 3 * ANNOUNCE_PART + 2);
	assert_true(announce_is_over(&gateway));
	full = true;
	announce_leave(&gateway);
	assert_false(announce_is_over(&gateway));
	run();
	assert_int_equal(hidden, 2 * (3 * ANNOUNCE_PART + 2));
}

static void subscribers_are_told_of_their_numbers(void **state)
{
	(void)state;
	subscribe("alice@example.org", "", true);
	subscribe("alice@example.org", "+15551234567", true);
	subscribe("alice@example.org", "+15551234568", false);
	subscribe("bob@example.org", "+15551234567", true);
	subscribe("mallory@example.org", "+15551234567", true);
	announce_stream_up(&gateway);
	run();
	expect("available " DOMAIN "/gateway -> alice@example.org\n"
	       "available " DOMAIN "/gateway -> bob@example.org\n"
	       "probe " DOMAIN " -> alice@example.org\n"
	       "available +15551234567@" DOMAIN "/sip -> alice@example.org\n"
	       "probe +15551234567@" DOMAIN " -> bob@example.org\n"
	       "available +15551234567@" DOMAIN "/sip -> bob@example.org\n");
}

static void fill(void)
{
	for (size_t i = 0; i < MANY; i++) {
		snprintf(locals[i], sizeof(locals[i]), "+1555%07zu", i);
		subscribe("alice@example.org", locals[i], true);
	}
}

static void many_are_told_in_parts(void **state)
{
	(void)state;
	fill();
	announce_stream_up(&gateway);
	assert_int_equal(shown, ANNOUNCE_PART);
	event_base_loop(gateway.base, EVLOOP_ONCE);
	assert_int_equal(shown, 2 * ANNOUNCE_PART);
	run();
	assert_int_equal(shown, MANY + 2);
}

/* What was lost with a stream is said on the next. */
static void a_stream_that_comes_back_is_told_all_again(void **state)
{
	(void)state;
	fill();
	announce_stream_up(&gateway);
	event_base_loop(gateway.base, EVLOOP_ONCE);
	down = true;
	run();
	down = false;
	shown = 0;
	announce_stream_up(&gateway);
	run();
	assert_int_equal(shown, MANY + 2);
}

static void a_full_stream_is_waited_for(void **state)
{
	(void)state;
	fill();
	full = true;
	announce_stream_up(&gateway);
	assert_int_equal(shown, 0);
	run();
	assert_false(full);
	assert_int_equal(shown, MANY + 2);
}

static void those_who_were_told_are_told_of_the_end(void **state)
{
	(void)state;
	subscribe("alice@example.org", "+15551234567", true);
	subscribe("alice@example.org", "+15551234568", false);
	announce_leave(&gateway);
	expect("unavailable " DOMAIN "/gateway -> alice@example.org\n"
	       "unavailable " DOMAIN "/gateway -> bob@example.org\n"
	       "unavailable +15551234567@" DOMAIN
	       "/sip -> alice@example.org\n");
}

#define ANNOUNCE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ANNOUNCE_TEST(every_owner_is_told_of_the_domain_once),
		ANNOUNCE_TEST(many_owners_are_told_in_parts_too),
		ANNOUNCE_TEST(subscribers_are_told_of_their_numbers),
		ANNOUNCE_TEST(many_are_told_in_parts),
		ANNOUNCE_TEST(a_stream_that_comes_back_is_told_all_again),
		ANNOUNCE_TEST(a_full_stream_is_waited_for),
		ANNOUNCE_TEST(those_who_were_told_are_told_of_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
