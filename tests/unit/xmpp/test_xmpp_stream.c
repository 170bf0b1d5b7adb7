/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The stream's life: it opens, is kept alive, ends, and comes back. */
#include "tests/unit/xmpp/stream_rig.h"

static void hands_are_shaken_and_stanzas_pass(void **state)
{
	(void)state;
	struct rig rig;

	rig_up(&rig);
	rig.reply = true;
	mock_xmpp_send(rig.mock, PING);
	wait_mock_stanzas(&rig, 1);
	assert_int_equal(rig.stanzas, 1);
	assert_string_equal(stanza_attr(rig.last, "from"), ALICE);
	const struct stanza *reply = mock_xmpp_last(rig.mock);
	assert_string_equal(stanza_attr(reply, "to"), ALICE);
	assert_string_equal(stanza_attr(reply, "id"), "p1");
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

static void names_are_resolved(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig, "localhost", SECRET, &fast);
	wait_up(&rig, 1);
	rig_fini(&rig);
}

static void a_name_that_does_not_exist_is_tried_again(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig, "no such host", SECRET, &fast);
	pass_time(&rig, 100);
	assert_int_equal(rig.ups, 0);
	assert_int_equal(mock_xmpp_counts(rig.mock).connections, 0);
	rig_fini(&rig);
}

static void a_stanza_may_come_octet_by_octet(void **state)
{
	(void)state;
	struct rig rig;

	for (size_t step = 1; step < 4; step++) {
		rig_up(&rig);
		rig.reply = true;
		mock_xmpp_send_in_pieces(rig.mock, PING, step);
		/* nothing follows it: it is delivered all the same */
		wait_mock_stanzas(&rig, 1);
		rig_fini(&rig);
	}
}

static void a_lost_connection_comes_back_with_a_new_parser(void **state)
{
	(void)state;
	struct rig rig;

	rig_up(&rig);
	for (unsigned i = 2; i < 6; i++) {
		mock_xmpp_send(rig.mock, "<iq type='get' id='half");
		pass_time(&rig, 10);
		mock_xmpp_drop(rig.mock);
		wait_down(&rig, "connection closed");
		wait_up(&rig, i);
		mock_xmpp_send(rig.mock, PING);
		wait_stanzas(&rig, i - 1);
	}
	assert_int_equal(rig.downs, 4);
	rig_fini(&rig);
}

static bool has_goodbye(void *arg)
{
	struct rig *rig = arg;

	return mock_xmpp_counts(rig->mock).goodbyes == 1;
}

static void a_server_that_says_goodbye_is_called_again(void **state)
{
	(void)state;
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_send(rig.mock, "</stream:stream>");
	wait_down(&rig, "closed by the server");
	assert_true(mock_run(rig.base, has_goodbye, &rig, LIMIT_MS));
	wait_up(&rig, 2);
	rig_fini(&rig);
}

static void a_stream_error_names_its_condition(void **state)
{
	(void)state;
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_send(rig.mock,
		       "<stream:error><text xmlns='urn:ietf:params:xml:ns:"
		       "xmpp-streams'>bye</text><system-shutdown xmlns='urn:"
		       "ietf:params:xml:ns:xmpp-streams'/></stream:error>");
	wait_down(&rig, "system-shutdown");
	assert_true(mock_run(rig.base, has_goodbye, &rig, LIMIT_MS));
	wait_up(&rig, 2);
	rig_fini(&rig);
}

static bool has_connections(void *arg)
{
	struct rig *rig = arg;

	return mock_xmpp_counts(rig->mock).connections >= rig->wanted;
}

static void wait_connections(struct rig *rig, unsigned connections)
{
	rig->wanted = connections;
	assert_true(mock_run(rig->base, has_connections, rig, LIMIT_MS));
}

static void a_wrong_secret_is_tried_again_slowly(void **state)
{
	(void)state;
	struct rig rig;

	uint64_t began = clock_ms();
	rig_init(&rig, "127.0.0.1", "wrong", &fast);
	wait_connections(&rig, 2);
	/* any other failure is tried again after 20 ms at most */
	assert_true(clock_ms() - began >= fast.refused_ms);
	assert_int_equal(rig.ups, 0);
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

/* Prosody, until it has noticed that our old connection is dead. */
static void a_conflict_is_tried_again_until_it_ends(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner conflict = {
		.refuse_handshake = "conflict",
	};
	static const struct mock_xmpp_manner normal = { 0 };
	struct rig rig;

	rig_init(&rig, "127.0.0.1", SECRET, &fast);
	mock_xmpp_set_manner(rig.mock, &conflict);
	wait_connections(&rig, 4);
	assert_int_equal(rig.ups, 0);
	mock_xmpp_set_manner(rig.mock, &normal);
	wait_up(&rig, 1);
	rig_fini(&rig);
}

static void an_unknown_host_is_tried_again(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner manner = {
		.refuse_stream = "host-unknown",
	};
	struct rig rig;

	rig_init(&rig, "127.0.0.1", SECRET, &fast);
	mock_xmpp_set_manner(rig.mock, &manner);
	wait_connections(&rig, 3);
	assert_int_equal(rig.ups, 0);
	rig_fini(&rig);
}

static void a_silent_server_is_given_up(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner silent = { .silent = true };
	struct xmpp_stream_timing timing = fast;
	struct rig rig;

	timing.handshake_ms = 30;
	rig_init(&rig, "127.0.0.1", SECRET, &timing);
	mock_xmpp_set_manner(rig.mock, &silent);
	wait_connections(&rig, 3);
	rig_fini(&rig);
}

/* Each of them costs the stream and names the error that RFC 6120 has. */
static void what_xmpp_forbids_ends_the_stream(void **state)
{
	(void)state;
	static const struct {
		const char *xml, *condition;
	} bad[] = {
		{ "<!DOCTYPE a><a/>", "not-well-formed" },
		{ "<iq><!-- x --></iq>", "restricted-xml" },
		{ "<?php ?>", "restricted-xml" },
		{ "<iq></message>", "not-well-formed" },
		{ "<iq>&#1;</iq>", "not-well-formed" },
		{ "text", "bad-format" },
	};
	struct rig rig;

	rig_up(&rig);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		mock_xmpp_send(rig.mock, bad[i].xml);
		wait_down(&rig, bad[i].condition);
		wait_up(&rig, i + 2);
		assert_string_equal(mock_xmpp_stream_error(rig.mock),
				    bad[i].condition);
		assert_int_equal(mock_xmpp_counts(rig.mock).faults, 0);
	}
	rig_fini(&rig);
}

