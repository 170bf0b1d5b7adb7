/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/service/service.h"

#include <string.h>

#include "db/contact.h"
#include "gateway/admin/registration.h"
#include "gateway/service/presence.h"
#include "tests/unit/gateway/config_rig.h"
#include "tests/unit/gateway/no_accounts.h"
#include "tests/unit/gateway/no_calls.h"
#include "tests/unit/gateway/no_contacts.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#define DOMAIN     "tel.example.org"
#define ALICE      "alice@example.org"
#define STRANGER   "stranger@example.net"
#define NUMBER     "+15551234567"
#define NS_GATEWAY "jabber:iq:gateway"
#define NS_EXT     "urn:xmpp:extdisco:2"
#define NS_CARD4   "urn:ietf:params:xml:ns:vcard-4.0"
#define NS_PUBSUB  "http://jabber.org/protocol/pubsub"
#define NS_NICK    "http://jabber.org/protocol/nick"

static const char text[] =
	"xmpp { domain = \"" DOMAIN "\" secret = \"s\" }\n"
	"trunk \"carrier\" { proxy = \"sip:192.0.2.1\""
	" allow = { \"192.0.2.0/24\" } }\n"
	"trunk \"pbx\" { proxy = \"sip:pbx.example.org:5070\""
	" from_domain = \"office.example.org\" }\n"
	"number \"+15557654321\" { owner = \"" ALICE
	"\" trunk = \"carrier\" }\n";

/* ---- what services ask of others ---- */

const struct contact *contact_after(const struct contact_store *store,
				    const char *account, const char *local)
{
	(void)store;
	(void)account;
	(void)local;
	return NULL;
}

const struct contact *contact_find(const struct contact_store *store,
				   const char *account, const char *local)
{
	static const struct contact bob = { ALICE, "+15550001111",
					    "Bob", false,
					    1,     "" };

	(void)store;
	return !strcmp(account, bob.account) && !strcmp(local, bob.local)
		       ? &bob
		       : NULL;
}

/* No registration is configured. */
bool registration_is_for(const struct gateway *of, const char *account)
{
	(void)of;
	(void)account;
	return false;
}

int registration_answer(struct stanza **reply,
			const struct service_query *query)
{
	(void)reply;
	(void)query;
	return -EINVAL;
}

/* ---- */

