/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/service/presence.h"

#include <stdio.h>
#include <string.h>

#include "db/contact.h"
#include "gateway/leg/leg_xmpp.h"
#define OWN_ACCOUNT_EACH_NUMBER
#include "tests/unit/gateway/config_rig.h"
#include "tests/unit/gateway/no_accounts.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define DOMAIN "tel.example.org"
#define NUMBER "+15551234567@" DOMAIN
#define ALICE  "alice@example.org"
#define CAROL  "carol@example.org" /* has her number by a command */

static const char text[] =
	"xmpp { domain = \"" DOMAIN "\" secret = \"s\" }\n"
	"trunk \"carrier\" { proxy = \"sip:192.0.2.1\""
	" allow = { \"192.0.2.0/24\" } short_codes = { \"*98\" } }\n"
	"emergency { numbers = { \"112\" } trunk = \"carrier\" }\n"
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

static unsigned calls;

unsigned leg_xmpp_calls_of(const struct gateway *of, const char *account)
{
	(void)of;
	(void)account;
	return calls;
}

/* By bare JIDs alone, as db/account.h has it. */
void account_each_number(const struct account_store *store, const char *owner,
			 account_number_fn fn, void *arg)
{
	static const struct account_number number = { .number = "+15557654323",
						      .trunk = "carrier",
						      .owners = { CAROL },
						      .nowners = 1,
						      .texts = "" };

	(void)store;
	if (owner && !strcmp(owner, CAROL))
		fn(&number, arg);
}

/* One contact is enough. */
static struct contact kept;
static char kept_account[100], kept_local[100];
static unsigned changes;

const struct contact *contact_find(const struct contact_store *store,
				   const char *account, const char *local)
{
	(void)store;
	return kept.account && !strcmp(kept.account, account) &&
			       !strcmp(kept.local, local)
		       ? &kept
		       : NULL;
}

const struct contact *contact_after(const struct contact_store *store,
				    const char *account, const char *local)
{
	(void)store;
	return kept.account && strcmp(kept.account, account) >= 0 &&
			       strcmp(kept.local, local) > 0
		       ? &kept
		       : NULL;
}

int contact_put(struct contact_store *store, const struct contact *contact)
{
	(void)store;
	changes++;
	snprintf(kept_account, sizeof(kept_account), "%s", contact->account);
	snprintf(kept_local, sizeof(kept_local), "%s", contact->local);
	kept = *contact;
	kept.account = kept_account;
	kept.local = kept_local;
	return 0;
}

int contact_drop(struct contact_store *store, const char *account,
		 const char *local)
{
	assert_non_null(contact_find(store, account, local));
	changes++;
	kept = (struct contact){ 0 };
	return 0;
}

/* ---- */

static int set_up(void **state)
{
	(void)state;
	said[0] = '\0';
	asked = changes = calls = 0;
	kept = (struct contact){ 0 };
	configure(text);
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
	expect("unsubscribed " NUMBER " -> " ALICE "\n"
	       "unavailable " NUMBER "/sip -> " ALICE "\n");
	hear("subscribe", ALICE, NUMBER);
	assert_int_equal(asked, 2);
}

static void who_is_none_of_ours_any_more_is_let_go(void **state)
{
	(void)state;
	hear("subscribe", ALICE, NUMBER);
	said[0] = '\0';
	presence_part(&gateway, "bob@example.org");
	expect("");
	presence_part(&gateway, ALICE);
	expect("unsubscribe " NUMBER " -> " ALICE "\n"
	       "unsubscribed " NUMBER " -> " ALICE "\n"
	       "unavailable " NUMBER "/sip -> " ALICE "\n");
	hear("unsubscribe", ALICE, NUMBER);
	hear("subscribe", ALICE, DOMAIN);
	said[0] = '\0';
	presence_part(&gateway, ALICE);
	expect("unsubscribe " DOMAIN " -> " ALICE "\n"
	       "unsubscribed " DOMAIN " -> " ALICE "\n"
	       "unavailable " DOMAIN "/gateway -> " ALICE "\n");
}

