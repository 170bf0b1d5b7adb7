/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A billing system at a local socket in the process, asked by many at once. */
#include "gateway/bill/bill.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/bill/wire.h"
#include "gateway/gateway.h"
#include "tests/test.h"

enum {
	WAIT_MS = 20000,
	TIMEOUT_MS = 10000, /* of a question; not what is tested */
	ROOM = WIRE_OPEN_MAX + BILL_WAITING_MAX,
};

static char path[] = "/tmp/tandem-bill-XXXXXX", url[64];
static struct config config;
static struct gateway gateway;
static struct evconnlistener *listener;
static struct bufferevent *held[ROOM];
static size_t nheld, most_held, nconnections;
static bool silent; /* nobody is answered until it is not */
static char last[1024];

static struct question *questions[ROOM + 1];
static unsigned allowed, denied, seconds;

/* ---- the billing system ---- */

static void reply(struct bufferevent *bev)
{
	static const char text[] = "{\"allow\":true,\"seconds\":7}\n";

	bufferevent_write(bev, text, sizeof(text) - 1);
}

static void on_line(struct bufferevent *bev, void *arg)
{
	char *line = evbuffer_readln(bufferevent_get_input(bev), NULL,
				     EVBUFFER_EOL_LF);

	(void)arg;
	if (!line)
		return;
	snprintf(last, sizeof(last), "%s", line);
	free(line);
	if (!silent)
		reply(bev);
	else
		held[nheld++] = bev;
	most_held = nheld > most_held ? nheld : most_held;
}

static void on_gone(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	(void)arg;
	bufferevent_free(bev);
	nconnections--;
}

static void on_connection(struct evconnlistener *from, evutil_socket_t fd,
			  struct sockaddr *address, int n, void *arg)
{
	struct bufferevent *bev =
		bufferevent_socket_new(gateway.base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)from;
	(void)address;
	(void)n;
	(void)arg;
	bufferevent_setcb(bev, on_line, NULL, on_gone, NULL);
	bufferevent_enable(bev, EV_READ);
	nconnections++;
}

static void release(void)
{
	silent = false;
	while (nheld)
		reply(held[--nheld]);
}

static int setup(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	unlink(path);
	log_set_level(LOG_LEVEL_ERROR); /* thousands of lines otherwise */
	snprintf(url, sizeof(url), "unix:%s", path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	config = (struct config){ .billing = { .url = url,
					       .token = (char[]){ "" },
					       .timeout_ms = TIMEOUT_MS,
					       .authorise = true } };
	gateway =
		(struct gateway){ .config = &config, .base = event_base_new() };
	listener = evconnlistener_new_bind(
		gateway.base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE,
		WIRE_OPEN_MAX, (struct sockaddr *)&address, sizeof(address));
	assert_non_null(listener);
	assert_int_equal(bill_new(&gateway), 0);
	allowed = denied = seconds = 0;
	nheld = most_held = nconnections = 0;
	silent = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i <= ROOM; i++)
		questions[i] = question_free(questions[i]);
	bill_free(&gateway);
	evconnlistener_free(listener);
	while (nconnections)
		event_base_loop(gateway.base, EVLOOP_ONCE);
	event_base_free(gateway.base);
	unlink(path);
	return 0;
}

/* ---- who asks ---- */

static void on_answer(const struct bill_answer *answer, void *arg)
{
	struct question **mine = arg;

	allowed += answer->allowed;
	denied += !answer->allowed;
	seconds = answer->seconds;
	*mine = question_free(*mine);
}

static void ask(size_t i, enum bill_part part)
{
	const struct bill_request request = { .id = "c1",
					      .part = part,
					      .account = "a@example.org",
					      .from = "+15550001",
					      .to = "+15550002",
					      .trunk = "carrier" };

	assert_int_equal(bill_ask(&questions[i], &gateway, &request, on_answer,
				  &questions[i]),
			 0);
}

static void run_until(const unsigned *count, unsigned n)
{
	uint64_t until = clock_ms() + WAIT_MS;
	const struct timeval tick = { 0, 5000 };

	while (*count < n && clock_ms() < until) {
		event_base_loopexit(gateway.base, &tick);
		event_base_dispatch(gateway.base);
	}
	assert_int_equal(*count, n);
}

static void a_question_says_how_it_came_to_its_leg(void **state)
{
	(void)state;
	ask(0, BILL_DIALLED);
	run_until(&allowed, 1);
	assert_int_equal(seconds, 7);
	assert_non_null(strstr(last, "\"part\":\"dialled\""));
	ask(0, BILL_FORWARDED);
	run_until(&allowed, 2);
	assert_non_null(strstr(last, "\"part\":\"forwarded\""));
	ask(0, BILL_TRANSFERRED);
	run_until(&allowed, 3);
	assert_non_null(strstr(last, "\"part\":\"transferred\""));
	assert_non_null(strstr(last, "\"account\":\"a@example.org\""));
}

static void more_than_may_be_open_wait_for_their_turn(void **state)
{
	enum { N = WIRE_OPEN_MAX + 100 };

	(void)state;
	silent = true;
	for (size_t i = 0; i < N; i++)
		ask(i, BILL_DIALLED);
	for (int i = 0; i < 1000 && nheld < WIRE_OPEN_MAX; i++)
		event_base_loop(gateway.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(nheld, WIRE_OPEN_MAX);
	assert_int_equal(allowed + denied, 0);
	release();
	run_until(&allowed, N);
	assert_int_equal(denied, 0);
	assert_int_equal(most_held, WIRE_OPEN_MAX);
}

static void who_waits_may_give_up(void **state)
{
	(void)state;
	silent = true;
	for (size_t i = 0; i < WIRE_OPEN_MAX + 3; i++)
		ask(i, BILL_DIALLED);
	questions[WIRE_OPEN_MAX + 1] =
		question_free(questions[WIRE_OPEN_MAX + 1]);
	questions[0] = question_free(questions[0]); /* and the next is sent */
	for (int i = 0; i < 1000 && nheld < WIRE_OPEN_MAX + 1; i++)
		event_base_loop(gateway.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_non_null(questions[WIRE_OPEN_MAX]);
	assert_int_equal(gateway.bill->nwaiting, 1);
}

static void what_is_asked_beyond_all_room_is_decided_at_once(void **state)
{
	(void)state;
	silent = true;
	for (size_t i = 0; i < ROOM; i++)
		ask(i, BILL_DIALLED);
	assert_int_equal(gateway.bill->nwaiting, BILL_WAITING_MAX);
	ask(ROOM, BILL_DIALLED);
	run_until(&denied, 1); /* on_failure is not allowed here */
	assert_null(questions[ROOM]);
	assert_int_equal(allowed, 0);
}

static void who_has_waited_too_long_gets_the_default(void **state)
{
	(void)state;
	config.billing.timeout_ms = 50;
	config.billing.on_failure = true;
	silent = true;
	for (size_t i = 0; i < WIRE_OPEN_MAX; i++)
		ask(i, BILL_DIALLED);
	ask(WIRE_OPEN_MAX, BILL_DIALLED);
	run_until(&allowed, 1);
	assert_null(questions[WIRE_OPEN_MAX]);
}

/* Both ends of each exchange are ours. */
static int raise_descriptors(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_question_says_how_it_came_to_its_leg),
		TEST(more_than_may_be_open_wait_for_their_turn),
		TEST(who_waits_may_give_up),
		TEST(what_is_asked_beyond_all_room_is_decided_at_once),
		TEST(who_has_waited_too_long_gets_the_default),
	};

	return cmocka_run_group_tests(tests, raise_descriptors, NULL);
}
