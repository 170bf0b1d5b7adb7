/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A circuit with a worker that has no thread, so that time is ours. */
#include "media/circuit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/worker.h"
#include "tests/fail_alloc.h"
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
	assert_int_equal(
		circuit_new(&b->circuit, b->worker, NULL, NULL, "test"), 0);
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

/* As a worker does: a second at a time. */
static void tick_until(struct bench *b, uint64_t until_ms)
{
	for (uint64_t t = b->worker->now_ms; t < until_ms; t += 1000)
		(void)tick_at(b, t);
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

static void who_stood_still_waits_for_a_minute_from_then_on(void **state)
{
	struct bench *b = *state;
	uint64_t later = 1000 + 2 * FLOW_SILENCE_MS;

	open_side(b);
	(void)told(b);
	(void)tick_at(b, later);
	tick_until(b, later + FLOW_SILENCE_MS);
	assert_false(told(b).failed);
	tick_until(b, later + FLOW_SILENCE_MS + 2 * CIRCUIT_BEAT_MS);
	assert_true(told(b).failed);
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

/* Whom the kernel lets be heard alone; port 0: nobody. */
static uint16_t alone(const struct bench *b)
{
	struct addr peer = { 0 };
	socklen_t n = sizeof(peer);

	return getpeername(b->pair.rtp, &peer.sa, &n) ? 0 : addr_port(&peer);
}

static void a_peer_is_heard_alone_until_it_is_silent(void **state)
{
	struct bench *b = *state;
	struct flow *flow = open_side(b);
	uint64_t now_ms = 1000;

	tick_until(b, now_ms + 2 * CIRCUIT_BEAT_MS);
	assert_int_equal(alone(b), 0);
	for (; now_ms < 5 * CIRCUIT_BEAT_MS; now_ms += 1000) {
		(void)tick_at(b, now_ms);
		hear(b, flow);
	}
	assert_int_equal(alone(b), 9);
	/* It may come from another port from then on. */
	uint64_t from_ms = now_ms - 1000 + LATCH_SILENCE_MS;
	assert_true(tick_at(b, from_ms - 1) <= from_ms);
	assert_int_equal(alone(b), 9);
	(void)tick_at(b, from_ms);
	assert_int_equal(alone(b), 0);
}

static void who_is_described_anew_may_be_another(void **state)
{
	struct bench *b = *state;
	struct flow *flow = open_side(b);
	struct command_rtp_peer peer = { .rtp = at("127.0.0.1:11"),
					 .rtcp = at("127.0.0.1:11") };

	for (uint64_t now_ms = 1000; now_ms < 2 * CIRCUIT_BEAT_MS;
	     now_ms += 1000) {
		(void)tick_at(b, now_ms);
		hear(b, flow);
	}
	assert_int_equal(alone(b), 9);
	assert_int_equal(flow_rtp_peer(flow, &peer), 0);
	assert_int_equal(alone(b), 0);
}

static bool send_own(struct flow *flow)
{
	struct packet packet = { .n = 12, .p = { 0x80, 0, 0, 1 } };

	return flow_rtp_output(flow, &packet, false, true);
}

/* Nobody listens at the peer's port, which the kernel tells a socket that is
 * connected: with the packet after the one that was refused. */
static void what_was_refused_costs_no_other_packet(void **state)
{
	struct bench *b = *state;
	struct flow *flow = open_side(b);

	for (uint64_t now_ms = 1000; now_ms < 2 * CIRCUIT_BEAT_MS;
	     now_ms += 1000) {
		(void)tick_at(b, now_ms);
		hear(b, flow);
	}
	assert_int_equal(alone(b), 9);
	for (int i = 0; i < 4; i++)
		assert_true(send_own(flow));
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
	tick_until(b, 3 * FLOW_SILENCE_MS);
	assert_false(told(b).failed);
	/* Taken back, the minute begins then. */
	hold.dir = MEDIA_SENDRECV;
	command_run(&hold);
	tick_until(b, 4 * FLOW_SILENCE_MS - 5000);
	assert_false(told(b).failed);
	tick_until(b, 5 * FLOW_SILENCE_MS);
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
	tick_until(b, 3 * FLOW_SILENCE_MS);
	assert_false(told(b).failed);
	flow_ready(other);
	tick_until(b, 4 * FLOW_SILENCE_MS - 5000);
	assert_false(told(b).failed);
	tick_until(b, 5 * FLOW_SILENCE_MS);
	assert_true(told(b).failed);
	other->kind = FLOW_CLOSED;
}

/* Memory */

static struct command local_command(void)
{
	struct command c = { .verb = COMMAND_OPEN_ICE };

	c.local.ncands = 2;
	for (int i = 0; i < 2; i++) {
		c.local.cands[i].base = at(i ? "192.0.2.1:5" : "192.0.2.2:5");
		c.local.cands[i].cand.addr = c.local.cands[i].base;
		c.local.cands[i].cand.component = 1;
	}
	memcpy(c.local.ufrag, "aaaabbbb", ICE_UFRAG_LEN + 1);
	memcpy(c.local.pwd, "aaaabbbbccccddddeeeeffff", ICE_PWD_LEN + 1);
	return c;
}

static void forget(struct bench *b, struct circuit *circuit)
{
	struct notice notice;

	circuit_close(circuit);
	while (notices_take(&b->notices, &notice))
		continue;
	circuit_free(circuit);
}

static int open_ice(struct bench *b, struct circuit **out)
{
	struct command local = local_command();
	struct circuit *circuit;

	int r = circuit_new(&circuit, b->worker, NULL, NULL, "memory");
	if (r)
		return r;
	struct flow *flow = &circuit->flows[MEDIA_SIDE_A];
	r = flow_ice_open(flow, &local.local);
	if (!r) {
		memcpy(local.local.ufrag, "ccccdddd", ICE_UFRAG_LEN);
		r = flow_ice_restart(flow, &local.local);
	}
	if (r) {
		forget(b, circuit);
		return r;
	}
	*out = circuit;
	return 0;
}

static void any_allocation_may_fail_on_the_way_to_ice(void **state)
{
	struct bench *b = *state;
	struct circuit *circuit = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, open_ice(b, &circuit))
	{
		struct slice now = slice_of("ccccdddd"),
			     before = slice_of("aaaabbbb");
		struct flow *flow = &circuit->flows[MEDIA_SIDE_A];

		assert_ptr_equal(worker_find_name(b->worker, now), flow);
		assert_ptr_equal(worker_find_name(b->worker, before), flow);
		assert_ptr_equal(worker_find_tag(b->worker, flow->ice.tag),
				 flow);
		forget(b, circuit);
		assert_null(worker_find_name(b->worker, now));
		assert_null(worker_find_name(b->worker, before));
	}
}

static void commands_to_a_flow_that_did_not_open_do_nothing(void **state)
{
	struct bench *b = *state;

	for (int verb = 0; verb < COMMAND_STUN; verb++) {
		struct command c = { .verb = (enum command_verb)verb,
				     .circuit = b->circuit,
				     .side = MEDIA_SIDE_B };

		if (verb != COMMAND_OPEN_ICE && verb != COMMAND_OPEN_RTP)
			command_run(&c);
	}
	assert_int_equal(b->circuit->flows[MEDIA_SIDE_B].kind, FLOW_CLOSED);
	assert_false(b->circuit->flows[MEDIA_SIDE_B].ready);
}

/* Keys of which each octet is @key. */
static struct command_rtp_peer secure_peer(uint8_t tx, uint8_t rx)
{
	struct command_rtp_peer peer = { .rtp = at("127.0.0.1:9"),
					 .rtcp = at("127.0.0.1:9"),
					 .keys.profile = SRTP_AES128_CM_SHA1_80,
					 .keys.len = 30 };

	memset(peer.keys.tx, tx, peer.keys.len);
	memset(peer.keys.rx, rx, peer.keys.len);
	return peer;
}

static void keys_that_cannot_be_had_leave_the_old_ones(void **state)
{
	struct bench *b = *state;
	struct flow *flow = open_side(b);
	struct command_rtp_peer peer = secure_peer(1, 2);
	struct command_rtp_peer news[] = { secure_peer(1, 3),
					   secure_peer(4, 5) };
	struct packet plain = { .n = 172, .p = { 0x80 } };
	int r;

	assert_int_equal(flow_rtp_peer(flow, &peer), 0);
	for (size_t i = 0; i < 2; i++) {
		const struct srtp *tx = flow->tx, *rx = flow->rx;

		fail_alloc_arm(0);
		r = fail_alloc_disarm(flow_rtp_peer(flow, &news[i]));
#ifndef FAIL_ALLOC_OFF
		assert_int_equal(r, -ENOMEM);
		assert_ptr_equal(flow->tx, tx);
		assert_ptr_equal(flow->rx, rx);
#endif
		assert_false(flow_unprotect(flow, &plain, false));
		/* the same again is not taken for what is there */
		assert_int_equal(flow_rtp_peer(flow, &news[i]), 0);
		assert_ptr_not_equal(flow->rx, rx);
	}
}

static void a_secured_flow_without_keys_takes_and_sends_nothing(void **state)
{
	struct bench *b = *state;
	struct flow *flow = open_side(b);
	struct command_rtp_peer peer = secure_peer(1, 2);
	struct packet plain = { .n = 172, .p = { 0x80 } };

	assert_true(flow_unprotect(flow, &plain, false));
	assert_int_equal(flow_rtp_peer(flow, &peer), 0);
	flow->rx = srtp_free(flow->rx);
	flow->tx = srtp_free(flow->tx);
	assert_false(flow_unprotect(flow, &plain, false));
	flow_send(flow, &plain, false, true);
	assert_int_equal(flow->counters.tx_packets, 0);
	assert_int_equal(flow->counters.dropped, 1);
}

/* The SSRC goes on, and so must what is reported of it (RFC 3550, 6.4.1). */
static void what_was_sent_counts_beyond_a_reset(void **state)
{
	struct bench *b = *state;
	struct flow *flow = open_side(b);
	struct packet packet = { .n = 172, .p = { 0x80 } };

	flow_send(flow, &packet, false, true);
	circuit_reset(b->circuit, MEDIA_SIDE_A, 1);
	b->pair.rtp = b->pair.rtcp = -1; /* the reset has closed them */
	assert_int_equal(flow->counters.tx_packets, 1);
	assert_int_equal(flow->tx_payload, 160);
	assert_int_equal(flow->kind, FLOW_CLOSED);
}

/* While the peer may not be sent to. */
static void digits_wait_for_an_open_gate(void **state)
{
	struct bench *b = *state;
	struct flow *flow = open_side(b);
	struct media_map map = { .codec_clock = 8000,
				 .event_pt = 101,
				 .event_clock = 8000 };

	for (int pt = 0; pt < MEDIA_MAP_NPTS; pt++)
		map.rx[pt].pt = MEDIA_MAP_NONE;
	circuit_map(b->circuit, MEDIA_SIDE_B, &map);
	flow->held = true;
	circuit_gate(b->circuit);
	assert_int_equal(circuit_digit(b->circuit, MEDIA_SIDE_A, '1', 100), 0);
	(void)tick_at(b, 1020);
	assert_int_equal(flow->counters.tx_packets, 0);

	STAILQ_REMOVE(&b->worker->touched, b->circuit, circuit, touched);
	b->circuit->is_touched = false;
	flow->held = false;
	circuit_gate(b->circuit);
	assert_true(b->circuit->is_touched);
	assert_true(tick_at(b, 1030) <= 1050);
	assert_int_equal(flow->counters.tx_packets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_circuit_without_flows_needs_no_timer, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(digits_wait_for_an_open_gate,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_side_that_hears_nothing_for_a_minute_fails, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			who_stood_still_waits_for_a_minute_from_then_on, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_side_that_hears_something_does_not_fail, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_peer_is_heard_alone_until_it_is_silent, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			who_is_described_anew_may_be_another, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_refused_costs_no_other_packet, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_side_on_hold_is_not_watched,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			silence_counts_from_when_both_sides_are_ready, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			any_allocation_may_fail_on_the_way_to_ice, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			commands_to_a_flow_that_did_not_open_do_nothing, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			keys_that_cannot_be_had_leave_the_old_ones, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_secured_flow_without_keys_takes_and_sends_nothing,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_sent_counts_beyond_a_reset, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
