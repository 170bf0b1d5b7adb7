/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Another process goes on with the stream. */
#include "tests/unit/xmpp/stream_rig.h"

#define TEXT(id)                                                        \
	"<message from='" ALICE "' to='" NUMBER "' type='chat' id='" id \
	"'><body>x</body></message>"

/* The process of @dead stands still for ever; @next has a loop of its own. */
static void take_up_counted(struct rig *next, const struct rig *dead,
			    unsigned holds, _Atomic uint32_t *tries)
{
	*next = (struct rig){ .base = event_base_new(), .holds = holds };
	assert_true(dead->kept > 0);
	const struct xmpp_stream_config config = { .host = "127.0.0.1",
						   .port = 9,
						   .domain = DOMAIN,
						   .secret = SECRET,
						   .timing = fast,
						   .resumed_fd =
							   dup(dead->kept),
						   .tries = tries };
	assert_int_equal(xmpp_stream_new(&next->stream, &config, next->base,
					 &handlers, next),
			 0);
	wait_up(next, 1);
}

static void take_up(struct rig *next, const struct rig *dead)
{
	take_up_counted(next, dead, 0, NULL);
}

static void both_fini(struct rig *next, struct rig *dead)
{
	rig_fini(next);
	rig_fini(dead);
}

static const char *last_id(const struct rig *rig)
{
	return stanza_attr(rig->last, "id");
}

static void what_was_not_done_is_read_again_by_who_goes_on(void **state)
{
	struct rig dead, next;

	(void)state;
	rig_up(&dead);
	mock_xmpp_send(dead.mock, TEXT("done"));
	wait_stanzas(&dead, 1);
	dead.holds = 1;
	mock_xmpp_send(dead.mock, TEXT("held") TEXT("behind"));
	wait_stanzas(&dead, 3);
	take_up(&next, &dead);
	wait_stanzas(&next, 2);
	assert_string_equal(last_id(&next), "behind");
	pass_time(&next, 20);
	assert_int_equal(next.stanzas, 2);
	both_fini(&next, &dead);
}

static void what_was_released_is_not_read_again(void **state)
{
	struct rig dead, next;

	(void)state;
	rig_up(&dead);
	dead.holds = 1;
	mock_xmpp_send(dead.mock, TEXT("held") TEXT("behind"));
	wait_stanzas(&dead, 2);
	xmpp_stream_release(dead.stream, dead.held);
	/* half of the next has come */
	mock_xmpp_send(dead.mock, "<message from='" ALICE "' ");
	pass_time(&dead, 20);
	take_up(&next, &dead);
	mock_xmpp_send(dead.mock, "to='" NUMBER "' id='new'/>");
	wait_stanzas(&next, 1);
	assert_string_equal(last_id(&next), "new");
	both_fini(&next, &dead);
}

static void who_dies_of_what_is_read_is_counted(void **state)
{
	_Atomic uint32_t tries = 0;
	struct rig first, second, third;

	(void)state;
	rig_up(&first);
	first.holds = 1;
	mock_xmpp_send(first.mock, TEXT("deadly"));
	wait_stanzas(&first, 1);
	take_up_counted(&second, &first, 1, &tries);
	wait_stanzas(&second, 1);
	assert_int_equal(tries, 1);
	/* a process counts once */
	mock_xmpp_send(first.mock, TEXT("behind"));
	wait_stanzas(&second, 2);
	assert_int_equal(tries, 1);
	take_up_counted(&third, &first, 1, &tries);
	wait_stanzas(&third, 2);
	assert_int_equal(tries, 2);
	xmpp_stream_release(third.stream, third.held);
	assert_int_equal(tries, 0);
	rig_fini(&third);
	both_fini(&second, &first);
}

static void a_new_stream_is_to_blame_for_nothing(void **state)
{
	_Atomic uint32_t tries = 1;
	struct rig rig = { .base = event_base_new() };

	(void)state;
	rig.mock = mock_xmpp_new(rig.base, SECRET);
	const struct xmpp_stream_config config = {
		.host = "127.0.0.1",
		.port = mock_xmpp_port(rig.mock),
		.domain = DOMAIN,
		.secret = SECRET,
		.timing = fast,
		.tries = &tries,
	};
	assert_int_equal(xmpp_stream_new(&rig.stream, &config, rig.base,
					 &handlers, &rig),
			 0);
	wait_up(&rig, 1);
	assert_int_equal(tries, 0);
	rig_fini(&rig);
}

