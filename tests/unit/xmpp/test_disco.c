/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/disco.h"

#include <stdio.h>
#include <string.h>

#include "tests/fail_alloc.h"
#include "tests/test.h"
#include "xmpp/caps.h"
#include "xmpp/stanza.h"

#define NUMBER "+15551234567@tel.example.org"

static struct stanza *query(const char *type, const char *to, const char *name,
			    const char *ns, const char *node)
{
	struct stanza *iq = NULL;

	assert_int_equal(stanza_new(&iq, "iq", NULL), 0);
	stanza_set(iq, "type", type);
	stanza_set(iq, "id", "i1");
	stanza_set(iq, "from", "alice@example.org/phone");
	stanza_set(iq, "to", to);
	stanza_set(stanza_child(iq, name, ns), "node", node);
	assert_true(stanza_ok(iq));
	return iq;
}

/* disco#info of @entity; NULL @node: none. */
static struct stanza *info_of(enum disco_entity entity, const char *node)
{
	AUTO(stanza_freep)
	struct stanza *iq = query("get", NUMBER, "query", DISCO_NS_INFO, node);
	struct stanza *reply = NULL;

	assert_int_equal(disco_answer(&reply, iq, entity), 0);
	assert_string_equal(stanza_attr(reply, "from"), NUMBER);
	assert_string_equal(stanza_attr(reply, "to"),
			    "alice@example.org/phone");
	assert_string_equal(stanza_attr(reply, "id"), "i1");
	return reply;
}

static void assert_error(const struct stanza *reply, const char *condition)
{
	assert_string_equal(stanza_attr(reply, "type"), "error");
	assert_string_equal(stanza_error_condition(reply), condition);
}

static bool has_feature(const struct stanza *reply, const char *var)
{
	const struct stanza *child;

	STANZA_FOREACH(child, stanza_find(reply, "query", DISCO_NS_INFO))
		if (stanza_is(child, "feature", DISCO_NS_INFO) &&
		    !strcmp(stanza_attr(child, "var"), var))
			return true;
	return false;
}

static void a_number_has_what_call_buttons_ask_for(void **state)
{
	(void)state;
	static const char *const wanted[] = {
		"http://jabber.org/protocol/caps",
		"http://jabber.org/protocol/disco#info",
		"urn:ietf:rfc:3264",
		"urn:xmpp:jingle-message:0",
		"urn:xmpp:jingle:1",
		"urn:xmpp:jingle:apps:dtls:0",
		"urn:xmpp:jingle:apps:rtp:1",
		"urn:xmpp:jingle:apps:rtp:audio",
		"urn:xmpp:jingle:transports:ice-udp:1",
		"urn:xmpp:receipts",
	};
	AUTO(stanza_freep) struct stanza *reply = info_of(DISCO_NUMBER, NULL);
	const struct stanza *identity = stanza_find(
		stanza_find(reply, "query", DISCO_NS_INFO), "identity", NULL);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		assert_true(has_feature(reply, wanted[i]));
	assert_false(has_feature(reply, "urn:xmpp:jingle:apps:rtp:video"));
	assert_string_equal(stanza_attr(identity, "category"), "client");
	assert_string_equal(stanza_attr(identity, "type"), "phone");
}

static void the_domain_is_a_gateway_to_the_pstn(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *reply = info_of(DISCO_GATEWAY, NULL);
	const struct stanza *child;
	bool pstn = false, sip = false;

	STANZA_FOREACH(child, stanza_find(reply, "query", DISCO_NS_INFO)) {
		if (!stanza_is(child, "identity", DISCO_NS_INFO))
			continue;
		assert_string_equal(stanza_attr(child, "category"), "gateway");
		pstn |= !strcmp(stanza_attr(child, "type"), "pstn");
		sip |= !strcmp(stanza_attr(child, "type"), "sip");
	}
	assert_true(pstn);
	assert_true(sip);
	assert_true(has_feature(reply, "jid\\20escaping"));
	assert_false(has_feature(reply, "urn:xmpp:jingle:1"));
}

