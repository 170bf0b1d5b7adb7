/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/bridge.h"

#include <pthread.h>
#include <sched.h>

#include "media/media.h"
#include "tests/unit/media/rig.h"

static void up(struct rig *rig, struct rig_call *call)
{
	rig_call_open(call, rig, NULL);
	RIG_UNTIL(rig, rig_call_is_up(call));
}

static void talk_both_ways(const char *ip)
{
	struct rig rig;
	struct rig_call call;

	rig_open(&rig, ip, 1);
	up(&rig, &call);
	rig_talk(&call.a, &call.b, 50);
	rig_talk(&call.b, &call.a, 50);

	struct media_side_stats ice, rtp;
	bridge_stats(call.left, MEDIA_SIDE_B, &ice);
	bridge_stats(call.left, MEDIA_SIDE_A, &rtp);
	assert_int_equal(ice.tx_packets, 50);
	assert_int_equal(ice.rx_packets, 50);
	assert_int_equal(rtp.rx_packets, 50);
	assert_true(ice.srtp != SRTP_NONE);
	assert_int_equal(rtp.srtp, SRTP_NONE);
	assert_int_equal(ice.lost, 0);
	assert_true(ice.ice_ms > 0 && ice.dtls_ms > 0);
	assert_int_equal(call.seen_left.ready[MEDIA_SIDE_B], 1);
	rig_call_close(&call);
	rig_close(&rig);
}

static void audio_passes_both_ways_octet_by_octet(void **state)
{
	(void)state;
	talk_both_ways("127.0.0.1");
}

static void audio_passes_over_ipv6(void **state)
{
	(void)state;
	talk_both_ways("::1");
}

/* One socket for all addresses: answers leave from where the packet came. */
static void drop_all_but_the_last(struct media_content *content)
{
	assert_true(content->ncands >= 2); /* 127.0.0.1 and ::1 at least */
	content->cands[0] = content->cands[content->ncands - 1];
	content->ncands = 1;
}

static void every_address_of_the_machine_is_served(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call calls[2];
	struct media_side_stats stats;

	rig_open_at(&rig, "127.0.0.1", 1, true);
	up(&rig, &calls[0]);
	rig_talk(&calls[0].a, &calls[0].b, 10);
	rig_talk(&calls[0].b, &calls[0].a, 10);
	rig_call_open(&calls[1], &rig, drop_all_but_the_last);
	RIG_UNTIL(&rig, rig_call_is_up(&calls[1]));
	rig_talk(&calls[1].a, &calls[1].b, 10);
	rig_talk(&calls[1].b, &calls[1].a, 10);
	bridge_stats(calls[1].right, MEDIA_SIDE_A, &stats);
	assert_true(addr_is_set(&stats.remote));
	rig_call_close(&calls[0]);
	rig_call_close(&calls[1]);
	rig_close(&rig);
}

static void forge_fingerprint(struct media_content *content)
{
	content->fingerprints[0].octets[7] ^= 1;
}

static void a_wrong_fingerprint_lets_nothing_pass(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;

	rig_open(&rig, "127.0.0.1", 1);
	rig_call_open(&call, &rig, forge_fingerprint);
	RIG_UNTIL(&rig, call.seen_right.failed[MEDIA_SIDE_A]);
	assert_int_equal(call.seen_right.why[MEDIA_SIDE_A],
			 MEDIA_FAIL_FINGERPRINT);
	assert_int_equal(call.seen_right.ready[MEDIA_SIDE_A], 0);
	for (int i = 0; i < 10; i++) {
		rig_speak(&call.a);
		rig_speak(&call.b);
	}
	rig_assert_silent(&call.a, 200);
	rig_assert_silent(&call.b, 50);

	struct media_side_stats stats;
	bridge_stats(call.right, MEDIA_SIDE_A, &stats);
	assert_int_equal(stats.tx_packets, 0);
	rig_call_close(&call);
	rig_close(&rig);
}

static void strangers_on_the_shared_port_are_not_heard(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rig_phone stranger;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &call);
	rig_talk(&call.a, &call.b, 5);
	rig_phone_open(&rig, &stranger);
	stranger.remote = call.right_ice.cands[0].addr;
	for (int i = 0; i < 20; i++) {
		uint8_t record[64] = { 22, 254, 253 };

		rig_speak(&stranger);
		rig_send_from(stranger.fd, &stranger.remote, record,
			      sizeof(record));
	}
	rig_assert_silent(&call.b, 100);
	rig_talk(&call.a, &call.b, 5);
	close(stranger.fd);
	rig_call_close(&call);
	rig_close(&rig);
}

