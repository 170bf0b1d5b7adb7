/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/iq.h"

#include <event2/event.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "tests/fail_alloc.h"
#include "tests/mock/xmpp_server.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/xmpp_stream.h"

#define NUMBER "+15551234567@tel.example.org/sip"
#define ALICE  "alice@example.org/Phone"

struct rig {
	struct event_base *base;
	struct mock_xmpp *mock;
	struct xmpp_stream *stream;
	struct iq_table *table;
	unsigned calls;
	enum iq_answer answer;
	bool had_reply;
	bool again; /* send another from within the handler */
};

static void on_up(void *arg)
{
	(void)arg;
}

static void on_down(const char *why, void *arg)
{
	(void)why;
	(void)arg;
}

static void on_stanza(const struct stanza *stanza, void *arg)
{
	(void)stanza;
	(void)arg;
}

static const struct xmpp_stream_handlers handlers = {
	.up = on_up,
	.down = on_down,
	.stanza = on_stanza,
};

static void rig_init(struct rig *rig)
{
	*rig = (struct rig){ .base = event_base_new() };
	rig->mock = mock_xmpp_new(rig->base, "s");
	const struct xmpp_stream_config config = {
		.host = "127.0.0.1",
		.port = mock_xmpp_port(rig->mock),
		.domain = "tel.example.org",
		.secret = "s",
	};
	assert_int_equal(xmpp_stream_new(&rig->stream, &config, rig->base,
					 &handlers, rig),
			 0);
	assert_int_equal(iq_table_new(&rig->table, rig->base, rig->stream), 0);
}

static void rig_fini(struct rig *rig)
{
	iq_table_free(rig->table);
	xmpp_stream_free(rig->stream);
	mock_xmpp_free(rig->mock);
	event_base_free(rig->base);
}

static bool is_up(void *arg)
{
	struct rig *rig = arg;

	return xmpp_stream_is_up(rig->stream);
}

static void rig_up(struct rig *rig)
{
	rig_init(rig);
	assert_true(mock_run(rig->base, is_up, rig, 5000));
}

static bool was_called(void *arg)
{
	struct rig *rig = arg;

	return rig->calls > 0;
}

static struct stanza *request(void)
{
	struct stanza *iq = NULL;

	assert_int_equal(stanza_new(&iq, "iq", NULL), 0);
	stanza_set(iq, "type", "get");
	stanza_set(iq, "from", NUMBER);
	stanza_set(iq, "to", ALICE);
	stanza_child(iq, "ping", "urn:xmpp:ping");
	assert_true(stanza_ok(iq));
	return iq;
}

static void on_answer(enum iq_answer answer, const struct stanza *reply,
		      void *arg)
{
	struct rig *rig = arg;

	rig->calls++;
	rig->answer = answer;
	rig->had_reply = reply != NULL;
	if (rig->again) {
		AUTO(stanza_freep) struct stanza *iq = request();

		rig->again = false;
		assert_int_equal(iq_send(rig->table, iq, on_answer, rig), 0);
	}
}

static struct stanza *answer_to(const struct stanza *iq, const char *type)
{
	struct stanza *reply = NULL;

	assert_int_equal(stanza_reply(&reply, iq, type), 0);
	return reply;
}

static void an_answer_finds_who_waits_for_it_once(void **state)
{
	(void)state;
	static const char *const types[] = { "result", "error" };
	struct rig rig;

	rig_up(&rig);
	for (unsigned i = 0; i < 2; i++) {
		AUTO(stanza_freep) struct stanza *iq = request();
		assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
		assert_non_null(stanza_attr(iq, "id"));
		assert_int_equal(iq_pending(rig.table), 1);
		AUTO(stanza_freep)
		struct stanza *reply = answer_to(iq, types[i]);
		assert_true(iq_receive(rig.table, reply));
		assert_int_equal(rig.calls, i + 1);
		assert_int_equal(rig.answer, i ? IQ_ERROR : IQ_RESULT);
		assert_true(rig.had_reply);
		assert_false(iq_receive(rig.table, reply));
		assert_int_equal(iq_pending(rig.table), 0);
	}
	rig_fini(&rig);
}

