/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The ICE side of bridges: restarts, trickle, ports of their own, and what the
 * peer must not say. */
#include "media/bridge.h"
#include "media/circuit.h"
#include "media/media.h"
#include "media/stun.h"
#include "tests/unit/media/rig.h"

static void up(struct rig *rig, struct rig_call *call)
{
	rig_call_open(call, rig, NULL);
	RIG_UNTIL(rig, rig_call_is_up(call));
}

static void restart(struct rig_call *call)
{
	AUTO(media_content_fini) struct media_content offer = { 0 };
	AUTO(media_content_fini) struct media_content answer = { 0 };

	assert_int_equal(bridge_restart(call->left, MEDIA_SIDE_B), 0);
	assert_int_equal(bridge_restart(call->left, MEDIA_SIDE_B), 0);
	assert_int_equal(bridge_local(call->left, MEDIA_SIDE_B, &offer), 0);
	assert_int_equal(offer.setup, MEDIA_SETUP_ACTPASS);
	assert_int_equal(offer.cands[0].generation, 1);
	assert_string_not_equal(offer.ufrag, call->left_ice.ufrag);
	/* As Conversations restarts: credentials, nothing else. */
	offer.ncands = offer.nfingerprints = 0;
	assert_int_equal(bridge_remote(call->right, MEDIA_SIDE_A, &offer), 0);
	assert_int_equal(bridge_restart(call->right, MEDIA_SIDE_A), 0);
	assert_int_equal(bridge_local(call->right, MEDIA_SIDE_A, &answer), 0);
	assert_int_equal(answer.setup, MEDIA_SETUP_ACTIVE);
	assert_string_not_equal(answer.ufrag, call->right_ice.ufrag);
	assert_int_equal(bridge_remote(call->left, MEDIA_SIDE_B, &answer), 0);
}

static void media_goes_on_through_an_ice_restart(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &call);
	rig_talk(&call.a, &call.b, 5);
	restart(&call);
	for (int i = 0; i < 40; i++) {
		rig_talk(&call.a, &call.b, 2);
		rig_talk(&call.b, &call.a, 2);
		rig_wait(&rig, 10);
	}
	/* The same keys: no second handshake. */
	assert_int_equal(call.seen_left.ready[MEDIA_SIDE_B], 1);
	assert_int_equal(call.seen_left.failed[MEDIA_SIDE_B], 0);
	rig_call_close(&call);
	rig_close(&rig);
}

static void candidates_may_come_one_by_one(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call = { .rig = &rig };
	AUTO(media_content_fini) struct media_content offer = { 0 };
	AUTO(media_content_fini) struct media_content answer = { 0 };
	struct media_cand late;

	rig_open(&rig, "127.0.0.1", 1);
	assert_int_equal(bridge_new(&call.left, rig.left, "left", &rig_handlers,
				    &call.seen_left),
			 0);
	assert_int_equal(bridge_new(&call.right, rig.right, "right",
				    &rig_handlers, &call.seen_right),
			 0);
	assert_int_equal(
		bridge_open(call.left, MEDIA_SIDE_A, MEDIA_ICE, true, NULL), 0);
	assert_int_equal(bridge_local(call.left, MEDIA_SIDE_A, &offer), 0);
	late = offer.cands[0];
	offer.ncands = 0;
	assert_int_equal(
		bridge_open(call.right, MEDIA_SIDE_A, MEDIA_ICE, false, NULL),
		0);
	assert_int_equal(bridge_remote(call.right, MEDIA_SIDE_A, &offer), 0);
	assert_int_equal(bridge_local(call.right, MEDIA_SIDE_A, &answer), 0);
	answer.ncands = 0;
	assert_int_equal(bridge_remote(call.left, MEDIA_SIDE_A, &answer), 0);
	rig_wait(&rig, 100);
	assert_int_equal(call.seen_right.ready[MEDIA_SIDE_A], 0);
	/* One direction is enough: the other finds it by our checks. */
	assert_int_equal(bridge_candidate(call.right, MEDIA_SIDE_A, &late), 0);
	RIG_UNTIL(&rig, call.seen_right.ready[MEDIA_SIDE_A] &&
				call.seen_left.ready[MEDIA_SIDE_A]);
	bridge_free(call.left);
	bridge_free(call.right);
	rig_close(&rig);
}