static bool is_kept_alive(void *arg)
{
	const struct rig *rig = arg;
	struct mock_xmpp_counts counts = mock_xmpp_counts(rig->mock);

	return counts.pings >= 2 && counts.spaces >= 2;
}

static void an_idle_stream_is_kept_alive(void **state)
{
	(void)state;
	struct xmpp_stream_timing timing = fast;
	struct rig rig;

	timing.keepalive_ms = 100;
	rig_init(&rig, "127.0.0.1", SECRET, &timing);
	wait_up(&rig, 1);
	assert_true(mock_run(rig.base, is_kept_alive, &rig, LIMIT_MS));
	/* its own pings are nobody else's business */
	assert_int_equal(rig.stanzas, 0);
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

static void a_ping_without_answer_ends_the_stream(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner no_pong = { .no_pong = true };
	static const struct mock_xmpp_manner normal = { 0 };
	struct xmpp_stream_timing timing = fast;
	struct rig rig;

	timing.keepalive_ms = 20;
	rig_init(&rig, "127.0.0.1", SECRET, &timing);
	mock_xmpp_set_manner(rig.mock, &no_pong);
	wait_up(&rig, 1);
	wait_down(&rig, "no answer to ping");
	mock_xmpp_set_manner(rig.mock, &normal);
	wait_up(&rig, 2);
	rig_fini(&rig);
}

static void freeing_says_goodbye_behind_the_last_stanza(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = big_message(50000);
	struct rig rig;

	rig_up(&rig);
	assert_int_equal(xmpp_stream_send(rig.stream, st), 0);
	rig.stream = xmpp_stream_free(rig.stream);
	assert_true(mock_run(rig.base, has_goodbye, &rig, LIMIT_MS));
	assert_int_equal(mock_xmpp_counts(rig.mock).stanzas, 1);
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

static void a_configuration_without_sense_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "a@b", "a/b", "a b", "a.", "<a>"
	};
	struct event_base *base = event_base_new();
	struct xmpp_stream_config config = { .host = "127.0.0.1",
					     .port = 1,
					     .secret = "x" };
	struct xmpp_stream *stream = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		config.domain = bad[i];
		assert_int_equal(xmpp_stream_new(&stream, &config, base,
						 &handlers, NULL),
				 -EINVAL);
	}
	config.domain = DOMAIN;
	config.host = "";
	assert_int_equal(
		xmpp_stream_new(&stream, &config, base, &handlers, NULL),
		-EINVAL);
	assert_null(xmpp_stream_free(NULL));
	event_base_free(base);
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	struct event_base *base = event_base_new();
	const struct xmpp_stream_config config = {
		.host = "127.0.0.1", .port = 1, .domain = DOMAIN, .secret = "x"
	};
	struct xmpp_stream *stream = NULL;
	int r;

	FAIL_EACH_ALLOCATION(
		r, xmpp_stream_new(&stream, &config, base, &handlers, NULL))
	stream = xmpp_stream_free(stream);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_are_shaken_and_stanzas_pass),
		cmocka_unit_test(names_are_resolved),
		cmocka_unit_test(a_name_that_does_not_exist_is_tried_again),
		cmocka_unit_test(a_stanza_may_come_octet_by_octet),
		cmocka_unit_test(
			a_lost_connection_comes_back_with_a_new_parser),
		cmocka_unit_test(a_server_that_says_goodbye_is_called_again),
		cmocka_unit_test(a_stream_error_names_its_condition),
		cmocka_unit_test(a_wrong_secret_is_tried_again_slowly),
		cmocka_unit_test(a_conflict_is_tried_again_until_it_ends),
		cmocka_unit_test(an_unknown_host_is_tried_again),
		cmocka_unit_test(a_silent_server_is_given_up),
		cmocka_unit_test(what_xmpp_forbids_ends_the_stream),
		cmocka_unit_test(an_idle_stream_is_kept_alive),
		cmocka_unit_test(a_ping_without_answer_ends_the_stream),
		cmocka_unit_test(freeing_says_goodbye_behind_the_last_stanza),
		cmocka_unit_test(a_configuration_without_sense_is_refused),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