static void strangers_on_an_rtp_port_are_dropped_and_counted(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rig_phone stranger = { 0 };
	struct media_side_stats stats;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &call);
	rig_talk(&call.a, &call.b, 5);
	stranger.fd = rig_socket("127.0.0.2", &stranger.local);
	stranger.remote = call.a.remote;
	for (int i = 0; i < 20; i++)
		rig_speak(&stranger);
	rig_assert_silent(&call.b, 100);
	bridge_stats(call.left, MEDIA_SIDE_A, &stats);
	assert_int_equal(stats.dropped, 20);
	rig_talk(&call.b, &call.a, 5);
	rig_talk(&call.a, &call.b, 5);
	close(stranger.fd);
	rig_call_close(&call);
	rig_close(&rig);
}

static void another_port_of_the_signalled_address_is_learned_once(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rig_phone moved, late;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &call);
	rig_phone_open(&rig, &moved);
	rig_phone_open(&rig, &late);
	moved.remote = late.remote = call.a.remote;
	for (int i = 0; i < 4; i++)
		rig_speak(&moved);
	rig_assert_silent(&call.b, 50);
	rig_talk(&moved, &call.b, 5);
	rig_talk(&call.b, &moved, 5);
	/* Now it is fixed, even for the port that was signalled. */
	for (int i = 0; i < 10; i++) {
		rig_speak(&late);
		rig_speak(&call.a);
	}
	rig_assert_silent(&call.b, 100);
	close(moved.fd);
	close(late.fd);
	rig_call_close(&call);
	rig_close(&rig);
}

static void a_side_on_hold_neither_sends_nor_is_heard(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &call);
	rig_talk(&call.a, &call.b, 5);
	assert_int_equal(
		bridge_direction(call.left, MEDIA_SIDE_A, MEDIA_SENDONLY), 0);
	rig_wait(&rig, 50);
	rig_speak(&call.a);
	rig_assert_silent(&call.b, 100);
	rig_talk(&call.b, &call.a, 5);
	assert_int_equal(
		bridge_direction(call.left, MEDIA_SIDE_A, MEDIA_INACTIVE), 0);
	rig_wait(&rig, 50);
	rig_speak(&call.b);
	rig_assert_silent(&call.a, 100);
	assert_int_equal(
		bridge_direction(call.left, MEDIA_SIDE_A, MEDIA_SENDRECV), 0);
	rig_wait(&rig, 50);
	rig_talk(&call.a, &call.b, 5);
	rig_talk(&call.b, &call.a, 5);
	rig_call_close(&call);
	rig_close(&rig);
}

/* Nor does he keep a call alive that has gone silent. */
static void on_hold_a_stranger_does_not_count(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct media_side_stats before, after;
	struct addr at;
	uint8_t p[RIG_PAYLOAD + 12] = { 0x80 };

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &call);
	rig_talk(&call.a, &call.b, 5);
	int stranger = rig_socket("127.0.0.2", &at);
	assert_int_equal(
		bridge_direction(call.left, MEDIA_SIDE_A, MEDIA_SENDONLY), 0);
	rig_wait(&rig, 50);
	bridge_stats(call.left, MEDIA_SIDE_A, &before);
	for (int i = 0; i < 20; i++)
		rig_send_from(stranger, &call.a.remote, p, sizeof(p));
	rig_speak(&call.a);
	rig_wait(&rig, 50);
	bridge_stats(call.left, MEDIA_SIDE_A, &after);
	assert_int_equal(after.rx_packets, before.rx_packets + 1);
	close(stranger);
	rig_call_close(&call);
	rig_close(&rig);
}

static void the_echo_side_hears_itself(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_seen seen = { 0 };
	struct rig_phone phone;
	struct bridge *bridge;
	struct rig_heard heard = { 0 };

	rig_open(&rig, "127.0.0.1", 1);
	rig_phone_open(&rig, &phone);
	assert_int_equal(
		bridge_new(&bridge, rig.left, "echo", &rig_handlers, &seen), 0);
	rig_join_phone(bridge, MEDIA_SIDE_A, &phone);
	rig_map_both(bridge);
	assert_int_equal(bridge_echo(bridge, MEDIA_SIDE_A), 0);
	RIG_UNTIL(&rig, seen.ready[MEDIA_SIDE_A]);
	rig_talk(&phone, &phone, 20);
	uint16_t spoken = rig_speak(&phone);
	assert_true(rig_hear(&phone, &heard, 1000));
	rig_assert_heard(&heard, spoken);
	assert_true(heard.ssrc != phone.ssrc);
	bridge = bridge_free(bridge);
	close(phone.fd);
	rig_close(&rig);
}

