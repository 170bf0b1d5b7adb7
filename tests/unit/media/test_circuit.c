/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A circuit with a worker that has no thread, so that time is ours. */
#include "media/circuit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "media/worker.h"
#include "tests/test.h"

struct bench {
	struct notices notices;
	struct worker *worker;
	struct circuit *circuit;
	struct port_pool *ports;
	struct port_pair pair;
};

static struct addr at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_port(&a, slice_of(text)), 0);
	return a;
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_int_equal(notices_init(&b->notices), 0);
	b->worker = calloc(1, sizeof(*b->worker));
	assert_non_null(b->worker);
	b->worker->config.notices = &b->notices;
	b->worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	STAILQ_INIT(&b->worker->touched);
	b->worker->now_ms = 1000;
	b->worker->now_us = 1000000;
	assert_int_equal(port_pool_new(&b->ports, 36000, 36999), 0);
	assert_int_equal(circuit_new(&b->circuit, b->worker, NULL, "test"), 0);
	b->pair.rtp = b->pair.rtcp = -1;
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	circuit_close(b->circuit);
	circuit_free(b->circuit);
	port_close(b->ports, &b->pair, 0);
	port_pool_free(b->ports);
	notices_fini(&b->notices);
	close(b->worker->epoll);
	free(b->worker);
	free(b);
	return 0;
}

/* An RTP side that is ready: its peer is at 127.0.0.1:9. */
static struct flow *open_side(struct bench *b)
{
	struct flow *flow = &b->circuit->flows[MEDIA_SIDE_A];
	struct addr ip = at("127.0.0.1:0");
	struct command_rtp_peer peer = { .rtp = at("127.0.0.1:9"),
					 .rtcp = at("127.0.0.1:9") };

	assert_int_equal(port_open(b->ports, &ip, true, 1, &b->pair), 0);
	struct command_rtp rtp = { b->pair.rtp, b->pair.rtcp, b->pair.local };
	assert_int_equal(flow_rtp_open(flow, &rtp), 0);
	assert_int_equal(flow_rtp_peer(flow, &peer), 0);
	return flow;
}

static uint64_t tick_at(struct bench *b, uint64_t now_ms)
{
	b->worker->now_ms = now_ms;
	b->worker->now_us = now_ms * 1000;
	return circuit_tick(b->circuit);
}

static struct notice_side told(struct bench *b)
{
	struct notice notice = { .gone = false };

	notices_take(&b->notices, &notice);
	return notice.sides[MEDIA_SIDE_A];
}

static void hear(struct bench *b, struct flow *flow)
{
	struct packet packet = { .remote = at("127.0.0.1:9"),
				 .n = 12,
				 .p = { 0x80, 0, 0, 1 } };

	(void)b;
	flow_rtp_packet(flow, &packet, false);
}

static void a_circuit_without_flows_needs_no_timer(void **state)
{
	struct bench *b = *state;

	assert_true(tick_at(b, 5000) == UINT64_MAX);
}

static void a_side_that_hears_nothing_for_a_minute_fails(void **state)
{
	struct bench *b = *state;

	open_side(b);
	assert_true(told(b).ready);
	for (uint64_t t = 1000; t < 1000 + FLOW_SILENCE_MS; t += 1000)
		(void)tick_at(b, t);
	assert_false(told(b).failed);
	for (uint64_t t = 0; t <= CIRCUIT_BEAT_MS; t += 1000)
		(void)tick_at(b, 1000 + FLOW_SILENCE_MS + t);
	struct notice_side side = told(b);
	assert_true(side.failed);
	assert_int_equal(side.why, MEDIA_FAIL_SILENCE);
	assert_true(tick_at(b, 200000) > 200000);
	assert_false(told(b).failed); /* once */
}

static void a_side_that_hears_something_does_not_fail(void **state)
{
	struct bench *b = *state;
	struct flow *flow = open_side(b);

	(void)told(b);
	for (uint64_t t = 1000; t < 5 * FLOW_SILENCE_MS; t += 1000) {
		(void)tick_at(b, t);
		if (t % 30000 == 0)
			hear(b, flow);
	}
	assert_false(told(b).failed);
}

static void a_side_on_hold_is_not_watched(void **state)
{
	struct bench *b = *state;
	struct command hold = { .verb = COMMAND_DIRECTION,
				.circuit = b->circuit,
				.side = MEDIA_SIDE_A,
				.dir = MEDIA_SENDONLY };

	open_side(b);
	(void)told(b);
	command_run(&hold);
	for (uint64_t t = 1000; t < 3 * FLOW_SILENCE_MS; t += 1000)
		(void)tick_at(b, t);
	assert_false(told(b).failed);
	/* Taken back, the minute begins then. */
	hold.dir = MEDIA_SENDRECV;
	command_run(&hold);
	(void)tick_at(b, 4 * FLOW_SILENCE_MS - 5000);
	assert_false(told(b).failed);
	(void)tick_at(b, 5 * FLOW_SILENCE_MS);
	assert_true(told(b).failed);
}

/* While the other side is not there yet nobody is expected to speak. */
static void silence_counts_from_when_both_sides_are_ready(void **state)
{
	struct bench *b = *state;
	struct flow *other = &b->circuit->flows[MEDIA_SIDE_B];

	open_side(b);
	other->kind = FLOW_RTP;
	(void)told(b);
	for (uint64_t t = 1000; t < 3 * FLOW_SILENCE_MS; t += 1000)
		(void)tick_at(b, t);
	assert_false(told(b).failed);
	flow_ready(other);
	for (uint64_t t = 3 * FLOW_SILENCE_MS; t < 4 * FLOW_SILENCE_MS - 5000;
	     t += 1000)
		(void)tick_at(b, t);
	assert_false(told(b).failed);
	(void)tick_at(b, 5 * FLOW_SILENCE_MS);
	assert_true(told(b).failed);
	other->kind = FLOW_CLOSED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_circuit_without_flows_needs_no_timer, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_side_that_hears_nothing_for_a_minute_fails, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_side_that_hears_something_does_not_fail, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_side_on_hold_is_not_watched,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			silence_counts_from_when_both_sides_are_ready, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
