/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/outbox.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/gateway.h"
#include "gateway/rewriting.h"
#include "tests/mock/xmpp_server.h"
#include "tests/test.h"
#include "xmpp/chat.h"
#include "xmpp/disco.h"
#include "xmpp/iq.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define DOMAIN "tel.example.org"
#define SECRET "s3cret"

enum {
	LIMIT_MS = 5000,
	QUIET_MS = 300,
	FOR_EVER_MS = 3600 * 1000,
	GOT_MAX = 1024,
};

static struct rig {
	char dir[64], path[96];
	struct event_base *base;
	struct mock_xmpp *mock;
	struct gateway gateway;
	struct config config;
	unsigned done;
	int result;
	/* What the server got: id, and whether it said that it is late. */
	char got[GOT_MAX][24];
	bool late[GOT_MAX];
	unsigned ngot, wanted;
} rig;

static void on_up(void *arg)
{
	(void)arg;
	outbox_stream_up(&rig.gateway);
}

static void on_down(const char *why, void *arg)
{
	(void)why;
	(void)arg;
	outbox_stream_down(&rig.gateway);
}

static void on_stanza(const struct stanza *stanza, void *arg)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;

	(void)arg;
	if (iq_receive(rig.gateway.iqs, stanza))
		return;
	if (!disco_basic_answer(&reply, stanza))
		assert_int_equal(xmpp_stream_send(rig.gateway.stream, reply),
				 0);
}

static void on_server(const struct stanza *stanza, void *arg)
{
	(void)arg;
	if (strcmp(stanza_name(stanza), "message") != 0)
		return;
	assert_true(rig.ngot < GOT_MAX);
	snprintf(rig.got[rig.ngot], sizeof(rig.got[0]), "%s",
		 stanza_attr(stanza, "id"));
	rig.late[rig.ngot++] =
		stanza_find(stanza, "delay", "urn:xmpp:delay") != NULL;
}

static void on_done(int result, void *arg)
{
	(void)arg;
	rig.done++;
	rig.result = result;
}

static void open_gateway(void)
{
	static const struct xmpp_stream_handlers handlers = {
		.up = on_up, .down = on_down, .stanza = on_stanza
	};
	const struct db_config db = { .path = rig.path };
	const struct xmpp_stream_config stream = {
		.host = "127.0.0.1",
		.port = mock_xmpp_port(rig.mock),
		.domain = DOMAIN,
		.secret = SECRET,
		.timing = { .retry_min_ms = 5, .retry_max_ms = 20 },
	};
	struct gateway *gateway = &rig.gateway;

	*gateway = (struct gateway){ .config = &rig.config, .base = rig.base };
	assert_int_equal(db_open(&gateway->db, &db, rig.base), 0);
	assert_int_equal(xmpp_stream_new(&gateway->stream, &stream, rig.base,
					 &handlers, NULL),
			 0);
	assert_int_equal(iq_table_new(&gateway->iqs, rig.base, gateway->stream),
			 0);
	assert_int_equal(outbox_new(gateway), 0);
}

static void close_gateway(void)
{
	struct gateway *gateway = &rig.gateway;

	outbox_free(gateway);
	gateway->iqs = iq_table_free(gateway->iqs);
	gateway->stream = xmpp_stream_free(gateway->stream);
	gateway->db = db_close(gateway->db);
}

static int set_up(void **state)
{
	static char domain[] = DOMAIN;

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.config.xmpp.domain = domain;
	snprintf(rig.dir, sizeof(rig.dir), "/tmp/tandem-outbox-XXXXXX");
	assert_non_null(mkdtemp(rig.dir));
	snprintf(rig.path, sizeof(rig.path), "%s/t.db", rig.dir);
	rig.base = event_base_new();
	rig.mock = mock_xmpp_new(rig.base, SECRET);
	mock_xmpp_set_handler(rig.mock, on_server, NULL);
	open_gateway();
	return 0;
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	close_gateway();
	mock_xmpp_free(rig.mock);
	event_base_free(rig.base);
	snprintf(command, sizeof(command), "rm -r %s", rig.dir);
	return system(command);
}