/* A stranger who guessed the id, or another resource, answers nothing. */
static void the_whole_triple_must_match(void **state)
{
	(void)state;
	static const char *const others[] = {
		"mallory@example.org/Phone",
		"alice@example.org/phone",
		"alice@example.org",
		"example.org",
		"@",
	};
	AUTO(stanza_freep) struct stanza *iq = request();
	struct rig rig;

	rig_up(&rig);
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	AUTO(stanza_freep) struct stanza *reply = answer_to(iq, "result");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		stanza_set(reply, "from", others[i]);
		assert_false(iq_receive(rig.table, reply));
	}
	stanza_set(reply, "from", ALICE);
	stanza_set(reply, "to", "+1@tel.example.org/sip");
	assert_false(iq_receive(rig.table, reply));
	stanza_set(reply, "to", NUMBER);
	stanza_set(reply, "type", "get");
	assert_false(iq_receive(rig.table, reply));
	stanza_set(reply, "type", NULL);
	assert_false(iq_receive(rig.table, reply));
	stanza_set(reply, "type", "result");
	/* domains and localparts have no case */
	stanza_set(reply, "from", "Alice@Example.org/Phone");
	assert_true(iq_receive(rig.table, reply));
	rig_fini(&rig);
}

static void what_cannot_be_sent_is_told_from_the_loop(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = request();
	struct rig rig;

	rig_init(&rig);
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	assert_int_equal(rig.calls, 0);
	assert_true(mock_run(rig.base, was_called, &rig, 5000));
	assert_int_equal(rig.answer, IQ_NOT_SENT);
	assert_false(rig.had_reply);
	assert_int_equal(iq_pending(rig.table), 0);
	rig_fini(&rig);
}

static void a_late_answer_is_given_up(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = request();
	struct rig rig;

	rig_up(&rig);
	uint64_t before = clock_ms();
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	uint64_t after = clock_ms();
	iq_expire(rig.table, before + IQ_TIMEOUT_MS - 1);
	assert_int_equal(rig.calls, 0);
	iq_expire(rig.table, after + IQ_TIMEOUT_MS);
	assert_int_equal(rig.calls, 1);
	assert_int_equal(rig.answer, IQ_TIMEOUT);
	assert_int_equal(iq_pending(rig.table), 0);
	rig_fini(&rig);
}

static void a_handler_may_ask_again(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = request();
	struct rig rig;

	rig_up(&rig);
	rig.again = true;
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	AUTO(stanza_freep) struct stanza *reply = answer_to(iq, "result");
	assert_true(iq_receive(rig.table, reply));
	assert_int_equal(rig.calls, 1);
	assert_int_equal(iq_pending(rig.table), 1);
	rig_fini(&rig);
}

static void who_asks_again_at_once_is_told_next_time(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = request();
	uint64_t late = clock_ms() + 2 * IQ_TIMEOUT_MS;
	struct rig rig;

	rig_init(&rig); /* not up: nothing can be sent */
	rig.again = true;
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	iq_expire(rig.table, late);
	assert_int_equal(rig.calls, 1);
	assert_int_equal(iq_pending(rig.table), 1);
	iq_expire(rig.table, late);
	assert_int_equal(rig.calls, 2);
	rig_fini(&rig);

	rig_up(&rig);
	rig.again = true;
	stanza_set(iq, "id", NULL);
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	iq_expire(rig.table, late);
	assert_int_equal(rig.calls, 1);
	assert_int_equal(iq_pending(rig.table), 1);
	rig_fini(&rig);
}

static void what_is_cancelled_is_not_reported(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = request();
	AUTO(stanza_freep) struct stanza *other = request();
	struct rig rig;
	int nobody = 0;

	rig_up(&rig);
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	assert_int_equal(iq_send(rig.table, other, on_answer, &rig), 0);
	iq_cancel(rig.table, &nobody);
	AUTO(stanza_freep) struct stanza *reply = answer_to(other, "result");
	assert_true(iq_receive(rig.table, reply));
	assert_int_equal(rig.calls, 1);
	iq_cancel(rig.table, &rig);
	AUTO(stanza_freep) struct stanza *late = answer_to(iq, "result");
	assert_true(iq_receive(rig.table, late));
	assert_int_equal(rig.calls, 1);
	rig_fini(&rig);
}

