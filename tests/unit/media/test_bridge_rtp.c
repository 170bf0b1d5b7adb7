/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The RTP side of bridges: SDES, re-INVITEs, refusals, and bursts. */
#include "media/bridge.h"
#include "tests/fail_alloc.h"
#include "tests/unit/media/rig.h"

struct trunk_call {
	struct rig_call call;
	struct media_content offer, answer;
};

/* As rig_call_open(), but between the gateways stands RTP, as @t->offer wishes.
 */
static void trunk_open_as_wished(struct trunk_call *t, struct rig *rig,
				 rig_tamper_fn *tamper)
{
	struct rig_call *call = &t->call;

	call->rig = rig;
	rig_phone_open(rig, &call->a);
	rig_phone_open(rig, &call->b);
	assert_int_equal(bridge_new(&call->left, rig->left, "left",
				    &rig_handlers, &call->seen_left),
			 0);
	assert_int_equal(bridge_new(&call->right, rig->right, "right",
				    &rig_handlers, &call->seen_right),
			 0);
	rig_join_phone(call->left, MEDIA_SIDE_A, &call->a);
	rig_join_phone(call->right, MEDIA_SIDE_B, &call->b);
	rig_map_both(call->left);
	rig_map_both(call->right);

	assert_int_equal(bridge_open(call->left, MEDIA_SIDE_B, MEDIA_RTP, true,
				     &call->a.local),
			 0);
	assert_int_equal(bridge_local(call->left, MEDIA_SIDE_B, &t->offer), 0);
	if (tamper)
		tamper(&t->offer);
	assert_int_equal(bridge_open(call->right, MEDIA_SIDE_A, MEDIA_RTP,
				     false, &call->a.local),
			 0);
	assert_int_equal(bridge_remote(call->right, MEDIA_SIDE_A, &t->offer),
			 0);
	assert_int_equal(bridge_local(call->right, MEDIA_SIDE_A, &t->answer),
			 0);
	assert_int_equal(bridge_remote(call->left, MEDIA_SIDE_B, &t->answer),
			 0);
	RIG_UNTIL(rig, rig_call_is_up(call));
}

static void trunk_open(struct trunk_call *t, struct rig *rig,
		       enum media_profile profile, rig_tamper_fn *tamper)
{
	memset(t, 0, sizeof(*t));
	t->offer.profile = profile;
	trunk_open_as_wished(t, rig, tamper);
}

static void trunk_close(struct trunk_call *t)
{
	media_content_fini(&t->offer);
	media_content_fini(&t->answer);
	rig_call_close(&t->call);
}

static void plain_rtp_passes_between_two_gateways(void **state)
{
	(void)state;
	struct rig rig;
	struct trunk_call t;

	rig_open(&rig, "127.0.0.1", 1);
	trunk_open(&t, &rig, MEDIA_RTP_AVP, NULL);
	assert_int_equal(t.offer.ncryptos, 0);
	assert_int_equal(t.answer.profile, MEDIA_RTP_AVP);
	rig_talk(&t.call.a, &t.call.b, 10);
	rig_talk(&t.call.b, &t.call.a, 10);
	trunk_close(&t);
	rig_close(&rig);
}

static void sdes_encrypts_and_the_first_suite_is_taken(void **state)
{
	(void)state;
	struct rig rig;
	struct trunk_call t;
	struct media_side_stats stats;

	rig_open(&rig, "127.0.0.1", 1);
	trunk_open(&t, &rig, MEDIA_RTP_SAVP, NULL);
	assert_int_equal(t.offer.ncryptos, 3);
	assert_int_equal(t.offer.cryptos[0].profile, SRTP_AES128_CM_SHA1_80);
	assert_int_equal(t.offer.cryptos[1].profile, SRTP_AES128_CM_SHA1_32);
	assert_int_equal(t.offer.cryptos[2].profile, SRTP_AEAD_AES_128_GCM);
	assert_int_equal(t.answer.profile, MEDIA_RTP_SAVP);
	assert_int_equal(t.answer.ncryptos, 1);
	assert_int_equal(t.answer.cryptos[0].tag, 1);
	assert_memory_not_equal(t.answer.cryptos[0].key, t.offer.cryptos[0].key,
				30);
	rig_talk(&t.call.a, &t.call.b, 10);
	rig_talk(&t.call.b, &t.call.a, 10);
	bridge_stats(t.call.left, MEDIA_SIDE_B, &stats);
	assert_int_equal(stats.srtp, SRTP_AES128_CM_SHA1_80);
	trunk_close(&t);
	rig_close(&rig);
}

