/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The peer of a running call offers anew, as telephones in a browser do when
 * the network changes: other credentials (RFC 8839, 4.4.1.1.1), or all of it,
 * with another certificate (RFC 8842, 5.1). We answer, and are heard.
 */
#include "media/bridge.h"
#include "tests/unit/media/rig.h"

/* A third gateway, which the peer of the call becomes. */
struct successor {
	struct media *media;
	struct bridge *bridge;
	struct rig_seen seen;
	struct rig_phone phone;
};

static void up(struct rig *rig, struct rig_call *call)
{
	rig_open(rig, "127.0.0.1", 1);
	rig_call_open(call, rig, NULL);
	RIG_UNTIL(rig, rig_call_is_up(call));
	rig_talk(&call->a, &call->b, 5);
	rig_talk(&call->b, &call->a, 5);
}

static void successor_open(struct successor *s, struct rig *rig)
{
	memset(s, 0, sizeof(*s));
	s->media = rig_media(rig, 1, 1);
	rig_phone_open(rig, &s->phone);
	assert_int_equal(bridge_new(&s->bridge, s->media, "new", &rig_handlers,
				    &s->seen),
			 0);
	rig_join_phone(s->bridge, MEDIA_SIDE_B, &s->phone);
	rig_map_both(s->bridge);
	assert_int_equal(
		bridge_open(s->bridge, MEDIA_SIDE_A, MEDIA_ICE, true, NULL), 0);
}

static void successor_close(struct successor *s)
{
	bridge_free(s->bridge);
	close(s->phone.fd);
	media_free(s->media);
}

/* The whole of an offer of @peer's to the left gateway, and back; what was
 * answered in @answer. */
static void renew(struct rig_call *call, struct bridge *peer,
		  struct media_content *answer)
{
	AUTO(media_content_fini) struct media_content offer = { 0 };

	assert_int_equal(bridge_local(peer, MEDIA_SIDE_A, &offer), 0);
	assert_int_equal(offer.setup, MEDIA_SETUP_ACTPASS);
	assert_int_equal(bridge_remote(call->left, MEDIA_SIDE_B, &offer), 0);
	assert_int_equal(bridge_local(call->left, MEDIA_SIDE_B, answer), 0);
	assert_string_not_equal(answer->ufrag, call->left_ice.ufrag);
	assert_true(answer->ncands > 0);
	assert_int_equal(bridge_remote(peer, MEDIA_SIDE_A, answer), 0);
}

static void new_credentials_of_the_peer_are_answered(void **state)
{
	AUTO(media_content_fini) struct media_content answer = { 0 };
	struct rig rig;
	struct rig_call call;

	(void)state;
	up(&rig, &call);
	assert_int_equal(bridge_restart(call.right, MEDIA_SIDE_A), 0);
	renew(&call, call.right, &answer);
	/* The association stays, and with it the roles (RFC 8842, 5.3). */
	assert_int_equal(answer.setup, MEDIA_SETUP_PASSIVE);
	for (int i = 0; i < 40; i++) {
		rig_talk(&call.a, &call.b, 2);
		rig_talk(&call.b, &call.a, 2);
		rig_wait(&rig, 10);
	}
	assert_int_equal(call.seen_left.failed[MEDIA_SIDE_B], 0);
	rig_call_close(&call);
	rig_close(&rig);
}

/* @gone: what was there before has ended when the offer comes. */
static void take_over(bool gone)
{
	AUTO(media_content_fini) struct media_content answer = { 0 };
	struct successor new;
	struct rig rig;
	struct rig_call call;

	up(&rig, &call);
	if (gone)
		call.right = bridge_free(call.right);
	successor_open(&new, &rig);
	renew(&call, new.bridge, &answer);
	assert_int_equal(answer.setup, MEDIA_SETUP_ACTIVE);
	RIG_UNTIL(&rig, new.seen.ready[MEDIA_SIDE_A]);
	rig_talk(&new.phone, &call.a, 20);
	rig_talk(&call.a, &new.phone, 20);
	if (!gone) /* it has our old keys, and is heard no more */
		rig_assert_silent(&call.b, 50);
	assert_int_equal(call.seen_left.failed[MEDIA_SIDE_B], 0);
	successor_close(&new);
	rig_call_close(&call);
	rig_close(&rig);
}

static void a_new_certificate_gets_a_new_association(void **state)
{
	(void)state;
	take_over(false);
}

static void a_peer_that_begins_anew_is_heard(void **state)
{
	(void)state;
	take_over(true);
}

/* A page that is loaded anew and loses its network at once. */
static void it_may_be_renewed_again_and_again(void **state)
{
	struct successor new[3];
	struct rig rig;
	struct rig_call call;

	(void)state;
	up(&rig, &call);
	for (size_t i = 0; i < 3; i++) {
		AUTO(media_content_fini) struct media_content answer = { 0 };

		successor_open(&new[i], &rig);
		renew(&call, new[i].bridge, &answer);
	}
	RIG_UNTIL(&rig, new[2].seen.ready[MEDIA_SIDE_A]);
	rig_talk(&new[2].phone, &call.a, 10);
	rig_talk(&call.a, &new[2].phone, 10);
	for (size_t i = 0; i < 3; i++)
		successor_close(&new[i]);
	rig_call_close(&call);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_credentials_of_the_peer_are_answered),
		cmocka_unit_test(a_new_certificate_gets_a_new_association),
		cmocka_unit_test(a_peer_that_begins_anew_is_heard),
		cmocka_unit_test(it_may_be_renewed_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
