/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/unsent.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/gateway.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

static struct gateway gateway;
static char said[200];
static int answer;    /* of the stream */
static unsigned left; /* stanzas that it takes before it is full */

int xmpp_stream_send(struct xmpp_stream *stream, const struct stanza *stanza)
{
	size_t n = strlen(said);

	(void)stream;
	if (answer)
		return answer;
	if (!left)
		return XMPP_E_FULL;
	left--;
	snprintf(said + n, sizeof(said) - n, "%s ", stanza_attr(stanza, "id"));
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	said[0] = '\0';
	answer = 0;
	left = 100;
	gateway = (struct gateway){ .base = event_base_new() };
	return unsent_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	unsent_free(&gateway);
	event_base_free(gateway.base);
	return 0;
}

static void say(const char *id)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;

	assert_int_equal(stanza_new(&stanza, "message", NULL), 0);
	stanza_set(stanza, "id", id);
	unsent_send(&gateway, stanza);
}

static void what_a_stream_that_is_down_misses_it_gets_when_it_is_up(
	void **state)
{
	(void)state;
	answer = XMPP_E_DOWN;
	say("a");
	say("b");
	assert_string_equal(said, "");
	answer = 0;
	unsent_stream_up(&gateway);
	say("c");
	assert_string_equal(said, "a b c ");
}

static void what_a_full_stream_refuses_goes_later_in_its_order(void **state)
{
	(void)state;
	left = 1;
	say("a");
	say("b");
	left = 1; /* there is room again, but b waits */
	say("c");
	assert_string_equal(said, "a ");
	assert_int_equal(event_base_loop(gateway.base, EVLOOP_ONCE), 0);
	assert_string_equal(said, "a b ");
	left = 1;
	assert_int_equal(event_base_loop(gateway.base, EVLOOP_ONCE), 0);
	assert_string_equal(said, "a b c ");
	say("d");
	left = 1;
	event_base_dispatch(gateway.base);
	assert_string_equal(said, "a b c d ");
}

static void on_more(evutil_socket_t fd, short what, void *arg)
{
	unsigned *n = arg;

	(void)fd;
	(void)what;
	(*n)++;
	say("x");
	left = 1000;
}

/* Calls end faster than it is tried again. */
static void those_that_come_meanwhile_put_nothing_off(void **state)
{
	enum { ENOUGH = 20 };
	const struct timeval often = { 0, UNSENT_RETRY_MS * 1000 / 5 };
	unsigned n = 0;
	struct event *more =
		event_new(gateway.base, -1, EV_PERSIST, on_more, &n);

	(void)state;
	left = 0;
	say("a");
	assert_int_equal(event_add(more, &often), 0);
	while (!*said && n < ENOUGH)
		assert_int_equal(event_base_loop(gateway.base, EVLOOP_ONCE), 0);
	event_free(more);
	assert_int_equal(strncmp(said, "a x ", strlen("a x ")), 0);
}

static void what_can_never_be_sent_stops_nobody(void **state)
{
	(void)state;
	answer = XMPP_E_DOWN;
	say("a");
	say("b");
	answer = XMPP_E_ILLEGAL;
	unsent_stream_up(&gateway);
	answer = 0;
	say("c");
	assert_string_equal(said, "c ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_a_stream_that_is_down_misses_it_gets_when_it_is_up,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_full_stream_refuses_goes_later_in_its_order,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			those_that_come_meanwhile_put_nothing_off, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_can_never_be_sent_stops_nobody, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