static void send_text(unsigned n)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char id[24];
	const struct chat_text text = { .from = "+15551234567@" DOMAIN,
					.to = "alice@example.org",
					.id = id,
					.body = "a <b> \n & more" };

	snprintf(id, sizeof(id), "m%u", n);
	assert_int_equal(chat_format(&stanza, &text), 0);
	assert_int_equal(outbox_send(&rig.gateway, stanza, on_done, &rig), 0);
}

static bool has_got(void *arg)
{
	(void)arg;
	return rig.ngot >= rig.wanted;
}

static void wait_got(unsigned n)
{
	rig.wanted = n;
	assert_true(mock_run(rig.base, has_got, NULL, LIMIT_MS));
}

static bool is_empty(void *arg)
{
	(void)arg;
	return !outbox_waiting(&rig.gateway);
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static void be_silent(bool silent)
{
	const struct mock_xmpp_manner manner = { .no_pong = silent };

	mock_xmpp_set_manner(rig.mock, &manner);
}

static void what_the_server_has_taken_leaves(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		send_text(i);
	assert_int_equal(rig.ngot, 0); /* not before it is on disk */
	wait_got(10);
	assert_int_equal(rig.done, 10);
	assert_int_equal(rig.result, 0);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	for (unsigned i = 0; i < 10; i++) {
		char id[24];
		snprintf(id, sizeof(id), "m%u", i);
		assert_string_equal(rig.got[i], id);
		assert_false(rig.late[i]);
	}
	close_gateway();
	open_gateway();
	assert_int_equal(outbox_waiting(&rig.gateway), 0);
	(void)mock_run(rig.base, never, NULL, QUIET_MS);
	assert_int_equal(rig.ngot, 10);
}

static void what_it_did_not_confirm_is_sent_again(void **state)
{
	(void)state;
	be_silent(true);
	send_text(1);
	send_text(2);
	wait_got(2);
	assert_int_equal(outbox_waiting(&rig.gateway), 2);
	mock_xmpp_drop(rig.mock);
	wait_got(4);
	be_silent(false);
	mock_xmpp_drop(rig.mock);
	wait_got(6);
	for (unsigned i = 0; i < 6; i++)
		assert_string_equal(rig.got[i], i % 2 ? "m2" : "m1");
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
}

/* A server that ends answers longer than it delivers. */
static void what_it_took_last_is_sent_again_when_it_ends(void **state)
{
	(void)state;
	rig.config.limits.text_settle_ms = FOR_EVER_MS;
	send_text(1);
	send_text(2);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	assert_int_equal(rig.ngot, 2);
	mock_xmpp_drop(rig.mock);
	wait_got(4);
	assert_string_equal(rig.got[2], "m1");
	assert_string_equal(rig.got[3], "m2");
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
}

/* To another file; how many rows in the turn with the most of them. */
static size_t put_all(void)
{
	bool more = true, begin = true;
	size_t most = 0;
	int r = 0;

	for (; more; begin = false) {
		size_t before = db_stats(rig.gateway.db).again;
		db_put_again(rig.gateway.db, true);
		more = outbox_put_some(&rig.gateway, begin, &r);
		db_put_again(rig.gateway.db, false);
		size_t n = db_stats(rig.gateway.db).again - before;
		most = n > most ? n : most;
	}
	assert_int_equal(r, 0);
	return most;
}

/* Also from a file that took the place of its own meanwhile. */
static void what_is_to_be_sent_again_is_not_written_as_taken(void **state)
{
	(void)state;
	rig.config.limits.text_settle_ms = FOR_EVER_MS;
	send_text(1);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	outbox_stream_down(&rig.gateway);
	assert_int_equal(put_all(), 1);
	close_gateway();
	open_gateway();
	assert_int_equal(outbox_waiting(&rig.gateway), 1);
}

static void many_are_not_written_again_in_one_turn(void **state)
{
	enum { KEPT = 5 * REWRITING_EACH };

	(void)state;
	for (unsigned i = 0; i < KEPT; i++)
		send_text(i);
	assert_int_equal(put_all(), REWRITING_EACH);
	/* of those that leave meanwhile there is nothing to write */
	int r = 0;
	assert_true(outbox_put_some(&rig.gateway, true, &r));
	wait_got(2 * REWRITING_EACH);
	while (outbox_put_some(&rig.gateway, false, &r))
		assert_int_equal(r, 0);
}

static void what_it_outlived_is_not_sent_again(void **state)
{
	(void)state;
	rig.config.limits.text_settle_ms = 20;
	send_text(1);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	(void)mock_run(rig.base, never, NULL, QUIET_MS);
	rig.config.limits.text_settle_ms = FOR_EVER_MS;
	send_text(2);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	mock_xmpp_drop(rig.mock);
	wait_got(3);
	(void)mock_run(rig.base, never, NULL, QUIET_MS);
	assert_int_equal(rig.ngot, 3);
	assert_string_equal(rig.got[2], "m2");
}

static void count_kept(const struct outbox_kept *kept, void *arg)
{
	assert_string_equal(stanza_name(kept->stanza), "message");
	assert_in_range(kept->kept_ms, 1, INT64_MAX);
	++*(unsigned *)arg;
}

/* It is known to whom it may still come back. */
static void what_was_taken_is_not_sent_again_by_a_new_process(void **state)
{
	unsigned kept = 0;

	(void)state;
	rig.config.limits.text_settle_ms = FOR_EVER_MS;
	send_text(1);
	send_text(2);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	close_gateway();
	open_gateway();
	assert_int_equal(outbox_waiting(&rig.gateway), 0);
	outbox_each(&rig.gateway, count_kept, &kept);
	assert_int_equal(kept, 2);
	send_text(3);
	wait_got(3);
	assert_string_equal(rig.got[2], "m3");
}

static bool is_up(void *arg)
{
	(void)arg;
	return xmpp_stream_is_up(rig.gateway.stream);
}

/* A server that ends just behind us has not lost what it took long before. */
static void what_was_taken_long_ago_is_not_sent_again_by_a_new_process(
	void **state)
{
	enum { SETTLE_MS = 20 };

	(void)state;
	rig.config.limits.text_settle_ms = SETTLE_MS;
	send_text(1);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	(void)mock_run(rig.base, never, NULL, 5 * SETTLE_MS);
	send_text(2);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	close_gateway();
	open_gateway();
	assert_true(mock_run(rig.base, is_up, NULL, LIMIT_MS));
	rig.config.limits.text_settle_ms = FOR_EVER_MS;
	mock_xmpp_drop(rig.mock);
	wait_got(3);
	assert_string_equal(rig.got[2], "m2");
	(void)mock_run(rig.base, never, NULL, QUIET_MS);
	assert_int_equal(rig.ngot, 3);
}

/* Unless its server had ended meanwhile. */
static void what_a_server_took_last_outlives_the_process_too(void **state)
{
	(void)state;
	rig.config.limits.text_settle_ms = FOR_EVER_MS;
	send_text(1);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	outbox_stream_down(&rig.gateway);
	assert_int_equal(outbox_waiting(&rig.gateway), 1);
	close_gateway();
	open_gateway();
	wait_got(2);
	assert_string_equal(rig.got[1], "m1");
}

static void a_new_process_goes_on_where_the_last_ended(void **state)
{
	(void)state;
	be_silent(true);
	send_text(1);
	send_text(2);
	wait_got(2);
	close_gateway();
	be_silent(false);
	open_gateway();
	assert_int_equal(outbox_waiting(&rig.gateway), 2);
	send_text(3);
	wait_got(5);
	assert_string_equal(rig.got[2], "m1");
	assert_string_equal(rig.got[3], "m2");
	assert_string_equal(rig.got[4], "m3");
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
}

static void no_more_are_on_the_way_than_the_window(void **state)
{
	(void)state;
	enum { SENT = 3 * OUTBOX_WINDOW };

	be_silent(true);
	for (unsigned i = 0; i < SENT; i++)
		send_text(i);
	wait_got(1);
	(void)mock_run(rig.base, never, NULL, QUIET_MS);
	assert_in_range(rig.ngot, 1, OUTBOX_WINDOW);
	unsigned got = rig.ngot;
	be_silent(false);
	mock_xmpp_drop(rig.mock);
	wait_got(got + SENT);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
}

static void send_to(const char *to, db_done_fn done, int result)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	const struct chat_text text = {
		.from = "a@" DOMAIN, .to = to, .id = "m", .body = "x"
	};

	assert_int_equal(chat_format(&stanza, &text), 0);
	assert_int_equal(outbox_send(&rig.gateway, stanza, done, &rig), result);
}