static void drop_the_first_suite(struct media_content *content)
{
	content->cryptos[0] = content->cryptos[1];
	content->ncryptos = 1;
}

static void the_second_suite_works_under_its_tag(void **state)
{
	(void)state;
	struct rig rig;
	struct trunk_call t;

	rig_open(&rig, "127.0.0.1", 1);
	trunk_open(&t, &rig, MEDIA_RTP_SAVP, drop_the_first_suite);
	assert_int_equal(t.answer.cryptos[0].tag, 2);
	assert_int_equal(t.answer.cryptos[0].profile, SRTP_AES128_CM_SHA1_32);
	rig_talk(&t.call.a, &t.call.b, 10);
	rig_talk(&t.call.b, &t.call.a, 10);
	trunk_close(&t);
	rig_close(&rig);
}

/* RFC 8643: keys under a plain profile. */
static void srtp_may_be_offered_without_insisting(void **state)
{
	(void)state;
	struct rig rig;
	struct trunk_call t = { .offer = { .profile = MEDIA_RTP_AVP,
					   .osrtp = true } };
	struct media_side_stats stats;

	rig_open(&rig, "127.0.0.1", 1);
	trunk_open_as_wished(&t, &rig, NULL);
	assert_int_equal(t.offer.profile, MEDIA_RTP_AVP);
	assert_int_equal(t.offer.ncryptos, 3);
	assert_int_equal(t.answer.profile, MEDIA_RTP_AVP);
	assert_int_equal(t.answer.ncryptos, 1);
	rig_talk(&t.call.a, &t.call.b, 10);
	rig_talk(&t.call.b, &t.call.a, 10);
	bridge_stats(t.call.left, MEDIA_SIDE_B, &stats);
	assert_int_equal(stats.srtp, SRTP_AES128_CM_SHA1_80);
	/* once agreed upon, it stays */
	t.answer.ncryptos = 0;
	assert_int_equal(bridge_remote(t.call.left, MEDIA_SIDE_B, &t.answer),
			 -EINVAL);
	trunk_close(&t);
	rig_close(&rig);
}

static void pass_over_the_keys(struct media_content *content)
{
	content->ncryptos = 0;
}

static void who_knows_no_srtp_is_served_without(void **state)
{
	(void)state;
	struct rig rig;
	struct trunk_call t = { .offer = { .profile = MEDIA_RTP_AVP,
					   .osrtp = true } };
	struct media_side_stats stats;

	rig_open(&rig, "127.0.0.1", 1);
	trunk_open_as_wished(&t, &rig, pass_over_the_keys);
	assert_int_equal(t.answer.ncryptos, 0);
	rig_talk(&t.call.a, &t.call.b, 10);
	rig_talk(&t.call.b, &t.call.a, 10);
	bridge_stats(t.call.left, MEDIA_SIDE_B, &stats);
	assert_int_equal(stats.srtp, SRTP_NONE);
	trunk_close(&t);
	rig_close(&rig);
}

/* The same keys again must not start the keystream again. */
static void a_reoffer_keeps_keys_and_media(void **state)
{
	(void)state;
	struct rig rig;
	struct trunk_call t;
	AUTO(media_content_fini) struct media_content reoffer = { 0 };
	AUTO(media_content_fini) struct media_content reanswer = { 0 };

	rig_open(&rig, "127.0.0.1", 1);
	trunk_open(&t, &rig, MEDIA_RTP_SAVP, NULL);
	rig_talk(&t.call.a, &t.call.b, 10);
	assert_int_equal(bridge_local(t.call.right, MEDIA_SIDE_A, &reoffer), 0);
	assert_int_equal(reoffer.ncryptos, 1);
	assert_memory_equal(reoffer.cryptos[0].key, t.answer.cryptos[0].key,
			    30);
	assert_int_equal(bridge_remote(t.call.left, MEDIA_SIDE_B, &reoffer), 0);
	assert_int_equal(bridge_local(t.call.left, MEDIA_SIDE_B, &reanswer), 0);
	assert_memory_equal(reanswer.cryptos[0].key, t.offer.cryptos[0].key,
			    30);
	assert_int_equal(bridge_remote(t.call.right, MEDIA_SIDE_A, &reanswer),
			 0);
	rig_wait(&rig, 50);
	rig_talk(&t.call.a, &t.call.b, 10);
	rig_talk(&t.call.b, &t.call.a, 10);
	assert_int_equal(t.call.seen_left.ready[MEDIA_SIDE_B], 1);
	trunk_close(&t);
	rig_close(&rig);
}