static void who_may_command_it_finds_all_else_as_well(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *all = info_of(DISCO_COMMANDED, NULL);
	AUTO(stanza_freep) struct stanza *some = info_of(DISCO_GATEWAY, NULL);
	const struct stanza *child;

	STANZA_FOREACH(child, stanza_find(some, "query", DISCO_NS_INFO)) {
		if (stanza_is(child, "feature", DISCO_NS_INFO))
			assert_true(
				has_feature(all, stanza_attr(child, "var")));
	}
	assert_true(has_feature(all, "http://jabber.org/protocol/commands"));
}

/* What a client computes from our answer is what our presence says. */
static void hash_of_reply(char out[static CAPS_HASH_CAP],
			  const struct stanza *reply)
{
	struct caps_identity identities[4];
	const char *features[32];
	struct caps_info info = { .identities = identities,
				  .features = features };
	const struct stanza *child;
	const char *last = "";

	STANZA_FOREACH(child, stanza_find(reply, "query", DISCO_NS_INFO)) {
		if (!strcmp(stanza_name(child), "identity")) {
			identities[info.nidentities++] = (struct caps_identity){
				stanza_attr(child, "category"),
				stanza_attr(child, "type"), NULL,
				stanza_attr(child, "name")
			};
			continue;
		}
		features[info.nfeatures] = stanza_attr(child, "var");
		assert_true(strcmp(last, features[info.nfeatures]) < 0);
		last = features[info.nfeatures++];
	}
	assert_int_equal(caps_hash(out, &info), 0);
}

static void presence_has_the_hash_of_sorted_features(void **state)
{
	(void)state;
	for (enum disco_entity i = DISCO_GATEWAY; i <= DISCO_ECHO; i++) {
		AUTO(stanza_freep) struct stanza *reply = info_of(i, NULL);
		AUTO(stanza_freep) struct stanza *presence = NULL;
		char hash[CAPS_HASH_CAP];

		hash_of_reply(hash, reply);
		assert_int_equal(disco_presence(&presence, i, NUMBER "/sip",
						"alice@example.org"),
				 0);
		const struct stanza *caps = stanza_find(
			presence, "c", "http://jabber.org/protocol/caps");
		assert_string_equal(stanza_attr(caps, "ver"), hash);
		assert_string_equal(stanza_attr(caps, "hash"), "sha-1");
		assert_null(strchr(stanza_attr(caps, "node"), ' '));
		assert_string_equal(stanza_attr(presence, "from"),
				    NUMBER "/sip");
		assert_null(stanza_attr(presence, "type"));
	}
}

static void the_node_of_our_caps_is_known_and_echoed(void **state)
{
	(void)state;
	char hash[DISCO_CAPS_CAP], node[128];

	assert_int_equal(disco_caps_hash(hash, DISCO_NUMBER), 0);
	snprintf(node, sizeof(node), DISCO_CAPS_NODE "#%s", hash);
	AUTO(stanza_freep) struct stanza *reply = info_of(DISCO_NUMBER, node);
	assert_string_equal(stanza_attr(reply, "type"), "result");
	assert_string_equal(
		stanza_attr(stanza_find(reply, "query", DISCO_NS_INFO), "node"),
		node);
	AUTO(stanza_freep) struct stanza *other = info_of(DISCO_GATEWAY, node);
	assert_error(other, "item-not-found");
	AUTO(stanza_freep) struct stanza *foreign = info_of(DISCO_NUMBER, "x");
	assert_error(foreign, "item-not-found");
}

static struct stanza *items_of(enum disco_entity entity, const char *to,
			       const char *node)
{
	AUTO(stanza_freep)
	struct stanza *iq = query("get", to, "query", DISCO_NS_ITEMS, node);
	struct stanza *reply = NULL;

	assert_int_equal(disco_answer(&reply, iq, entity), 0);
	return reply;
}