/* What somebody was promised already is kept all the same. */
static void no_account_takes_the_room_of_others(void **state)
{
	(void)state;
	for (unsigned i = 0; i < OUTBOX_ACCOUNT_MAX; i++)
		send_to("alice@example.org/phone", on_done, 0);
	send_to("Alice@example.org", on_done, -ENOBUFS);
	send_to("bob@example.org", on_done, 0);
	send_to("alice@example.org", NULL, -ENOBUFS);
	AUTO(stanza_freep) struct stanza *receipt = NULL;
	assert_int_equal(chat_format_receipt(&receipt, "a@" DOMAIN,
					     "alice@example.org", "m"),
			 0);
	assert_int_equal(outbox_send(&rig.gateway, receipt, NULL, NULL), 0);
	assert_int_equal(outbox_waiting(&rig.gateway), OUTBOX_ACCOUNT_MAX + 2);
}

static void long_texts_take_no_more_than_their_octets(void **state)
{
	enum { LONG = 32 * 1024 };
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	static char body[LONG];
	unsigned n = 0;
	int r;

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	assert_int_equal(
		chat_format(&stanza,
			    &(struct chat_text){ .from = "a@" DOMAIN,
						 .to = "alice@example.org",
						 .id = "m",
						 .body = body }),
		0);
	while (!(r = outbox_send(&rig.gateway, stanza, NULL, NULL)))
		n++;
	assert_int_equal(r, -ENOBUFS);
	assert_in_range(n, OUTBOX_ACCOUNT_OCTETS_MAX / LONG - 10,
			OUTBOX_ACCOUNT_OCTETS_MAX / LONG);
	send_to("bob@example.org", on_done, 0);
}

