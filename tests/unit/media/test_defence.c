/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A worker's shared socket in a flood, on a real one, with a clock that is
 * given. */
#include "media/defence.h"

#include "media/worker.h"
#include "tests/log_file.h"
#include "tests/loopback.h"

enum { PACKET = 172, CROWD = 2000 };

struct end {
	int fd;
	struct addr at;
};

static struct worker worker; /* without a thread */
static struct tuple tuples[CROWD];
static struct end call, stranger;
static struct addr port;

static int set_up(void **state)
{
	(void)state;
	memset(&worker, 0, sizeof(worker));
	tuple_table_init(&worker.tuples);
	worker.now_us = 1000000;
	worker.now_ms = worker.now_us / 1000;
	worker.shared[BATCH_V4].fd = loopback_open(SOCK_DGRAM, false, &port);
	worker.shared[BATCH_V6].fd = -1;
	worker.listening = true;
	call.fd = loopback_open(SOCK_DGRAM, false, &call.at);
	stranger.fd = loopback_open(SOCK_DGRAM, false, &stranger.at);
	log_file_open();
	defence_begin(&worker);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_file_close();
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

static void in_a_flood_only_calls_are_heard(void **state)
{
	(void)state;
	know(&tuples[0], &call.at);
	assert_true(is_heard(&stranger));
	flood(3);
	assert_true(worker.defence.siege.flooded);
	assert_true(is_heard(&call));
	assert_false(is_heard(&stranger));
	assert_int_equal(log_file_count("result=filtered"), 1);
	calm();
	assert_true(is_heard(&stranger));
	assert_int_equal(log_file_count("result=over"), 1);
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

		other.fd = loopback_open(SOCK_DGRAM, false, &other.at);
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
	assert_in_range(log_file_count("event=media-flood"), 2, 6);
	assert_int_equal(log_file_count("result=filtered"),
			 log_file_count("result=over"));
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
	assert_int_equal(log_file_count("event=media-filter"), 1);
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