static void the_domain_lists_the_echo_number(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *reply = items_of(DISCO_GATEWAY, "tel.example.org", NULL);
	const struct stanza *item = stanza_find(
		stanza_find(reply, "query", DISCO_NS_ITEMS), "item", NULL);
	assert_string_equal(stanza_attr(item, "jid"), "echo@tel.example.org");

	AUTO(stanza_freep)
	struct stanza *none = items_of(DISCO_NUMBER, NUMBER, NULL);
	assert_string_equal(stanza_attr(none, "type"), "result");
	assert_null(stanza_first(stanza_find(none, "query", DISCO_NS_ITEMS)));
	AUTO(stanza_freep)
	struct stanza *node = items_of(DISCO_GATEWAY, "tel.example.org", "x");
	assert_error(node, "item-not-found");
}

static void what_is_no_query_gets_its_error(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *set = query("set", NUMBER, "query", DISCO_NS_INFO, NULL);
	AUTO(stanza_freep)
	struct stanza *other =
		query("get", NUMBER, "query", "jabber:iq:roster", NULL);
	AUTO(stanza_freep) struct stanza *reply = NULL;
	AUTO(stanza_freep) struct stanza *reply2 = NULL;

	assert_int_equal(disco_answer(&reply, set, DISCO_NUMBER), 0);
	assert_error(reply, "not-allowed");
	assert_int_equal(disco_answer(&reply2, other, DISCO_NUMBER), 0);
	assert_error(reply2, "service-unavailable");
}

static struct stanza *basic(const char *type, const char *name, const char *ns)
{
	AUTO(stanza_freep)
	struct stanza *iq = query(type, NUMBER, name, ns, NULL);
	struct stanza *reply = NULL;
	int r = disco_basic_answer(&reply, iq);

	assert_int_equal(r, reply ? 0 : 1);
	return reply;
}

static void ping_version_and_time_are_answered(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *ping = basic("get", "ping", "urn:xmpp:ping");
	AUTO(stanza_freep)
	struct stanza *version = basic("get", "query", "jabber:iq:version");
	AUTO(stanza_freep)
	struct stanza *now = basic("get", "time", "urn:xmpp:time");
	const struct stanza *st =
		stanza_find(version, "query", "jabber:iq:version");
	int year = 0, month = 0, minutes = 0;

	assert_string_equal(stanza_attr(ping, "type"), "result");
	assert_null(stanza_first(ping));
	assert_string_equal(stanza_find_text(st, "name", NULL), "Tandem");
	assert_string_equal(stanza_find_text(st, "version", NULL),
			    TANDEM_VERSION);
	st = stanza_find(now, "time", "urn:xmpp:time");
	assert_int_equal(sscanf(stanza_find_text(st, "utc", NULL),
				"%d-%d-%*dT%*d:%*d:%*dZ", &year, &month),
			 2);
	assert_true(year > 2023);
	assert_int_equal(
		sscanf(stanza_find_text(st, "tzo", NULL), "%*d:%d", &minutes),
		1);
	assert_null(basic("set", "ping", "urn:xmpp:ping"));
	assert_null(basic("get", "query", "jabber:iq:last"));
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *iq =
		query("get", "tel.example.org", "query", DISCO_NS_INFO, NULL);
	AUTO(stanza_freep)
	struct stanza *items =
		query("get", "tel.example.org", "query", DISCO_NS_ITEMS, NULL);
	struct stanza *st = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, disco_answer(&st, iq, DISCO_GATEWAY))
	st = stanza_free(st);
	FAIL_EACH_ALLOCATION(r, disco_answer(&st, items, DISCO_GATEWAY))
	st = stanza_free(st);
	FAIL_EACH_ALLOCATION(r, disco_presence(&st, DISCO_NUMBER, "a", "b"))
	st = stanza_free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_has_what_call_buttons_ask_for),
		cmocka_unit_test(the_domain_is_a_gateway_to_the_pstn),
		cmocka_unit_test(who_may_command_it_finds_all_else_as_well),
		cmocka_unit_test(presence_has_the_hash_of_sorted_features),
		cmocka_unit_test(the_node_of_our_caps_is_known_and_echoed),
		cmocka_unit_test(the_domain_lists_the_echo_number),
		cmocka_unit_test(what_is_no_query_gets_its_error),
		cmocka_unit_test(ping_version_and_time_are_answered),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