static void nobody_hears_of_what_was_forgotten(void **state)
{
	(void)state;
	send_text(1);
	outbox_forget(&rig.gateway, &rig);
	wait_got(1);
	assert_int_equal(rig.done, 0);
}

/* Also what is on its way to the disk. */
static void nothing_goes_to_who_is_removed(void **state)
{
	(void)state;
	send_text(1);
	outbox_forget_account(&rig.gateway, "alice@example.org");
	send_to("bob@example.org", on_done, 0);
	wait_got(1);
	assert_string_equal(rig.got[0], "m");
	assert_int_equal(rig.done, 2);
}

static unsigned count(void)
{
	unsigned kept = 0;

	outbox_each(&rig.gateway, count_kept, &kept);
	return kept;
}

/* Neither here nor on disk, also of what the server has or may have. */
static void nothing_stays_of_who_is_removed(void **state)
{
	(void)state;
	rig.config.limits.text_settle_ms = FOR_EVER_MS;
	send_text(1);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	be_silent(true);
	send_text(2);
	wait_got(2);
	outbox_forget_account(&rig.gateway, "alice@example.org");
	be_silent(false);
	mock_xmpp_drop(rig.mock);
	send_to("bob@example.org", on_done, 0);
	wait_got(3);
	assert_string_equal(rig.got[2], "m");
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	close_gateway();
	open_gateway();
	assert_int_equal(count(), 1);
}

