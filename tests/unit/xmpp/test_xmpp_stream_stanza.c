/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Stanzas that are too long, too many, or not what XMPP allows. */
#include "tests/unit/xmpp/stream_rig.h"

/* A message of @n octets; owned by the caller. */
static char *long_message(size_t n)
{
	char *xml = malloc(n + 256);

	assert_non_null(xml);
	int head = snprintf(xml, 256,
			    "<message from='" ALICE "' to='" DOMAIN "'><body>");
	memset(xml + head, 'a', n);
	snprintf(xml + head + n, 64, "</body></message>");
	return xml;
}

/* Prosody would hold back what follows such an echo. */
static void a_long_id_is_not_echoed(void **state)
{
	(void)state;
	char xml[8192], id[4001];
	struct rig rig;

	memset(id, 'i', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	rig_up(&rig);
	snprintf(xml, sizeof(xml),
		 "<iq type='get' id='%s' from='" ALICE "' to='" DOMAIN "'>"
		 "<a xmlns='b'/></iq><iq type='what' id='1' from='" ALICE
		 "' to='" DOMAIN "'/>",
		 id);
	mock_xmpp_send(rig.mock, xml);
	wait_mock_stanzas(&rig, 1);
	assert_string_equal(stanza_attr(mock_xmpp_last(rig.mock), "id"), "1");
	assert_int_equal(rig.stanzas, 0);
	rig_fini(&rig);
}

static void a_stanza_above_the_limit_is_refused_alone(void **state)
{
	(void)state;
	char *xml = long_message(4 * STANZA_PARSE_MAX);
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_send(rig.mock, xml);
	wait_mock_stanzas(&rig, 1);
	assert_string_equal(stanza_error_condition(mock_xmpp_last(rig.mock)),
			    "policy-violation");
	assert_string_equal(stanza_attr(mock_xmpp_last(rig.mock), "to"), ALICE);
	assert_int_equal(rig.stanzas, 0);
	assert_int_equal(rig.downs, 0);
	free(xml);
	rig_fini(&rig);
}

static void a_stanza_without_end_ends_the_stream(void **state)
{
	(void)state;
	char *xml = long_message(STANZA_PARSE_SKIP_MAX + 1000);
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_send(rig.mock, xml);
	wait_down(&rig, "policy-violation");
	assert_int_equal(rig.stanzas, 0);
	wait_up(&rig, 2);
	assert_string_equal(mock_xmpp_stream_error(rig.mock),
			    "policy-violation");
	free(xml);
	rig_fini(&rig);
}

static void faulty_stanzas_are_answered_or_dropped(void **state)
{
	(void)state;
	static const struct {
		const char *xml, *condition; /* NULL: no answer */
	} bad[] = {
		{ "<message from='" ALICE "' to='a b@" DOMAIN "'/>",
		  "jid-malformed" },
		{ "<iq type='get' id='1' from='" ALICE "' to='@" DOMAIN
		  "'><ping xmlns='urn:xmpp:ping'/></iq>",
		  "jid-malformed" },
		{ "<iq type='what' id='1' from='" ALICE "' to='" DOMAIN "'/>",
		  "bad-request" },
		{ "<iq type='get' id='1' from='" ALICE "' to='" DOMAIN "'/>",
		  "bad-request" },
		{ "<iq type='set' id='1' from='" ALICE "' to='" DOMAIN
		  "'><a/><b/></iq>",
		  "bad-request" },
		{ "<iq type='get' from='" ALICE "' to='" DOMAIN "'><a/></iq>",
		  NULL },
		{ "<iq type='error' id='1' from='" ALICE "' to='a b@" DOMAIN
		  "'/>",
		  NULL },
		{ "<message from='" ALICE "' to='a@elsewhere.example'/>",
		  NULL },
		{ "<message from='@' to='" DOMAIN "'/>", NULL },
		{ "<message from='" ALICE "'/>", NULL },
		{ "<message to='" DOMAIN "'/>", NULL },
		{ "<message xmlns='jabber:client' from='" ALICE "' to='" DOMAIN
		  "'/>",
		  NULL },
		{ "<handshake/>", NULL },
		{ "<auth from='" ALICE "' to='" DOMAIN "'/>", NULL },
	};
	unsigned answers = 0;
	struct rig rig;

	rig_up(&rig);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		mock_xmpp_send(rig.mock, bad[i].xml);
		mock_xmpp_send(rig.mock, PING);
		wait_stanzas(&rig, i + 1);
		if (!bad[i].condition)
			continue;
		wait_mock_stanzas(&rig, ++answers);
		const struct stanza *reply = mock_xmpp_last(rig.mock);
		assert_string_equal(stanza_error_condition(reply),
				    bad[i].condition);
		assert_string_equal(stanza_attr(reply, "to"), ALICE);
		assert_string_equal(stanza_attr(reply, "from"), DOMAIN);
	}
	pass_time(&rig, 20);
	assert_int_equal(mock_xmpp_counts(rig.mock).stanzas, answers);
	assert_int_equal(rig.stanzas, sizeof(bad) / sizeof(*bad));
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

/* Prosody closes the stream, and with it all calls, on each of these. */
static void what_a_server_would_not_forgive_is_not_sent(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"<message " NS "from='a@elsewhere.example' to='" ALICE "'/>",
		"<message " NS "to='" ALICE "'/>",
		"<message " NS "from='" NUMBER "'/>",
		"<message " NS "from='" NUMBER "' to='@'/>",
		"<iq " NS "type='get' from='" NUMBER "' to='" ALICE "'/>",
		"<message xmlns='a' from='" NUMBER "' to='" ALICE "'/>",
		"<stream " NS "from='" NUMBER "' to='" ALICE "'/>",
	};
	struct rig rig;

	rig_up(&rig);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		AUTO(stanza_freep) struct stanza *st = parse(bad[i]);
		assert_int_equal(xmpp_stream_send(rig.stream, st),
				 XMPP_E_ILLEGAL);
	}
	AUTO(stanza_freep)
	struct stanza *st =
		parse("<message " NS "from='" NUMBER "' to='" ALICE "'/>");
	assert_int_equal(xmpp_stream_send(rig.stream, st), 0);
	stanza_child_text(st, "body", NULL, "\x01");
	assert_int_equal(xmpp_stream_send(rig.stream, st), XMPP_E_ILLEGAL);
	wait_mock_stanzas(&rig, 1);
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