static struct bridge *trunk_side(struct rig *rig, struct rig_seen *seen,
				 bool offerer, enum media_profile profile,
				 struct media_content *ours)
{
	struct addr peer = rig_addr("127.0.0.1", 5060);
	struct bridge *bridge;

	assert_int_equal(
		bridge_new(&bridge, rig->left, "t", &rig_handlers, seen), 0);
	assert_int_equal(
		bridge_open(bridge, MEDIA_SIDE_A, MEDIA_RTP, offerer, &peer),
		0);
	*ours = (struct media_content){ .profile = profile };
	if (offerer)
		assert_int_equal(bridge_local(bridge, MEDIA_SIDE_A, ours), 0);
	return bridge;
}

static void no_answer_weakens_what_was_offered(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_seen seen = { 0 };
	struct media_content ours, theirs; /* with the same lists */

	rig_open(&rig, "127.0.0.1", 1);
	struct bridge *bridge =
		trunk_side(&rig, &seen, true, MEDIA_RTP_SAVP, &ours);
	theirs = ours;
	theirs.rtp = rig_addr("127.0.0.1", 4000);
	theirs.profile = MEDIA_RTP_AVP;
	assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs), -EINVAL);
	theirs.profile = MEDIA_RTP_SAVP;
	theirs.cryptos[0].tag = 7;
	theirs.cryptos[1].tag = 8;
	theirs.cryptos[2].tag = 9;
	assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs), -EINVAL);
	theirs.ncryptos = 0;
	assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs), -EINVAL);
	rig_wait(&rig, 20);
	assert_int_equal(seen.ready[MEDIA_SIDE_A], 0);
	bridge_free(bridge);
	media_content_fini(&ours);

	bridge = trunk_side(&rig, &seen, true, MEDIA_RTP_AVP, &ours);
	theirs = ours;
	theirs.rtp = rig_addr("127.0.0.1", 4000);
	theirs.profile = MEDIA_RTP_SAVP;
	assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs), -EINVAL);
	bridge_free(bridge);
	media_content_fini(&ours);
	rig_close(&rig);
}

static void addresses_that_are_no_place_are_refused(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_seen seen = { 0 };
	AUTO(media_content_fini) struct media_content ours = { 0 };
	static const char *const bad[] = { "224.0.0.1", "255.255.255.255",
					   "::1" };

	rig_open(&rig, "127.0.0.1", 1);
	struct bridge *bridge =
		trunk_side(&rig, &seen, false, MEDIA_RTP_AVP, &ours);
	struct media_content theirs = { .profile = MEDIA_RTP_AVP };

	assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs), -EINVAL);
	for (size_t i = 0; i < 3; i++) {
		theirs.rtp = rig_addr(bad[i], 4000);
		assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs),
				 -EINVAL);
	}
	/* our own SIP would get the media */
	theirs.rtp = rig_addr("127.0.0.1", RIG_SERVICE_PORT);
	assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs), -EINVAL);
	theirs.rtp = rig_addr("127.0.0.1", 4000);
	theirs.profile = MEDIA_DTLS_SAVP;
	assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs), -EINVAL);
	theirs.profile = MEDIA_RTP_AVP;
	theirs.rejected = true;
	assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs), -EINVAL);
	theirs.rejected = false;
	assert_int_equal(bridge_remote(bridge, MEDIA_SIDE_A, &theirs), 0);
	bridge_free(bridge);
	rig_close(&rig);
}