/* Of what had left the outbox for its past too. */
static void nothing_stays_of_what_was_taken_long_before(void **state)
{
	(void)state;
	send_text(1);
	send_to("bob@example.org", on_done, 0);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	outbox_forget_account(&rig.gateway, "alice@example.org");
	close_gateway();
	open_gateway();
	assert_int_equal(count(), 1);
}

static bool keep_odd(const struct outbox_kept *kept, void *arg)
{
	const char *id = stanza_attr(kept->stanza, "id");

	assert_in_range(kept->kept_ms, 1, INT64_MAX);
	++*(unsigned *)arg;
	return (id[strlen(id) - 1] - '0') % 2;
}

static void what_another_keeps_is_not_sent(void **state)
{
	enum { SENT = 3 * OUTBOX_WINDOW };
	unsigned turns = 0;

	(void)state;
	outbox_set_turn(&rig.gateway, keep_odd, &turns);
	for (unsigned i = 0; i < SENT; i++)
		send_text(i);
	wait_got(SENT / 2);
	assert_true(mock_run(rig.base, is_empty, NULL, LIMIT_MS));
	assert_int_equal(turns, SENT);
	for (unsigned i = 0; i < SENT / 2; i++) {
		char id[24];
		snprintf(id, sizeof(id), "m%u", 2 * i);
		assert_string_equal(rig.got[i], id);
	}
	close_gateway();
	open_gateway();
	assert_int_equal(count(), SENT / 2);
}

struct times {
	unsigned n;
	int64_t last_ms;
};

static void note_time(const struct outbox_kept *kept, void *arg)
{
	struct times *times = arg;

	assert_true(kept->kept_ms > times->last_ms);
	times->last_ms = kept->kept_ms;
	times->n++;
}

/* Nor are they in another order: that of a conversation is of them. */
static void no_two_have_one_time(void **state)
{
	enum { SENT = OUTBOX_ACCOUNT_MAX };
	struct times times = { 0 };

	(void)state;
	for (unsigned i = 0; i < SENT; i++)
		send_text(i);
	outbox_each(&rig.gateway, note_time, &times);
	assert_int_equal(times.n, SENT);
}

static void one_that_came_long_ago_says_when(void **state)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	const struct chat_text text = {
		.from = "a@" DOMAIN, .to = "alice@x", .id = "m", .body = "x"
	};

	(void)state;
	assert_int_equal(chat_format(&stanza, &text), 0);
	assert_int_equal(outbox_send_again(&rig.gateway, stanza, 1000), 0);
	wait_got(1);
	assert_true(rig.late[0]);
}

/* As much as a stream takes is more than can be read again, or sent late. */
static void what_could_not_be_read_again_is_not_kept(void **state)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	static char body[64 * 1024 - 400];

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	assert_int_equal(
		chat_format(&message, &(struct chat_text){ .from = "+1@" DOMAIN,
							   .to = "alice@x",
							   .id = "big",
							   .body = body }),
		0);
	assert_int_equal(outbox_send(&rig.gateway, message, on_done, &rig),
			 -EMSGSIZE);
	assert_int_equal(outbox_waiting(&rig.gateway), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_the_server_has_taken_leaves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_it_did_not_confirm_is_sent_again, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_it_took_last_is_sent_again_when_it_ends, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_to_be_sent_again_is_not_written_as_taken,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			many_are_not_written_again_in_one_turn, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_it_outlived_is_not_sent_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_taken_is_not_sent_again_by_a_new_process,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_taken_long_ago_is_not_sent_again_by_a_new_process,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_server_took_last_outlives_the_process_too,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_new_process_goes_on_where_the_last_ended, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			no_more_are_on_the_way_than_the_window, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			no_account_takes_the_room_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			long_texts_take_no_more_than_their_octets, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			nobody_hears_of_what_was_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_goes_to_who_is_removed,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_stays_of_who_is_removed,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			nothing_stays_of_what_was_taken_long_before, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(what_another_keeps_is_not_sent,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_two_have_one_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			one_that_came_long_ago_says_when, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_could_not_be_read_again_is_not_kept, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
