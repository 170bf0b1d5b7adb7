/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/adhoc.h"

#include <stdio.h>
#include <string.h>

#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

#define ALICE "alice@example.org/phone"
#define OTHER "alice@example.org/tablet"

static unsigned ended;

static void on_ended(void *arg)
{
	(void)arg;
	ended++;
}

static int set_up(void **state)
{
	struct adhoc_sessions *sessions;

	ended = 0;
	if (adhoc_sessions_new(&sessions, on_ended))
		return -1;
	*state = sessions;
	return 0;
}

static int tear_down(void **state)
{
	adhoc_sessions_free(*state);
	return 0;
}

static struct adhoc_session *begin(struct adhoc_sessions *sessions,
				   const char *from, uint64_t now_ms)
{
	const struct adhoc_request request = { .from = from, .node = "n" };
	struct adhoc_session *session;

	assert_int_equal(
		adhoc_session_open(&session, sessions, &request, NULL, now_ms),
		0);
	return session;
}

static int find(struct adhoc_sessions *sessions, const char *from,
		const char *id, uint64_t now_ms)
{
	const struct adhoc_request request = { .from = from,
					       .node = "n",
					       .sessionid = id };
	struct adhoc_session *session;

	return adhoc_session_find(&session, sessions, &request, now_ms);
}

static void a_session_is_its_devices_alone(void **state)
{
	struct adhoc_session *session = begin(*state, ALICE, 1);
	char id[ADHOC_SESSIONID_CAP];

	memcpy(id, adhoc_session_id(session), sizeof(id));
	assert_int_equal(strlen(id), ADHOC_SESSIONID_CAP - 1);
	assert_int_equal(find(*state, ALICE, id, 2), 0);
	assert_int_equal(find(*state, OTHER, id, 2), ADHOC_E_BAD_SESSIONID);
	assert_int_equal(find(*state, ALICE, "", 2), ADHOC_E_BAD_SESSIONID);
	adhoc_session_close(*state, session);
	assert_int_equal(ended, 1);
	assert_int_equal(find(*state, ALICE, id, 3), ADHOC_E_SESSION_EXPIRED);
	assert_int_equal(find(*state, OTHER, id, 3), ADHOC_E_BAD_SESSIONID);
}

static void a_session_that_is_not_used_expires(void **state)
{
	struct adhoc_session *session = begin(*state, ALICE, 0);
	char id[ADHOC_SESSIONID_CAP];

	memcpy(id, adhoc_session_id(session), sizeof(id));
	assert_int_equal(find(*state, ALICE, id, ADHOC_SESSION_MS - 1), 0);
	assert_int_equal(find(*state, ALICE, id, 2 * ADHOC_SESSION_MS - 2), 0);
	assert_int_equal(find(*state, ALICE, id, 4 * ADHOC_SESSION_MS),
			 ADHOC_E_SESSION_EXPIRED);
	assert_int_equal(ended, 1);
}

static void the_oldest_gives_way(void **state)
{
	char from[64];

	for (unsigned i = 0; i < ADHOC_MAX_OF_JID + 1; i++)
		begin(*state, ALICE, i);
	assert_int_equal(adhoc_sessions_count(*state), ADHOC_MAX_OF_JID);
	assert_int_equal(ended, 1);
	for (unsigned i = 0; i < ADHOC_MAX_SESSIONS; i++) {
		snprintf(from, sizeof(from), "u%u@example.org/x", i);
		begin(*state, from, i);
	}
	assert_int_equal(adhoc_sessions_count(*state), ADHOC_MAX_SESSIONS);
}