static void a_digit_reaches_the_other_gateway_and_its_phone(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rig_heard heard = { 0 };
	bool ended = false;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &call);
	rig_talk(&call.a, &call.b, 5);
	assert_int_equal(bridge_digit(call.left, MEDIA_SIDE_B, 'E', 100),
			 -EINVAL);
	assert_int_equal(bridge_digit(call.left, MEDIA_SIDE_B, '7', 100), 0);
	RIG_UNTIL(&rig, call.seen_right.digits[MEDIA_SIDE_A]);
	assert_int_equal(call.seen_right.digit, '7');
	assert_in_range(call.seen_right.duration_ms, 80, 140);
	while (rig_hear(&call.b, &heard, 300)) {
		assert_int_equal(heard.pt, RIG_EVENT_PT);
		assert_int_equal(heard.payload[0], 7);
		ended |= (heard.payload[1] & 0x80) != 0;
	}
	assert_true(ended);
	assert_int_equal(call.seen_right.digits[MEDIA_SIDE_A], 1);
	rig_talk(&call.a, &call.b, 5);
	rig_call_close(&call);
	rig_close(&rig);
}

static void a_peer_without_telephone_event_gets_no_digit(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_seen seen = { 0 };
	struct media_map map = rig_map();
	struct bridge *bridge;

	rig_open(&rig, "127.0.0.1", 1);
	assert_int_equal(
		bridge_new(&bridge, rig.left, "l", &rig_handlers, &seen), 0);
	assert_int_equal(bridge_digit(bridge, MEDIA_SIDE_B, '1', 100),
			 -ENOTSUP);
	assert_int_equal(bridge_map(bridge, MEDIA_SIDE_A, &map), 0);
	assert_int_equal(bridge_digit(bridge, MEDIA_SIDE_B, '1', 100), 0);
	assert_int_equal(bridge_digit(bridge, MEDIA_SIDE_A, '1', 100),
			 -ENOTSUP);
	map.event_pt = MEDIA_MAP_NONE;
	assert_int_equal(bridge_map(bridge, MEDIA_SIDE_A, &map), 0);
	assert_int_equal(bridge_digit(bridge, MEDIA_SIDE_B, '1', 100),
			 -ENOTSUP);
	bridge_free(bridge);
	rig_close(&rig);
}

static void a_bridge_may_be_freed_at_any_time(void **state)
{
	(void)state;
	struct rig rig;

	rig_open(&rig, "127.0.0.1", 2);
	for (unsigned i = 0; i < 30; i++) {
		struct rig_call call;

		rig_call_open(&call, &rig, NULL);
		rig_wait(&rig, i * 3);
		if (rig_call_is_up(&call)) {
			rig_speak(&call.a);
			rig_speak(&call.b);
		}
		call.left = bridge_free(call.left);
		struct rig_seen before = call.seen_left;
		rig_wait(&rig, 10);
		assert_memory_equal(&before, &call.seen_left, sizeof(before));
		rig_call_close(&call);
	}
	rig_close(&rig);
}

static void a_bridge_may_be_freed_inside_a_handler(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;

	rig_open(&rig, "127.0.0.1", 1);
	rig_call_open(&call, &rig, NULL);
	call.seen_left.free_on_ready = &call.left;
	RIG_UNTIL(&rig, !call.left);
	assert_int_equal(call.seen_left.ready[MEDIA_SIDE_A] +
				 call.seen_left.ready[MEDIA_SIDE_B],
			 1);
	rig_wait(&rig, 50);
	rig_call_close(&call);
	rig_close(&rig);
}