static void unusable_descriptions_are_refused(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_seen seen = { 0 };
	struct bridge *left, *right;
	AUTO(media_content_fini) struct media_content good = { 0 };
	struct media_content bad; /* its lists are @good's */

	rig_open(&rig, "127.0.0.1", 1);
	assert_int_equal(bridge_new(&left, rig.left, "l", &rig_handlers, &seen),
			 0);
	assert_int_equal(
		bridge_new(&right, rig.right, "r", &rig_handlers, &seen), 0);
	assert_int_equal(bridge_remote(left, MEDIA_SIDE_A, &good), -ENOTCONN);
	assert_int_equal(bridge_local(left, MEDIA_SIDE_A, &good), -ENOTCONN);
	assert_int_equal(bridge_restart(left, MEDIA_SIDE_A), -EINVAL);
	assert_int_equal(bridge_open(left, MEDIA_SIDE_A, MEDIA_ICE, true, NULL),
			 0);
	assert_int_equal(bridge_open(left, MEDIA_SIDE_A, MEDIA_ICE, true, NULL),
			 -EALREADY);
	assert_int_equal(bridge_local(left, MEDIA_SIDE_A, &good), 0);
	assert_int_equal(
		bridge_open(right, MEDIA_SIDE_A, MEDIA_ICE, false, NULL), 0);
	bad = good;
	bad.ufrag[3] = '\0';
	assert_int_equal(bridge_remote(right, MEDIA_SIDE_A, &bad), -EINVAL);
	bad = good;
	bad.pwd[21] = '\0';
	assert_int_equal(bridge_remote(right, MEDIA_SIDE_A, &bad), -EINVAL);
	bad = good;
	bad.nfingerprints = 0;
	assert_int_equal(bridge_remote(right, MEDIA_SIDE_A, &bad), -EINVAL);
	bad = good;
	bad.setup = MEDIA_SETUP_HOLDCONN;
	assert_int_equal(bridge_remote(right, MEDIA_SIDE_A, &bad), -EINVAL);
	assert_int_equal(bridge_remote(right, MEDIA_SIDE_A, &good), 0);
	bridge_free(left);
	bridge_free(right);
	rig_close(&rig);
}

static void trickled_candidates_are_checked_and_limited(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_seen seen = { 0 };
	struct bridge *bridge;
	struct media_cand cand = { .component = 1,
				   .addr = rig_addr("127.0.0.1", 9) };
	int taken = 0;

	rig_open(&rig, "127.0.0.1", 1);
	assert_int_equal(
		bridge_new(&bridge, rig.left, "l", &rig_handlers, &seen), 0);
	assert_int_equal(bridge_candidate(bridge, MEDIA_SIDE_A, &cand),
			 -EINVAL);
	assert_int_equal(
		bridge_open(bridge, MEDIA_SIDE_A, MEDIA_ICE, true, NULL), 0);
	addr_set_port(&cand.addr, 0);
	assert_int_equal(bridge_candidate(bridge, MEDIA_SIDE_A, &cand),
			 -EINVAL);
	cand.component = 2;
	for (uint16_t port = 1; port < 1000 && taken < 1000; port++) {
		addr_set_port(&cand.addr, port);
		assert_int_equal(bridge_candidate(bridge, MEDIA_SIDE_A, &cand),
				 0); /* RTCP is muxed: not wanted */
	}
	cand.component = 1;
	for (uint16_t port = 1; port < 1000; port++) {
		addr_set_port(&cand.addr, port);
		int r = bridge_candidate(bridge, MEDIA_SIDE_A, &cand);
		if (r) {
			assert_int_equal(r, -E2BIG);
			break;
		}
		taken++;
	}
	assert_in_range(taken, 32, 100);
	rig_wait(&rig, 20);
	assert_int_equal(seen.failed[MEDIA_SIDE_A], 0);
	bridge_free(bridge);
	rig_close(&rig);
}

static void a_second_call_to_the_same_gateway_gets_a_port_of_its_own(
	void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call calls[3];
	struct media_side_stats first, second;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &calls[0]);
	up(&rig, &calls[1]);
	assert_int_equal(calls[0].seen_left.candidates[MEDIA_SIDE_B], 0);
	assert_true(calls[1].seen_left.candidates[MEDIA_SIDE_B] ||
		    calls[1].seen_right.candidates[MEDIA_SIDE_A]);
	bridge_stats(calls[0].left, MEDIA_SIDE_B, &first);
	bridge_stats(calls[1].left, MEDIA_SIDE_B, &second);
	for (int i = 0; i < 20; i++) {
		rig_talk(&calls[0].a, &calls[0].b, 2);
		rig_talk(&calls[1].a, &calls[1].b, 2);
		rig_talk(&calls[1].b, &calls[1].a, 2);
		rig_talk(&calls[0].b, &calls[0].a, 2);
	}
	/* The shared ports are free again when the first call is over. */
	rig_call_close(&calls[0]);
	up(&rig, &calls[2]);
	assert_int_equal(calls[2].seen_left.candidates[MEDIA_SIDE_B], 0);
	rig_talk(&calls[2].a, &calls[2].b, 5);
	rig_talk(&calls[1].a, &calls[1].b, 5);
	rig_call_close(&calls[1]);
	rig_call_close(&calls[2]);
	rig_close(&rig);
}