/* Dino and Movim ask for presence before they call. */
static void codes_before_numbers_and_of_trunks_are_there(void **state)
{
	(void)state;
	static const char *const there[] = { "*67+15551234567",
					     "#31#+15551234567", "*98", "112" };
	static const char *const not_there[] = { "*67", "*68+15551234567",
						 "*99", "911", "5551234567" };
	enum disco_entity entity;

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		assert_true(presence_entity(&entity, &gateway, ALICE "/phone",
					    there[i]));
	for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++)
		assert_false(presence_entity(&entity, &gateway, ALICE "/phone",
					     not_there[i]));
	assert_false(
		presence_entity(&entity, &gateway, "bob@example.org", "*98"));
}

static void presence_does_not_end_in_a_call(void **state)
{
	(void)state;
	hear("subscribe", ALICE, NUMBER);
	said[0] = '\0';
	calls = 1;
	presence_part(&gateway, ALICE);
	expect("unsubscribe " NUMBER " -> " ALICE "\n"
	       "unsubscribed " NUMBER " -> " ALICE "\n");
	hear("unsubscribe", ALICE, NUMBER);
	expect("unsubscribed " NUMBER " -> " ALICE "\n");
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
	hear("probe", CAROL "/phone", "*98@" DOMAIN);
	expect("available *98@" DOMAIN "/sip -> " CAROL "/phone\n");
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

/* To be told at the next start. */
static void a_subscription_of_an_owner_is_kept_until_its_end(void **state)
{
	(void)state;
	hear("subscribe", ALICE "/phone", NUMBER);
	assert_string_equal(kept.account, ALICE);
	assert_string_equal(kept.local, "+15551234567");
	assert_true(kept.subscribed);
	hear("subscribe", ALICE, NUMBER);
	assert_int_equal(changes, 1);
	hear("unsubscribe", ALICE, NUMBER);
	assert_null(kept.account);
	hear("unsubscribe", ALICE, NUMBER);
	assert_int_equal(changes, 2);
}

static void a_name_outlives_the_subscription(void **state)
{
	(void)state;
	kept = (struct contact){ .account = ALICE,
				 .local = "+15551234567",
				 .name = "Bob" };
	hear("subscribe", ALICE, NUMBER);
	assert_true(kept.subscribed);
	assert_string_equal(kept.name, "Bob");
	hear("unsubscribe", ALICE, NUMBER);
	assert_false(kept.subscribed);
	assert_string_equal(kept.name, "Bob");
}

static void a_stranger_leaves_nothing_behind(void **state)
{
	(void)state;
	hear("subscribe", "mallory@example.org", NUMBER);
	assert_int_equal(asked, 1);
	assert_int_equal(changes, 0);
}

static void what_is_shown_can_be_hidden(void **state)
{
	(void)state;
	assert_int_equal(presence_show(&gateway, "+15551234567", ALICE), 0);
	expect("available " NUMBER "/sip -> " ALICE "\n");
	presence_hide(&gateway, "+15551234567", ALICE);
	expect("unavailable " NUMBER "/sip -> " ALICE "\n");
	assert_int_equal(presence_show(&gateway, "nobody", ALICE), -EINVAL);
	expect("");
}

#define PRESENCE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRESENCE_TEST(a_subscription_is_granted_and_asked_back),
		PRESENCE_TEST(it_is_asked_back_once),
		PRESENCE_TEST(after_its_end_it_is_asked_back_again),
		PRESENCE_TEST(presence_does_not_end_in_a_call),
		PRESENCE_TEST(who_is_none_of_ours_any_more_is_let_go),
		PRESENCE_TEST(codes_before_numbers_and_of_trunks_are_there),
		PRESENCE_TEST(two_gateways_do_not_ask_each_other_for_ever),
		PRESENCE_TEST(a_probe_is_answered_to_who_sent_it),
		PRESENCE_TEST(nobody_lives_at_other_localparts),
		PRESENCE_TEST(what_is_no_question_has_no_answer),
		PRESENCE_TEST(a_subscription_of_an_owner_is_kept_until_its_end),
		PRESENCE_TEST(a_name_outlives_the_subscription),
		PRESENCE_TEST(a_stranger_leaves_nothing_behind),
		PRESENCE_TEST(what_is_shown_can_be_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