static void workers_tell_how_busy_they_are(void **state)
{
	struct media_worker_stats stats;
	struct rig_call call;
	struct rig rig;

	(void)state;
	rig_open(&rig, "127.0.0.1", 2);
	media_worker_stats(rig.left, 0, &stats);
	assert_int_equal(stats.calls, 0);
	rig_call_open(&call, &rig, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	uint64_t end_ms = clock_ms() + RIG_TIMEOUT_MS;
	do {
		rig_talk(&call.a, &call.b, 20);
		rig_turn(&rig);
		media_worker_stats(rig.left, 0, &stats);
	} while (!stats.busy_permille && clock_ms() < end_ms);
	assert_int_equal(stats.calls, 1);
	assert_in_range(stats.busy_permille, 1, 1000);
	assert_true(stats.packets_s > 20);
	assert_true(stats.packets > 20);
	assert_int_equal(stats.lost, 0);
	media_worker_stats(rig.left, 1, &stats);
	assert_int_equal(stats.calls, 0);
	assert_int_equal(stats.packets_s, 0);
	media_worker_stats(rig.left, 2, &stats); /* there is none */
	assert_int_equal(stats.packets, 0);
	rig_call_close(&call);
	rig_close(&rig);
}

/* Of a thread that asked for real-time priority; its own is as it was. */
static int policy_allowed(void)
{
	struct sched_param param = { .sched_priority = 1 };
	int r = pthread_setschedparam(pthread_self(), SCHED_RR, &param);

	param.sched_priority = 0;
	assert_int_equal(
		pthread_setschedparam(pthread_self(), SCHED_OTHER, &param), 0);
	return r ? SCHED_OTHER : SCHED_RR;
}

static int policy_of(const struct media *media)
{
	struct sched_param param;
	int policy = -1;

	assert_int_equal(pthread_getschedparam(media->workers[0].worker->thread,
					       &policy, &param),
			 0);
	return policy;
}

static void workers_go_first_where_they_may(void **state)
{
	struct rig_call call;
	struct rig rig;

	(void)state;
	rig_open(&rig, "127.0.0.1", 1);
	assert_int_equal(policy_of(rig.left), SCHED_OTHER);
	rig.left = media_free(rig.left);
	rig.priority = 1;
	rig.left = rig_media(&rig, 1, 2);
	/* the thread has begun when the call is up */
	rig_call_open(&call, &rig, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	rig_talk(&call.a, &call.b, 5);
	assert_int_equal(policy_of(rig.left), policy_allowed());
	rig_call_close(&call);
	rig_close(&rig);
}

static void many_calls_at_once_all_come_up(void **state)
{
	(void)state;
	enum { N = 200 };
	struct rig rig;
	struct rig_call *calls = calloc(N, sizeof(*calls));
	unsigned n_up = 0;

	assert_non_null(calls);
	rig_open(&rig, "127.0.0.1", 2);
	for (int i = 0; i < N; i++)
		rig_call_open(&calls[i], &rig, NULL);
	assert_int_equal(media_worker_load(rig.left, 0) +
				 media_worker_load(rig.left, 1),
			 N);
	assert_int_equal(media_worker_load(rig.left, 0), N / 2);
	uint64_t end_ms = clock_ms() + 4 * RIG_TIMEOUT_MS;
	while (n_up < N && clock_ms() < end_ms) {
		rig_turn(&rig);
		for (n_up = 0; n_up < N && rig_call_is_up(&calls[n_up]);)
			n_up++;
	}
	assert_int_equal(n_up, N);
	for (int i = 0; i < N; i++) {
		rig_talk(&calls[i].a, &calls[i].b, 3);
		rig_talk(&calls[i].b, &calls[i].a, 3);
	}
	for (int i = 0; i < N; i++)
		rig_call_close(&calls[i]);
	assert_int_equal(media_worker_load(rig.left, 0), 0);
	rig_close(&rig);
	free(calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(audio_passes_both_ways_octet_by_octet),
		cmocka_unit_test(audio_passes_over_ipv6),
		cmocka_unit_test(every_address_of_the_machine_is_served),
		cmocka_unit_test(a_wrong_fingerprint_lets_nothing_pass),
		cmocka_unit_test(strangers_on_the_shared_port_are_not_heard),
		cmocka_unit_test(
			strangers_on_an_rtp_port_are_dropped_and_counted),
		cmocka_unit_test(
			another_port_of_the_signalled_address_is_learned_once),
		cmocka_unit_test(a_side_on_hold_neither_sends_nor_is_heard),
		cmocka_unit_test(on_hold_a_stranger_does_not_count),
		cmocka_unit_test(the_echo_side_hears_itself),
		cmocka_unit_test(
			a_digit_reaches_the_other_gateway_and_its_phone),
		cmocka_unit_test(a_peer_without_telephone_event_gets_no_digit),
		cmocka_unit_test(a_bridge_may_be_freed_at_any_time),
		cmocka_unit_test(a_bridge_may_be_freed_inside_a_handler),
		cmocka_unit_test(workers_tell_how_busy_they_are),
		cmocka_unit_test(workers_go_first_where_they_may),
		cmocka_unit_test(many_calls_at_once_all_come_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