/* The candidate is in each later description, and survives a restart. */
static void a_port_of_its_own_is_described(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call calls[2];
	AUTO(media_content_fini) struct media_content content = { 0 };
	bool found = false;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &calls[0]);
	up(&rig, &calls[1]);
	bool left = calls[1].seen_left.candidates[MEDIA_SIDE_B];
	enum media_side side = left ? MEDIA_SIDE_B : MEDIA_SIDE_A;
	struct bridge *bridge = left ? calls[1].left : calls[1].right;
	const struct rig_seen *seen =
		left ? &calls[1].seen_left : &calls[1].seen_right;
	assert_int_equal(seen->candidates[side], 1);
	assert_int_equal(bridge_restart(bridge, side), 0);
	assert_int_equal(bridge_local(bridge, side, &content), 0);
	for (size_t i = 0; i < content.ncands; i++)
		found |= addr_equal(&content.cands[i].addr,
				    &seen->candidate.addr);
	assert_true(found);
	rig_call_close(&calls[0]);
	rig_call_close(&calls[1]);
	rig_close(&rig);
}

/* A STUN server in the test that says what it is told to. */
static void serve_stun(int fd, const struct addr *mapped)
{
	struct stun_packet answer = { .kind = STUN_SUCCESS, .mapped = *mapped };
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	struct stun_head head;
	uint8_t p[STUN_PACKET_MAX];
	ssize_t n = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&from,
			     &from_len);

	if (n <= 0 || stun_head(&head, p, (size_t)n))
		return;
	memcpy(answer.tid, head.tid, STUN_TID_LEN);
	size_t out;
	assert_int_equal(stun_encode(&answer, SLICE_NONE, p, sizeof(p), &out),
			 0);
	assert_int_equal(
		sendto(fd, p, out, 0, (struct sockaddr *)&from, from_len), out);
}

static void serve_until(struct rig *rig, struct media *media, int fd,
			const struct addr *mapped)
{
	uint64_t end_ms = clock_ms() + RIG_TIMEOUT_MS;
	struct addr public = media_public_address(media);

	while (!(addr_is_set(&public) && addr_same_ip(&public, mapped))) {
		assert_true(clock_ms() < end_ms);
		serve_stun(fd, mapped);
		rig_turn(rig);
		public = media_public_address(media);
	}
}

static void a_stun_server_tells_the_public_address_and_its_change(void **state)
{
	(void)state;
	struct rig rig = { .ip = "127.0.0.1", .base = event_base_new() };
	struct rig_seen seen = { 0 };
	struct addr server, other;
	struct addr first = rig_addr("203.0.113.7", 4000);
	struct addr second = rig_addr("203.0.113.8", 4000);
	AUTO(media_content_fini) struct media_content content = { 0 };
	struct bridge *bridge;
	int fd = rig_socket("127.0.0.1", &server);
	int fd_other = rig_socket("127.0.0.1", &other);

	rig.public_auto = true;
	rig.left = rig_media(&rig, 1, 0);
	media_set_stun(rig.left, &server);
	serve_until(&rig, rig.left, fd, &first);
	assert_int_equal(
		bridge_new(&bridge, rig.left, "l", &rig_handlers, &seen), 0);
	assert_int_equal(
		bridge_open(bridge, MEDIA_SIDE_A, MEDIA_ICE, true, NULL), 0);
	assert_int_equal(bridge_local(bridge, MEDIA_SIDE_A, &content), 0);
	assert_int_equal(content.ncands, 2);
	assert_int_equal(content.cands[1].type, MEDIA_CAND_SRFLX);
	assert_true(addr_equal(&content.cands[1].addr, &first));
	/* Another server, to be asked at once; it sees us elsewhere. */
	media_set_stun(rig.left, &other);
	serve_until(&rig, rig.left, fd_other, &second);
	RIG_UNTIL(&rig, seen.moved[MEDIA_SIDE_A]);
	assert_int_equal(bridge_restart(bridge, MEDIA_SIDE_A), 0);
	assert_int_equal(bridge_local(bridge, MEDIA_SIDE_A, &content), 0);
	assert_true(addr_equal(&content.cands[1].addr, &second));
	assert_int_equal(seen.moved[MEDIA_SIDE_A], 1);
	bridge_free(bridge);
	media_free(rig.left);
	event_base_free(rig.base);
	close(fd);
	close(fd_other);
}