static void an_id_of_the_caller_is_kept_and_used_once(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = request();
	struct rig rig;

	rig_up(&rig);
	stanza_set(iq, "id", "mine");
	assert_int_equal(iq_send(rig.table, iq, NULL, NULL), 0);
	assert_string_equal(stanza_attr(iq, "id"), "mine");
	assert_int_equal(iq_send(rig.table, iq, NULL, NULL), -EINVAL);
	AUTO(stanza_freep) struct stanza *reply = answer_to(iq, "error");
	assert_true(iq_receive(rig.table, reply));
	assert_int_equal(iq_send(rig.table, iq, NULL, NULL), 0);
	stanza_set(iq, "to", NULL);
	assert_int_equal(iq_send(rig.table, iq, NULL, NULL), -EINVAL);
	rig_fini(&rig);
}

static void the_table_has_a_limit(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig);
	for (size_t i = 0; i < IQ_MAX_PENDING; i++) {
		AUTO(stanza_freep) struct stanza *iq = request();
		stanza_setf(iq, "to", "u%zu@example.org/phone", i);
		assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	}
	AUTO(stanza_freep) struct stanza *iq = request();
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), -EAGAIN);
	event_base_loop(rig.base, EVLOOP_ONCE);
	event_base_loop(rig.base, EVLOOP_NONBLOCK);
	assert_int_equal(rig.calls, IQ_MAX_PENDING);
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	rig_fini(&rig);
}

/* Who makes us ask and never answers keeps nobody else from being asked. */
static void one_account_has_a_limit_with_all_its_devices(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *of_other = request();
	struct rig rig;

	rig_init(&rig);
	for (size_t i = 0; i < IQ_MAX_OF_PEER; i++) {
		AUTO(stanza_freep) struct stanza *iq = request();
		stanza_setf(iq, "to", "%s@example.org/%zu",
			    i % 2 ? "mallory" : "Mallory", i);
		assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	}
	AUTO(stanza_freep) struct stanza *iq = request();
	stanza_set(iq, "to", "mallory@example.org/more");
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), -EAGAIN);
	assert_int_equal(iq_send(rig.table, of_other, on_answer, &rig), 0);
	assert_int_equal(iq_pending(rig.table), IQ_MAX_OF_PEER + 1);
	/* What is over makes room. */
	event_base_loop(rig.base, EVLOOP_ONCE);
	event_base_loop(rig.base, EVLOOP_NONBLOCK);
	assert_int_equal(iq_pending(rig.table), 0);
	assert_int_equal(iq_send(rig.table, iq, on_answer, &rig), 0);
	rig_fini(&rig);
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = request();
	struct rig rig;
	int r;

	rig_init(&rig);
	stanza_set(iq, "id", "mine");
	FAIL_EACH_ALLOCATION(r, iq_send(rig.table, iq, on_answer, &rig))
	assert_int_equal(iq_pending(rig.table), 1);
	rig.table = iq_table_free(rig.table);
	FAIL_EACH_ALLOCATION(r, iq_table_new(&rig.table, rig.base, rig.stream))
	assert_int_equal(iq_pending(rig.table), 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_finds_who_waits_for_it_once),
		cmocka_unit_test(the_whole_triple_must_match),
		cmocka_unit_test(what_cannot_be_sent_is_told_from_the_loop),
		cmocka_unit_test(a_late_answer_is_given_up),
		cmocka_unit_test(a_handler_may_ask_again),
		cmocka_unit_test(who_asks_again_at_once_is_told_next_time),
		cmocka_unit_test(what_is_cancelled_is_not_reported),
		cmocka_unit_test(an_id_of_the_caller_is_kept_and_used_once),
		cmocka_unit_test(the_table_has_a_limit),
		cmocka_unit_test(one_account_has_a_limit_with_all_its_devices),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