static void steps_have_their_actions(void **state)
{
	static const struct {
		bool first, last;
		enum adhoc_action asked;
		int outcome;
		enum adhoc_action meant;
	} rows[] = {
		{ true, true, ADHOC_EXECUTE, 0, ADHOC_COMPLETE },
		{ true, true, ADHOC_COMPLETE, 0, ADHOC_COMPLETE },
		{ true, true, ADHOC_NEXT, ADHOC_E_BAD_ACTION, 0 },
		{ true, true, ADHOC_PREV, ADHOC_E_BAD_ACTION, 0 },
		{ true, true, ADHOC_CANCEL, 0, ADHOC_CANCEL },
		{ true, false, ADHOC_EXECUTE, 0, ADHOC_NEXT },
		{ true, false, ADHOC_NEXT, 0, ADHOC_NEXT },
		{ true, false, ADHOC_COMPLETE, ADHOC_E_BAD_ACTION, 0 },
		{ true, false, ADHOC_PREV, ADHOC_E_BAD_ACTION, 0 },
		{ false, true, ADHOC_PREV, 0, ADHOC_PREV },
		{ false, true, ADHOC_NEXT, ADHOC_E_BAD_ACTION, 0 },
		{ false, false, ADHOC_PREV, 0, ADHOC_PREV },
		{ false, false, ADHOC_COMPLETE, ADHOC_E_BAD_ACTION, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct adhoc_stage stage = { .first = rows[i].first,
						   .last = rows[i].last };
		enum adhoc_action action;

		assert_int_equal(adhoc_resolve(&action, rows[i].asked, &stage),
				 rows[i].outcome);
		if (!rows[i].outcome)
			assert_int_equal(action, rows[i].meant);
	}
}

#define COMMAND(attributes)                                      \
	"<iq xmlns='jabber:component:accept' type='set' id='1' " \
	"from='a@b/c' to='d'><command "                          \
	"xmlns='http://jabber.org/protocol/commands' " attributes "/></iq>"

static void requests_are_read_or_refused(void **state)
{
	static const struct {
		const char *xml;
		int outcome;
		enum adhoc_action action;
	} rows[] = {
		{ COMMAND("node='n'"), 0, ADHOC_EXECUTE },
		{ COMMAND("node='n' action='cancel'"), 0, ADHOC_CANCEL },
		{ COMMAND("node='n' action='Cancel'"), ADHOC_E_MALFORMED_ACTION,
		  0 },
		{ COMMAND("node='n' action=''"), ADHOC_E_MALFORMED_ACTION, 0 },
		{ COMMAND(""), ADHOC_E_REQUEST, 0 },
		{ COMMAND("node='n' xml:lang='de-CH-1996'"), 0, ADHOC_EXECUTE },
		{ COMMAND("node='n' xml:lang='de_CH'"), ADHOC_E_BAD_LOCALE, 0 },
		{ COMMAND("node='n' xml:lang='-'"), ADHOC_E_BAD_LOCALE, 0 },
		{ COMMAND("node='n' xml:lang='waytoolong'"), ADHOC_E_BAD_LOCALE,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(stanza_freep) struct stanza *iq = NULL;
		struct adhoc_request request;

		assert_int_equal(stanza_parse(&iq, slice_of(rows[i].xml)), 0);
		assert_true(adhoc_is_command(iq));
		assert_int_equal(adhoc_parse(&request, iq), rows[i].outcome);
		if (!rows[i].outcome)
			assert_int_equal(request.action, rows[i].action);
	}
}

static void errors_have_both_conditions(void **state)
{
	static const struct {
		int outcome;
		const char *condition, *type, *specific;
	} rows[] = {
		{ ADHOC_E_MALFORMED_ACTION, "bad-request", "modify",
		  "malformed-action" },
		{ ADHOC_E_BAD_ACTION, "bad-request", "modify", "bad-action" },
		{ ADHOC_E_BAD_LOCALE, "bad-request", "modify", "bad-locale" },
		{ ADHOC_E_BAD_PAYLOAD, "bad-request", "modify", "bad-payload" },
		{ ADHOC_E_BAD_SESSIONID, "bad-request", "modify",
		  "bad-sessionid" },
		{ ADHOC_E_SESSION_EXPIRED, "not-allowed", "cancel",
		  "session-expired" },
		{ ADHOC_E_FORBIDDEN, "forbidden", "auth", NULL },
		{ ADHOC_E_NOT_FOUND, "item-not-found", "cancel", NULL },
	};
	AUTO(stanza_freep) struct stanza *iq = NULL;

	(void)state;
	assert_int_equal(stanza_parse(&iq, slice_of(COMMAND("node='n'"))), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(stanza_freep) struct stanza *reply = NULL;

		assert_int_equal(adhoc_error(&reply, iq, rows[i].outcome, NULL),
				 0);
		const struct stanza *error = stanza_find(reply, "error", NULL);
		assert_string_equal(stanza_attr(error, "type"), rows[i].type);
		assert_string_equal(stanza_error_condition(reply),
				    rows[i].condition);
		if (rows[i].specific)
			assert_non_null(
				stanza_find(error, rows[i].specific, ADHOC_NS));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_session_is_its_devices_alone,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_session_that_is_not_used_expires, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_oldest_gives_way, set_up,
						tear_down),
		cmocka_unit_test(steps_have_their_actions),
		cmocka_unit_test(requests_are_read_or_refused),
		cmocka_unit_test(errors_have_both_conditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