/* What a worker said last is read when the workers have gone. */
static void the_end_may_come_with_a_doubt_of_our_address(void **state)
{
	(void)state;
	struct rig rig = { .ip = "127.0.0.1", .base = event_base_new() };
	struct rig_seen seen = { 0 };
	struct addr server;
	struct bridge *bridge;
	int fd = rig_socket("127.0.0.1", &server);

	rig.public_auto = true;
	rig.left = rig_media(&rig, 1, 0);
	media_set_stun(rig.left, &server);
	assert_int_equal(
		bridge_new(&bridge, rig.left, "l", &rig_handlers, &seen), 0);
	notice_begin(&rig.left->notices);
	bridge->circuit->notice.sides[MEDIA_SIDE_A].doubt = true;
	notice_end(&rig.left->notices, &bridge->circuit->notice);
	bridge_free(bridge);
	media_free(rig.left);
	event_base_free(rig.base);
	close(fd);
}

/* A user takes the running call up on another device: the telephone hears no
 * break, and the first device nothing more. */
static void a_closed_side_is_another_peers(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rig_heard before, after;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &call);
	rig_talk(&call.a, &call.b, 5);
	rig_talk(&call.b, &call.a, 5);
	rig_speak(&call.b);
	assert_true(rig_hear(&call.a, &before, 2000));
	assert_int_equal(bridge_close(call.left, MEDIA_SIDE_B), 0);
	assert_int_equal(bridge_close(call.left, MEDIA_SIDE_B), 0);
	assert_false(bridge_is_open(call.left, MEDIA_SIDE_B));
	rig_speak(&call.a);
	rig_assert_silent(&call.b, 100);

	/* the other device is another bridge of the other gateway's */
	bridge_free(call.right);
	media_content_fini(&call.left_ice);
	media_content_fini(&call.right_ice);
	close(call.b.fd);
	rig_phone_open(&rig, &call.b);
	memset(&call.seen_right, 0, sizeof(call.seen_right));
	call.seen_left.ready[MEDIA_SIDE_B] = 0;
	assert_int_equal(bridge_new(&call.right, rig.right, "second",
				    &rig_handlers, &call.seen_right),
			 0);
	rig_join_phone(call.right, MEDIA_SIDE_B, &call.b);
	rig_map_both(call.right);
	rig_join_ice(&call, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	rig_talk(&call.a, &call.b, 5);
	rig_speak(&call.b);
	assert_true(rig_hear(&call.a, &after, 2000));
	assert_int_equal(after.ssrc, before.ssrc);
	assert_int_equal((uint16_t)(after.seq - before.seq), 1);
	assert_int_equal(call.seen_left.failed[MEDIA_SIDE_B], 0);
	rig_call_close(&call);
	rig_close(&rig);
}

/* A trunk has refused: another gets ports of its own. */
static void a_closed_side_may_have_another_transport(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rig_phone other;

	rig_open(&rig, "127.0.0.1", 1);
	up(&rig, &call);
	rig_talk(&call.a, &call.b, 2);
	rig_phone_open(&rig, &other);
	assert_int_equal(bridge_close(call.left, MEDIA_SIDE_A), 0);
	call.seen_left.ready[MEDIA_SIDE_A] = 0;
	rig_join_phone(call.left, MEDIA_SIDE_A, &other);
	RIG_UNTIL(&rig, call.seen_left.ready[MEDIA_SIDE_A]);
	rig_talk(&other, &call.b, 5);
	rig_talk(&call.b, &other, 5);
	assert_int_equal(bridge_close(call.left, MEDIA_SIDE_B), 0);
	call.seen_left.ready[MEDIA_SIDE_B] = 0;
	rig_join_phone(call.left, MEDIA_SIDE_B, &call.a);
	RIG_UNTIL(&rig, call.seen_left.ready[MEDIA_SIDE_B]);
	rig_talk(&other, &call.a, 5);
	rig_talk(&call.a, &other, 5);
	close(other.fd);
	rig_call_close(&call);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(media_goes_on_through_an_ice_restart),
		cmocka_unit_test(candidates_may_come_one_by_one),
		cmocka_unit_test(unusable_descriptions_are_refused),
		cmocka_unit_test(trickled_candidates_are_checked_and_limited),
		cmocka_unit_test(
			a_second_call_to_the_same_gateway_gets_a_port_of_its_own),
		cmocka_unit_test(a_port_of_its_own_is_described),
		cmocka_unit_test(a_closed_side_is_another_peers),
		cmocka_unit_test(a_closed_side_may_have_another_transport),
		cmocka_unit_test(
			a_stun_server_tells_the_public_address_and_its_change),
		cmocka_unit_test(the_end_may_come_with_a_doubt_of_our_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