static void who_goes_on_is_heard_in_the_same_stream(void **state)
{
	AUTO(stanza_freep)
	struct stanza *message =
		parse("<message " NS "from='" NUMBER "' to='" ALICE
		      "' id='m1'><body>x</body></message>");
	struct rig dead, next;

	(void)state;
	rig_up(&dead);
	take_up(&next, &dead);
	assert_int_equal(xmpp_stream_send(next.stream, message), 0);
	wait_mock_stanzas(&dead, 1);
	assert_int_equal(mock_xmpp_counts(dead.mock).connections, 1);
	assert_int_equal(mock_xmpp_counts(dead.mock).faults, 0);
	both_fini(&next, &dead);
}

/* The server ends it: only when all that waits is released is the end seen. */
static void the_end_of_a_stream_waits_for_what_is_held(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig.holds = 1;
	mock_xmpp_send(rig.mock, TEXT("held"));
	wait_stanzas(&rig, 1);
	mock_xmpp_drop(rig.mock);
	pass_time(&rig, 20);
	assert_int_equal(rig.downs, 0);
	xmpp_stream_release(rig.stream, rig.held);
	wait_down(&rig, "connection closed");
	assert_int_equal(rig.kept, 0);
	rig_fini(&rig);
}

/* More than is waited for: the server goes on being read. */
static void who_holds_for_ever_does_not_stop_the_stream(void **state)
{
	enum { N = 2000 };
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig.holds = 1;
	for (unsigned i = 0; i < N; i++)
		mock_xmpp_send(rig.mock, TEXT("many"));
	wait_stanzas(&rig, N);
	rig_fini(&rig);
}

/* The first is held, and behind it stands more than is read meanwhile. */
static void hold_before_many(struct rig *rig, unsigned n)
{
	rig_up(rig);
	rig->holds = 1;
	for (unsigned i = 0; i < n; i++)
		mock_xmpp_send(rig->mock, TEXT("many"));
	wait_stanzas(rig, 2);
}

/* The first is not on disk: none of what is behind it has gone. */
static void more_than_fits_is_read_again_as_well(void **state)
{
	enum { N = 600 };
	struct rig dead, next;

	(void)state;
	hold_before_many(&dead, N);
	pass_time(&dead, 20);
	assert_true(dead.stanzas < N);
	take_up(&next, &dead);
	wait_stanzas(&next, N);
	both_fini(&next, &dead);
}

/* It is released in time: all is read, and nothing is lost in between. */
static void what_waited_behind_more_than_fits_is_read_on(void **state)
{
	enum { N = 600 };
	struct rig rig;

	(void)state;
	hold_before_many(&rig, N);
	pass_time(&rig, 20);
	assert_true(rig.stanzas < N);
	xmpp_stream_release(rig.stream, rig.held);
	wait_stanzas(&rig, N);
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

/* It was told to its writers that it is taken. */
static void what_a_server_wrote_before_it_closed_is_read(void **state)
{
	enum { N = 600 };
	AUTO(stanza_freep) struct stanza *message = big_message(10);
	struct rig rig;

	(void)state;
	hold_before_many(&rig, N);
	mock_xmpp_drop(rig.mock);
	while (!xmpp_stream_send(rig.stream, message))
		pass_time(&rig, 5);
	assert_false(xmpp_stream_is_up(rig.stream));
	assert_int_equal(xmpp_stream_send(rig.stream, message), XMPP_E_DOWN);
	assert_int_equal(rig.downs, 0);
	assert_true(rig.stanzas < N);
	xmpp_stream_release(rig.stream, rig.held);
	rig.wanted = 1;
	assert_true(mock_run(rig.base, has_downs, &rig, LIMIT_MS));
	assert_int_equal(rig.stanzas, N);
	wait_up(&rig, 2);
	rig_fini(&rig);
}

static void nothing_is_held_outside_of_a_stanza(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	assert_int_equal(xmpp_stream_hold(rig.stream), 0);
	xmpp_stream_release(rig.stream, 0);
	xmpp_stream_release(rig.stream, 77);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_was_not_done_is_read_again_by_who_goes_on),
		cmocka_unit_test(what_was_released_is_not_read_again),
		cmocka_unit_test(who_dies_of_what_is_read_is_counted),
		cmocka_unit_test(a_new_stream_is_to_blame_for_nothing),
		cmocka_unit_test(who_goes_on_is_heard_in_the_same_stream),
		cmocka_unit_test(the_end_of_a_stream_waits_for_what_is_held),
		cmocka_unit_test(who_holds_for_ever_does_not_stop_the_stream),
		cmocka_unit_test(more_than_fits_is_read_again_as_well),
		cmocka_unit_test(what_waited_behind_more_than_fits_is_read_on),
		cmocka_unit_test(what_a_server_wrote_before_it_closed_is_read),
		cmocka_unit_test(nothing_is_held_outside_of_a_stanza),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