/* RFC 3264, 8.4: c=0.0.0.0 is hold, and what was learned stays. */
static void an_unspecified_address_holds_and_a_new_one_moves(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_call call;
	struct rig_phone moved;
	struct media_content theirs = { .profile = MEDIA_RTP_AVP,
					.rtcp_mux = true };

	rig_open(&rig, "127.0.0.1", 1);
	rig_call_open(&call, &rig, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	rig_talk(&call.a, &call.b, 5);
	rig_talk(&call.b, &call.a, 5);
	theirs.rtp = rig_addr("0.0.0.0", 4000);
	assert_int_equal(bridge_remote(call.left, MEDIA_SIDE_A, &theirs), 0);
	rig_wait(&rig, 50);
	for (int i = 0; i < 10; i++)
		rig_speak(&call.b);
	rig_assert_silent(&call.a, 100);

	rig_phone_open(&rig, &moved);
	moved.remote = call.a.remote;
	theirs.rtp = moved.local;
	assert_int_equal(bridge_remote(call.left, MEDIA_SIDE_A, &theirs), 0);
	rig_wait(&rig, 50);
	rig_talk(&call.b, &moved, 5);
	rig_talk(&moved, &call.b, 5);
	rig_speak(&call.a); /* the old place is a stranger now */
	rig_assert_silent(&call.b, 100);
	close(moved.fd);
	rig_call_close(&call);
	rig_close(&rig);
}

static int open_all(struct rig *rig, struct rig_seen *seen, struct bridge **out)
{
	struct addr peer = rig_addr("127.0.0.1", 5060);
	AUTO(media_content_fini)
	struct media_content ours = { .profile = MEDIA_RTP_SAVP };
	struct media_map map = rig_map();
	struct bridge *bridge;

	int r = bridge_new(&bridge, rig->left, "t", &rig_handlers, seen);
	if (r)
		return r;
	r = bridge_open(bridge, MEDIA_SIDE_A, MEDIA_RTP, true, &peer);
	if (!r)
		r = bridge_local(bridge, MEDIA_SIDE_A, &ours);
	if (!r) {
		ours.rtp = rig_addr("127.0.0.1", 4000);
		r = bridge_remote(bridge, MEDIA_SIDE_A, &ours);
	}
	if (!r)
		r = bridge_map(bridge, MEDIA_SIDE_A, &map);
	if (!r)
		r = bridge_digit(bridge, MEDIA_SIDE_B, '1', 100);
	if (r)
		bridge_free(bridge);
	else
		*out = bridge;
	return r;
}

static void any_allocation_may_fail(void **state)
{
	(void)state;
	struct rig rig;
	struct rig_seen seen = { 0 };
	struct bridge *bridge = NULL;
	int r = -ENOMEM;

	rig_open(&rig, "127.0.0.1", 1);
	/* The worker lets go later: leaks are for ASan, without failures. */
	for (long run = 0; r; run++) {
		fail_alloc_arm(run);
		r = fail_alloc_disarm(open_all(&rig, &seen, &bridge));
		if (r)
			assert_int_equal(r, -ENOMEM);
	}
	bridge_free(bridge);
	rig_wait(&rig, 50);
	assert_int_equal(media_worker_load(rig.left, 0), 0);
	rig_close(&rig);
}

static void burst(struct rig_phone *from, struct rig_phone *to, int n)
{
	struct rig_heard heard;
	uint16_t first = from->seq;

	for (int i = 0; i < n; i++)
		rig_speak(from);
	for (int i = 0; i < n; i++) {
		assert_true(rig_hear(to, &heard, 2000));
		rig_assert_heard(&heard, (uint16_t)(first + i));
	}
}

/* More than a worker reads from it in a turn, and than it keeps at a time. */
static void what_waits_at_a_port_is_read_to_its_end(void **state)
{
	struct rig_call call;
	struct rig rig;

	(void)state;
	rig_open(&rig, "127.0.0.1", 1);
	rig_call_open(&call, &rig, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	for (int n = 1; n < 20; n++)
		burst(&call.a, &call.b, n);
	burst(&call.a, &call.b, 150);
	burst(&call.b, &call.a, 150);
	/* and it is told of what comes later */
	rig_talk(&call.a, &call.b, 5);
	rig_talk(&call.b, &call.a, 5);
	rig_call_close(&call);
	rig_close(&rig);
}

/* So many that workers take them a millisecond at a time, and then few again.
 */
static void many_packets_pass_in_order_and_then_few(void **state)
{
	enum { BURSTS = 100, BURST = 8 };
	struct rig_call call;
	struct rig rig;

	(void)state;
	rig_open(&rig, "127.0.0.1", 1);
	rig_call_open(&call, &rig, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	rig_talk(&call.a, &call.b, 5);
	for (int i = 0; i < BURSTS; i++)
		burst(&call.a, &call.b, BURST);
	rig_wait(&rig, 100);
	rig_talk(&call.a, &call.b, 5);
	rig_talk(&call.b, &call.a, 5);
	rig_call_close(&call);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_rtp_passes_between_two_gateways),
		cmocka_unit_test(what_waits_at_a_port_is_read_to_its_end),
		cmocka_unit_test(many_packets_pass_in_order_and_then_few),
		cmocka_unit_test(sdes_encrypts_and_the_first_suite_is_taken),
		cmocka_unit_test(the_second_suite_works_under_its_tag),
		cmocka_unit_test(srtp_may_be_offered_without_insisting),
		cmocka_unit_test(who_knows_no_srtp_is_served_without),
		cmocka_unit_test(a_reoffer_keeps_keys_and_media),
		cmocka_unit_test(no_answer_weakens_what_was_offered),
		cmocka_unit_test(addresses_that_are_no_place_are_refused),
		cmocka_unit_test(
			an_unspecified_address_holds_and_a_new_one_moves),
		cmocka_unit_test(any_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
