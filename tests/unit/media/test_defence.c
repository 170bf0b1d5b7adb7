/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A worker's shared socket in a flood, on a real one, with a clock that is
 * given. */
#include "media/defence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "media/worker.h"
#include "tests/test.h"

enum { PACKET = 172, LOG_CAP = 8192, CROWD = 2000 };

struct end {
	int fd;
	struct addr at;
};

static struct worker worker; /* without a thread */
static struct tuple tuples[CROWD];
static struct end call, stranger;
static struct addr port;
static char log_path[] = "/tmp/tandem-defence-XXXXXX";

static int open_socket(struct addr *at)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socklen_t n = sizeof(at->in4);

	assert_int_equal(addr_parse(at, slice_of("127.0.0.1"), 0), 0);
	assert_int_equal(bind(fd, &at->sa, n), 0);
	assert_int_equal(getsockname(fd, &at->sa, &n), 0);
	return fd;
}

static int set_up(void **state)
{
	(void)state;
	memset(&worker, 0, sizeof(worker));
	tuple_table_init(&worker.tuples);
	worker.now_us = 1000000;
	worker.now_ms = worker.now_us / 1000;
	worker.shared[BATCH_V4].fd = open_socket(&port);
	worker.shared[BATCH_V6].fd = -1;
	worker.listening = true;
	call.fd = open_socket(&call.at);
	stranger.fd = open_socket(&stranger.at);
	close(mkstemp(log_path));
	assert_int_equal(log_open(log_path, LOG_LEVEL_INFO), 0);
	defence_begin(&worker);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(log_open("", LOG_LEVEL_ERROR), 0);
	unlink(log_path);
	memcpy(log_path + strlen(log_path) - 6, "XXXXXX", 6);
	close(worker.shared[BATCH_V4].fd);
	close(call.fd);
	close(stranger.fd);
	return 0;
}

/* Loopback delivers before sendto() returns. */
static bool is_heard(const struct end *end)
{
	uint8_t p[PACKET] = { 0x80 };

	assert_int_equal(
		sendto(end->fd, p, sizeof(p), 0, &port.sa, addr_len(&port)),
		PACKET);
	return recv(worker.shared[BATCH_V4].fd, p, sizeof(p), 0) == PACKET;
}

static void turn_after(unsigned ms, uint64_t foreign)
{
	worker.now_us += (uint64_t)ms * 1000;
	worker.now_ms = worker.now_us / 1000;
	defence_turn(&worker, foreign);
}

static void flood(unsigned looks)
{
	for (unsigned i = 0; i < looks; i++)
		turn_after(SIEGE_LOOK_MS, SIEGE_FROM);
}

static void calm(void)
{
	for (unsigned ms = 0; ms <= 2 * SIEGE_CALM_MS; ms += SIEGE_LOOK_MS)
		turn_after(SIEGE_LOOK_MS, 0);
}

static void know(struct tuple *tuple, const struct addr *remote)
{
	static struct flow *const some = (struct flow *)&worker;

	tuple_insert(&worker.tuples, tuple, some, &port, remote, worker.now_ms);
}

static void know_many(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct addr remote;

		assert_int_equal(addr_parse(&remote, slice_of("192.0.2.1"),
					    (uint16_t)(1000 + i)),
				 0);
		know(&tuples[i], &remote);
	}
}

/* How many lines of the log have @what. */
static unsigned lines(const char *what)
{
	char text[LOG_CAP];
	FILE *file = fopen(log_path, "re");
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	unsigned count = 0;

	fclose(file);
	text[n] = '\0';
	for (const char *p = text; (p = strstr(p, what)); p++)
		count++;
	return count;
}

static void in_a_flood_only_calls_are_heard(void **state)
{
	(void)state;
	know(&tuples[0], &call.at);
	assert_true(is_heard(&stranger));
	flood(3);
	assert_true(worker.defence.siege.flooded);
	assert_true(is_heard(&call));
	assert_false(is_heard(&stranger));
	assert_int_equal(lines("result=filtered"), 1);
	calm();
	assert_true(is_heard(&stranger));
	assert_int_equal(lines("result=over"), 1);
}

static void who_is_new_in_a_flood_is_known_soon(void **state)
{
	(void)state;
	flood(3);
	assert_false(is_heard(&call));
	assert_true(defence_due_ms(&worker) == UINT64_MAX);
	know(&tuples[0], &call.at);
	/* even if nothing else wakes the worker */
	assert_in_range(defence_due_ms(&worker), 0,
			worker.now_ms + DEFENCE_LEARN_MS);
	turn_after(DEFENCE_LEARN_MS, 100);
	assert_true(is_heard(&call));
	assert_true(defence_due_ms(&worker) == UINT64_MAX);
	tuple_remove(&worker.tuples, &tuples[0]);
	turn_after(DEFENCE_LEARN_MS, 100);
	assert_false(is_heard(&call));
}

/* Of strangers one in a hundred may pass then. */
static void with_many_calls_each_is_heard_and_few_strangers(void **state)
{
	enum { STRANGERS = 100 };
	unsigned passed = 0;

	(void)state;
	know_many(CROWD);
	know(&(struct tuple){ .flow = NULL }, &call.at);
	flood(3);
	assert_true(is_heard(&call));
	for (unsigned i = 0; i < STRANGERS; i++) {
		struct end other;

		other.fd = open_socket(&other.at);
		passed += is_heard(&other);
		close(other.fd);
	}
	assert_true(passed < STRANGERS / 5);
}

static void floods_that_come_and_go_are_told_seldom(void **state)
{
	unsigned n = 2 * DEFENCE_LOG_MS / (2 * SIEGE_CALM_MS);

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		flood(3);
		calm();
	}
	assert_in_range(lines("event=media-flood"), 2, 6);
	assert_int_equal(lines("result=filtered"), lines("result=over"));
}

static void a_filter_that_the_kernel_refuses_is_told_seldom(void **state)
{
	int fd = worker.shared[BATCH_V4].fd;

	(void)state;
	flood(1);
	worker.shared[BATCH_V4].fd = 0x7fffffff; /* no socket */
	for (unsigned i = 0; i < 20; i++) {
		know(&tuples[i], &call.at);
		flood(2);
		tuple_remove(&worker.tuples, &tuples[i]);
	}
	assert_int_equal(lines("event=media-filter"), 1);
	worker.shared[BATCH_V4].fd = fd;
}

#define DEFENCE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEFENCE_TEST(in_a_flood_only_calls_are_heard),
		DEFENCE_TEST(who_is_new_in_a_flood_is_known_soon),
		DEFENCE_TEST(with_many_calls_each_is_heard_and_few_strangers),
		DEFENCE_TEST(floods_that_come_and_go_are_told_seldom),
		DEFENCE_TEST(a_filter_that_the_kernel_refuses_is_told_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