/* How many stanzas of @octets go out before the queue is full. */
static unsigned fill(struct rig *rig, size_t octets)
{
	AUTO(stanza_freep) struct stanza *st = big_message(octets);
	unsigned n = 0;

	for (;;) {
		int r = xmpp_stream_send(rig->stream, st);
		if (r == XMPP_E_FULL)
			return n;
		assert_int_equal(r, 0);
		n++;
	}
}

static void a_full_queue_is_told_and_drained_whole(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner deaf = { .deaf = true };
	static const struct mock_xmpp_manner normal = { 0 };
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_set_manner(rig.mock, &deaf);
	assert_false(xmpp_stream_is_clogged(rig.stream));
	unsigned n = fill(&rig, 60000);
	assert_true(xmpp_stream_is_clogged(rig.stream));
	assert_true(n * 60000 >= XMPP_OUT_MAX - 60000);
	assert_true(xmpp_stream_is_up(rig.stream));
	mock_xmpp_set_manner(rig.mock, &normal);
	wait_mock_stanzas(&rig, n);
	pass_time(&rig, 20);
	assert_int_equal(mock_xmpp_counts(rig.mock).stanzas, n);
	assert_int_equal(mock_xmpp_counts(rig.mock).faults, 0);
	assert_false(xmpp_stream_is_clogged(rig.stream));

	mock_xmpp_set_manner(rig.mock, &deaf);
	unsigned small = fill(&rig, 1);
	assert_true(small >= XMPP_OUT_MAX_STANZAS);
	assert_true(xmpp_stream_is_clogged(rig.stream));
	mock_xmpp_set_manner(rig.mock, &normal);
	wait_mock_stanzas(&rig, n + small);
	assert_int_equal(mock_xmpp_counts(rig.mock).faults, 0);
	rig_fini(&rig);
}

static void nothing_is_sent_while_the_stream_is_down(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = big_message(1);
	struct rig rig;

	rig_init(&rig, "127.0.0.1", SECRET, &fast);
	assert_int_equal(xmpp_stream_send(rig.stream, st), XMPP_E_DOWN);
	wait_up(&rig, 1);
	assert_int_equal(xmpp_stream_send(rig.stream, st), 0);
	wait_mock_stanzas(&rig, 1);
	mock_xmpp_drop(rig.mock);
	wait_down(&rig, "connection closed");
	assert_int_equal(xmpp_stream_send(rig.stream, st), XMPP_E_DOWN);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stanza_above_the_limit_is_refused_alone),
		cmocka_unit_test(a_long_id_is_not_echoed),
		cmocka_unit_test(a_stanza_without_end_ends_the_stream),
		cmocka_unit_test(faulty_stanzas_are_answered_or_dropped),
		cmocka_unit_test(what_a_server_would_not_forgive_is_not_sent),
		cmocka_unit_test(a_full_queue_is_told_and_drained_whole),
		cmocka_unit_test(nothing_is_sent_while_the_stream_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