static int set_up(void **state)
{
	(void)state;
	configure(text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config = config_free(config);
	return 0;
}

static struct stanza *iq_new(const char *type, const char *from,
			     const char *local)
{
	struct stanza *iq = NULL;

	assert_int_equal(stanza_new(&iq, "iq", NULL), 0);
	stanza_set(iq, "type", type);
	stanza_set(iq, "id", "i1");
	stanza_setf(iq, "from", "%s/phone", from);
	stanza_setf(iq, "to", *local ? "%s@" DOMAIN : "%s" DOMAIN, local);
	return iq;
}

/* The answer that @from gets from what lives at @local; frees @iq. */
static struct stanza *ask(struct stanza *iq, const char *from,
			  const char *local)
{
	struct stanza *reply = NULL;
	struct service_query query = {
		.gateway = &gateway, .iq = iq, .local = local, .account = from
	};

	assert_true(stanza_ok(iq));
	assert_true(presence_entity(&query.entity, &gateway, from, local));
	int r = service_answer(&reply, &query);
	assert_int_equal(r, reply ? 0 : SERVICE_E_UNKNOWN);
	stanza_free(iq);
	return reply;
}

static void assert_error(const struct stanza *reply, const char *condition)
{
	assert_non_null(reply);
	assert_string_equal(stanza_attr(reply, "type"), "error");
	assert_string_equal(stanza_error_condition(reply), condition);
}

/* ---- jabber:iq:gateway ---- */

static struct stanza *type_in(const char *from, const char *typed)
{
	struct stanza *iq = iq_new("set", from, "");

	stanza_child_text(stanza_child(iq, "query", NS_GATEWAY), "prompt", NULL,
			  typed);
	return ask(iq, from, "");
}

static void the_prompt_says_what_is_asked_for(void **state)
{
	(void)state;
	struct stanza *iq = iq_new("get", STRANGER, "");

	stanza_child(iq, "query", NS_GATEWAY);
	AUTO(stanza_freep) struct stanza *reply = ask(iq, STRANGER, "");
	const struct stanza *query = stanza_find(reply, "query", NS_GATEWAY);
	assert_string_equal(stanza_find_text(query, "prompt", NULL),
			    "Telephone number");
	assert_non_null(stanza_find_text(query, "desc", NULL));
}

static void what_is_typed_becomes_an_address(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *jid;
	} rows[] = {
		{ "+15551234567", NUMBER "@" DOMAIN },
		{ "(555) 123-4567", NUMBER "@" DOMAIN },
		{ "  555 123 4567  ", NUMBER "@" DOMAIN },
		{ "tel:+1-555-123-4567;ext=89", NUMBER "@" DOMAIN },
		{ "011 49 30 1234567", "+49301234567@" DOMAIN },
		{ "+15551234567@" DOMAIN, NUMBER "@" DOMAIN },
		{ "5551234567@" DOMAIN, NUMBER "@" DOMAIN },
		{ "sip:+15551234567@sip.carrier.example;user=phone",
		  NUMBER "@" DOMAIN },
		{ "sip:alice@pbx.example.org", "alice\\40pbx@" DOMAIN },
		{ "sip:alice@pbx.example.org:5070;transport=tcp",
		  "alice\\40pbx@" DOMAIN },
		{ "sip:al%69ce@office.example.org", "alice\\40pbx@" DOMAIN },
		{ "alice@pbx", "alice\\40pbx@" DOMAIN },
		{ "*675551234567", "*67" NUMBER "@" DOMAIN },
		{ "#31#+15551234567", "#31#" NUMBER "@" DOMAIN },
		{ "12345", "12345;phone-context=ca-us.phone-context.soprani."
			   "ca@" DOMAIN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(stanza_freep)
		struct stanza *reply = type_in(ALICE, rows[i].typed);
		const char *jid = stanza_find_text(
			stanza_find(reply, "query", NS_GATEWAY), "jid", NULL);

		if (!jid)
			fail_msg("%s has no address", rows[i].typed);
		assert_string_equal(jid, rows[i].jid);
		assert_string_equal(stanza_attr(reply, "id"), "i1");
	}
}

static void what_is_no_address_is_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct {
		const char *from, *typed, *why;
	} rows[] = {
		{ ALICE, "", "neither" },
		{ ALICE, "bob", "neither" },
		{ ALICE, "1234567", "area code" },
		{ ALICE, "+9991234567", "country code" },
		{ STRANGER, "5551234567", "country code" },
		{ ALICE, "sips:alice@pbx.example.org", "neither" },
		{ ALICE, "sip:alice@elsewhere.example", "neither" },
		{ ALICE, "mailto:alice@pbx.example.org", "neither" },
		{ ALICE, "sip:a%0d%0ab@pbx.example.org", "neither" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(stanza_freep)
		struct stanza *reply = type_in(rows[i].from, rows[i].typed);
		const struct stanza *error = stanza_find(reply, "error", NULL);

		assert_error(reply, "not-acceptable");
		assert_string_equal(stanza_attr(error, "type"), "modify");
		const char *why =
			stanza_find_text(error, "text", STANZA_NS_ERROR);
		if (!strstr(why, rows[i].why))
			fail_msg("%s: %s", rows[i].typed, why);
	}
}

static void nothing_typed_is_a_bad_request(void **state)
{
	(void)state;
	struct stanza *iq = iq_new("set", ALICE, "");

	stanza_child(iq, "query", NS_GATEWAY);
	AUTO(stanza_freep) struct stanza *reply = ask(iq, ALICE, "");
	assert_error(reply, "bad-request");
}

static void an_endless_text_is_no_address(void **state)
{
	(void)state;
	char typed[4000];

	memset(typed, '5', sizeof(typed));
	typed[sizeof(typed) - 1] = '\0';
	AUTO(stanza_freep) struct stanza *reply = type_in(ALICE, typed);
	assert_error(reply, "not-acceptable");
}

/* ---- jabber:iq:register ---- */

static struct stanza *registration(const char *type, const char *from,
				   const char *child)
{
	struct stanza *iq = iq_new(type, from, "");
	struct stanza *query = stanza_child(iq, "query", "jabber:iq:register");

	if (child)
		stanza_child(query, child, NULL);
	return ask(iq, from, "");
}

static void who_has_a_number_is_registered(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *reply = registration("get", ALICE, NULL);
	const struct stanza *query =
		stanza_find(reply, "query", "jabber:iq:register");

	assert_non_null(stanza_find(query, "registered", NULL));
	assert_non_null(stanza_find_text(query, "instructions", NULL));
	assert_null(stanza_find(query, "username", NULL));
	assert_null(stanza_find(query, "password", NULL));
}

static void nobody_registers_or_leaves_by_himself(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *get = registration("get", STRANGER, NULL);
	AUTO(stanza_freep)
	struct stanza *set = registration("set", STRANGER, "username");
	AUTO(stanza_freep)
	struct stanza *leave = registration("set", ALICE, "remove");

	assert_error(get, "not-allowed");
	assert_error(set, "not-allowed");
	assert_error(leave, "not-allowed");
}

/* ---- XEP-0215 ---- */

static struct stanza *services(const char *from, const char *type)
{
	struct stanza *iq = iq_new("get", from, "");

	stanza_set(stanza_child(iq, "services", NS_EXT), "type", type);
	return ask(iq, from, "");
}

static void who_has_a_number_learns_where_telephones_are(void **state)
{
	(void)state;
	static const char *const types[] = { NULL, "sip" };

	for (size_t i = 0; i < 2; i++) {
		AUTO(stanza_freep)
		struct stanza *reply = services(ALICE, types[i]);
		const struct stanza *list =
			stanza_find(reply, "services", NS_EXT);
		const struct stanza *sip = stanza_find(list, "service", NULL);

		assert_string_equal(stanza_attr(sip, "type"), "sip");
		assert_string_equal(stanza_attr(sip, "host"), DOMAIN);
		assert_null(stanza_attr(sip, "password"));
	}
}

static void there_is_no_other_service_and_none_for_strangers(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *turn = services(ALICE, "turn");
	AUTO(stanza_freep) struct stanza *none = services(STRANGER, "sip");
	const struct stanza *list = stanza_find(turn, "services", NS_EXT);

	assert_string_equal(stanza_attr(turn, "type"), "result");
	assert_string_equal(stanza_attr(list, "type"), "turn");
	assert_null(stanza_first(list));
	assert_error(none, "forbidden");
}

static void nobody_gets_credentials(void **state)
{
	(void)state;
	struct stanza *iq = iq_new("get", ALICE, "");
	struct stanza *service = stanza_child(
		stanza_child(iq, "credentials", NS_EXT), "service", NULL);

	stanza_set(service, "host", DOMAIN);
	stanza_set(service, "type", "sip");
	AUTO(stanza_freep) struct stanza *reply = ask(iq, ALICE, "");
	assert_error(reply, "item-not-found");
}

/* ---- cards ---- */

static struct stanza *card(const char *from, const char *local,
			   const char *name, const char *ns)
{
	struct stanza *iq = iq_new("get", from, local);

	stanza_child(iq, name, ns);
	return ask(iq, from, local);
}

static struct stanza *items(const char *from, const char *local,
			    const char *node)
{
	struct stanza *iq = iq_new("get", from, local);
	struct stanza *pubsub = stanza_child(iq, "pubsub", NS_PUBSUB);

	stanza_set(stanza_child(pubsub, "items", NULL), "node", node);
	return ask(iq, from, local);
}

struct face {
	const char *from, *local, *name, *nick, *number;
};

/* XEP-0292 */
static void assert_card4(const struct stanza *vcard, const struct face *face)
{
	const struct stanza *fn = stanza_find(vcard, "fn", NULL);
	const struct stanza *nick = stanza_find(vcard, "nickname", NULL);
	const struct stanza *tel = stanza_find(vcard, "tel", NULL);

	assert_string_equal(stanza_find_text(fn, "text", NULL), face->name);
	if (face->nick)
		assert_string_equal(stanza_find_text(nick, "text", NULL),
				    face->nick);
	else
		assert_null(nick);
	if (!face->number) {
		assert_null(tel);
		return;
	}
	/* "tel:" and the number may be two pieces of text */
	assert_string_equal(stanza_find_text(tel, "uri", NULL), face->number);
}

static void assert_old_card(const struct stanza *vcard, const struct face *face)
{
	const struct stanza *tel = stanza_find(vcard, "TEL", NULL);

	assert_string_equal(stanza_find_text(vcard, "FN", NULL), face->name);
	if (face->nick)
		assert_string_equal(stanza_find_text(vcard, "NICKNAME", NULL),
				    face->nick);
	else
		assert_null(stanza_find(vcard, "NICKNAME", NULL));
	if (!face->number) {
		assert_null(tel);
		return;
	}
	assert_non_null(stanza_find(tel, "VOICE", NULL));
	assert_string_equal(stanza_find_text(tel, "NUMBER", NULL),
			    face->number + strlen("tel:"));
}

static const struct stanza *item_of(const struct stanza *reply)
{
	const struct stanza *pubsub = stanza_find(reply, "pubsub", NS_PUBSUB);

	return stanza_first(
		stanza_find(stanza_find(pubsub, "items", NULL), "item", NULL));
}

static void assert_face(const struct face *face)
{
	AUTO(stanza_freep)
	struct stanza *new = card(face->from, face->local, "vcard", NS_CARD4);
	AUTO(stanza_freep)
	struct stanza *old =
		card(face->from, face->local, "vCard", "vcard-temp");
	AUTO(stanza_freep)
	struct stanza *pep = items(face->from, face->local, "urn:xmpp:vcard4");
	AUTO(stanza_freep)
	struct stanza *nick = items(face->from, face->local, NS_NICK);

	assert_card4(stanza_find(new, "vcard", NS_CARD4), face);
	assert_old_card(stanza_find(old, "vCard", "vcard-temp"), face);
	assert_card4(item_of(pep), face);
	assert_true(stanza_is(item_of(nick), "nick", NS_NICK));
	assert_string_equal(stanza_text(item_of(nick)), face->name);
}

static void every_address_has_a_card(void **state)
{
	(void)state;
	static const struct face faces[] = {
		{ STRANGER, "", "Tandem", NULL, NULL },
		{ STRANGER, "echo", "Tandem echo test", NULL, NULL },
		{ STRANGER, NUMBER, "+1 555-123-4567", NULL, "tel:" NUMBER },
		{ ALICE, "anonymous", "anonymous", NULL, NULL },
		{ ALICE, "bob\\40carrier", "bob@carrier", NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(faces) / sizeof(faces[0]); i++)
		assert_face(&faces[i]);
}

static void a_callers_name_is_told_to_whom_he_called_alone(void **state)
{
	(void)state;
	static const struct face faces[] = {
		{ ALICE, "+15550001111", "Bob", "Bob", "tel:+15550001111" },
		{ STRANGER, "+15550001111", "+1 555-000-1111", NULL,
		  "tel:+15550001111" },
	};

	assert_face(&faces[0]);
	assert_face(&faces[1]);
}

static void a_card_cannot_be_changed_and_other_nodes_are_none(void **state)
{
	(void)state;
	struct stanza *iq = iq_new("set", ALICE, NUMBER);
	struct stanza *create = iq_new("set", ALICE, NUMBER);

	stanza_child(iq, "vCard", "vcard-temp");
	AUTO(stanza_freep) struct stanza *set = ask(iq, ALICE, NUMBER);
	AUTO(stanza_freep)
	struct stanza *other = items(ALICE, NUMBER, "urn:xmpp:avatar:data");
	AUTO(stanza_freep) struct stanza *none = items(ALICE, NUMBER, NULL);
	stanza_child(stanza_child(create, "pubsub", NS_PUBSUB), "create", NULL);
	AUTO(stanza_freep) struct stanza *made = ask(create, ALICE, NUMBER);
	assert_error(set, "not-allowed");
	assert_error(other, "item-not-found");
	assert_error(none, "item-not-found");
	assert_error(made, "feature-not-implemented");
}

/* ---- */

static void what_is_the_domains_is_asked_of_it_alone(void **state)
{
	(void)state;
	static const struct {
		const char *name, *ns;
	} rows[] = {
		{ "query", NS_GATEWAY },
		{ "query", "jabber:iq:register" },
		{ "services", NS_EXT },
		{ "query", "jabber:iq:roster" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_null(card(ALICE, NUMBER, rows[i].name, rows[i].ns));
	assert_null(card(ALICE, "", "query", "jabber:iq:roster"));
}

#define SERVICE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVICE_TEST(the_prompt_says_what_is_asked_for),
		SERVICE_TEST(what_is_typed_becomes_an_address),
		SERVICE_TEST(what_is_no_address_is_refused_with_the_reason),
		SERVICE_TEST(nothing_typed_is_a_bad_request),
		SERVICE_TEST(an_endless_text_is_no_address),
		SERVICE_TEST(who_has_a_number_is_registered),
		SERVICE_TEST(nobody_registers_or_leaves_by_himself),
		SERVICE_TEST(who_has_a_number_learns_where_telephones_are),
		SERVICE_TEST(there_is_no_other_service_and_none_for_strangers),
		SERVICE_TEST(nobody_gets_credentials),
		SERVICE_TEST(every_address_has_a_card),
		SERVICE_TEST(a_callers_name_is_told_to_whom_he_called_alone),
		SERVICE_TEST(a_card_cannot_be_changed_and_other_nodes_are_none),
		SERVICE_TEST(what_is_the_domains_is_asked_of_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
