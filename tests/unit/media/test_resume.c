/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A bridge that is taken up by another process. The one that died is a copy of
 * its file, taken between two packets; its successor has nothing else but what
 * was saved. The peers, a phone and another gateway, are not told.
 */
#include "media/resume.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "media/media.h"
#include "tests/unit/media/rig.h"

enum { TALK = 12 };

struct scene {
	struct rig rig;
	struct rig_call call;
	struct bridge_saved saved[2];
	struct media_config config;
	char directory[64], kept[80], copy[80];
};

static void open_scene(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->directory, sizeof(s->directory), "/tmp/test-resume-XXXXXX");
	assert_non_null(mkdtemp(s->directory));
	snprintf(s->kept, sizeof(s->kept), "%s/kept", s->directory);
	snprintf(s->copy, sizeof(s->copy), "%s/copy", s->directory);
	log_set_level(getenv("RIG_LOG") ? LOG_LEVEL_DEBUG : (enum log_level)0);
	s->rig.ip = "127.0.0.1";
	s->rig.keep = s->kept;
	s->rig.base = event_base_new();
	s->rig.left = rig_media(&s->rig, 1, 0);
	s->rig.right = rig_media(&s->rig, 1, 1);
	rig_call_open(&s->call, &s->rig, NULL);
	RIG_UNTIL(&s->rig, rig_call_is_up(&s->call));
	rig_talk(&s->call.a, &s->call.b, TALK);
	rig_talk(&s->call.b, &s->call.a, TALK);
}

static void close_scene(struct scene *s)
{
	rig_call_close(&s->call);
	rig_close(&s->rig);
	unlink(s->kept);
	unlink(s->copy);
	rmdir(s->directory);
}

static void copy_file(const char *from, const char *to)
{
	uint8_t block[4096];
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, block, sizeof(block))) > 0)
		assert_int_equal(write(out, block, (size_t)n), n);
	close(in);
	close(out);
}

/* The process dies, and another has what it left. */
static void die(struct scene *s)
{
	s->config = s->rig.left->config;
	for (int side = 0; side < 2; side++)
		assert_int_equal(bridge_save(s->call.left,
					     (enum media_side)side,
					     &s->saved[side]),
				 0);
	copy_file(s->kept, s->copy);
	s->call.left = bridge_free(s->call.left);
	s->rig.left = media_free(s->rig.left);
	memset(&s->call.seen_left, 0, sizeof(s->call.seen_left));
	s->config.keep = s->copy;
	assert_int_equal(media_new(&s->rig.left, &s->config, s->rig.base), 0);
}

static int revive(struct scene *s)
{
	return bridge_revive(&s->call.left, s->rig.left, "left",
			     s->saved[MEDIA_SIDE_B].worker, &rig_handlers,
			     &s->call.seen_left);
}

static void resume(struct scene *s)
{
	AUTO(media_content_fini)
	struct media_content phone = { .profile = MEDIA_RTP_AVP,
				       .rtp = s->call.a.local,
				       .rtcp_mux = true };
	AUTO(media_content_fini)
	struct media_content ours = { .profile = MEDIA_RTP_AVP,
				      .rtp = s->call.a.remote,
				      .rtcp_mux = true };

	assert_int_equal(revive(s), 0);
	assert_int_equal(bridge_resume(s->call.left, MEDIA_SIDE_A,
				       &s->saved[MEDIA_SIDE_A], &ours, &phone),
			 0);
	assert_int_equal(bridge_resume(s->call.left, MEDIA_SIDE_B,
				       &s->saved[MEDIA_SIDE_B],
				       &s->call.left_ice, &s->call.right_ice),
			 0);
	rig_map_both(s->call.left);
}

static bool left_is_up(const struct scene *s)
{
	return s->call.seen_left.ready[MEDIA_SIDE_A] &&
	       s->call.seen_left.ready[MEDIA_SIDE_B];
}

static struct rig_heard hear_one(struct rig_phone *from, struct rig_phone *to)
{
	struct rig_heard heard = { 0 };
	uint16_t spoken = rig_speak(from);

	assert_true(rig_hear(to, &heard, 2000));
	rig_assert_heard(&heard, spoken);
	return heard;
}

static void neither_peer_notices_that_the_process_died(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	struct rig_heard to_b = hear_one(&s.call.a, &s.call.b);
	struct rig_heard to_a = hear_one(&s.call.b, &s.call.a);
	die(&s);
	resume(&s);
	media_forget(s.rig.left);
	RIG_UNTIL(&s.rig, left_is_up(&s));
	struct rig_heard b = hear_one(&s.call.a, &s.call.b);
	struct rig_heard a = hear_one(&s.call.b, &s.call.a);
	assert_int_equal(b.ssrc, to_b.ssrc);
	assert_int_equal(a.ssrc, to_a.ssrc);
	assert_int_equal((uint16_t)(b.seq - to_b.seq), 1);
	assert_int_equal((uint16_t)(a.seq - to_a.seq), 1);
	assert_int_equal(b.ts - to_b.ts, RIG_SAMPLES);
	assert_int_equal(a.ts - to_a.ts, RIG_SAMPLES);
	rig_talk(&s.call.a, &s.call.b, TALK);
	rig_talk(&s.call.b, &s.call.a, TALK);
	assert_int_equal(s.call.seen_left.failed[MEDIA_SIDE_B], 0);
	assert_int_equal(s.call.seen_right.failed[MEDIA_SIDE_A], 0);
	close_scene(&s);
}

static void what_was_lost_meanwhile_is_a_gap_in_the_sequence(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	struct rig_heard before = hear_one(&s.call.a, &s.call.b);
	die(&s);
	for (int i = 0; i < 100; i++)
		rig_speak(&s.call.a);
	resume(&s);
	media_forget(s.rig.left);
	RIG_UNTIL(&s.rig, left_is_up(&s));
	struct rig_heard after = hear_one(&s.call.a, &s.call.b);
	assert_int_equal((uint16_t)(after.seq - before.seq), 101);
	assert_int_equal(after.ts - before.ts, 101 * RIG_SAMPLES);
	close_scene(&s);
}

static void either_side_restarts_ice_afterwards(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	die(&s);
	resume(&s);
	media_forget(s.rig.left);
	RIG_UNTIL(&s.rig, left_is_up(&s));
	AUTO(media_content_fini) struct media_content offer = { 0 };
	AUTO(media_content_fini) struct media_content answer = { 0 };
	assert_int_equal(bridge_restart(s.call.left, MEDIA_SIDE_B), 0);
	assert_int_equal(bridge_local(s.call.left, MEDIA_SIDE_B, &offer), 0);
	assert_string_not_equal(offer.ufrag, s.call.left_ice.ufrag);
	assert_int_equal(bridge_remote(s.call.right, MEDIA_SIDE_A, &offer), 0);
	assert_int_equal(bridge_local(s.call.right, MEDIA_SIDE_A, &answer), 0);
	assert_int_equal(bridge_remote(s.call.left, MEDIA_SIDE_B, &answer), 0);
	rig_wait(&s.rig, 300);
	rig_talk(&s.call.a, &s.call.b, TALK);
	rig_talk(&s.call.b, &s.call.a, TALK);
	close_scene(&s);
}

/* A row of another moment than the slot: its keys must not be used. */
static void keys_are_not_used_with_the_indices_of_others(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	die(&s);
	s.saved[MEDIA_SIDE_B].keys.tx[0] ^= 1;
	resume(&s);
	media_forget(s.rig.left);
	RIG_UNTIL(&s.rig, s.call.seen_left.failed[MEDIA_SIDE_B]);
	assert_int_equal(s.call.seen_left.why[MEDIA_SIDE_B], MEDIA_FAIL_WORKER);
	close_scene(&s);
}

/* The row is from before the call was secured. */
static void what_was_secured_does_not_go_on_in_the_clear(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	die(&s);
	resume(&s);
	atomic_store(&s.call.left->circuit->kept->tx[MEDIA_SIDE_A].id, 1);
	media_forget(s.rig.left);
	RIG_UNTIL(&s.rig, s.call.seen_left.failed[MEDIA_SIDE_A]);
	assert_int_equal(s.call.seen_left.why[MEDIA_SIDE_A], MEDIA_FAIL_WORKER);
	close_scene(&s);
}

/* The configuration has another port: the pair of before is no more. */
static void a_shared_port_that_has_moved_is_not_gone_on_with(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	die(&s);
	struct bridge_saved saved = s.saved[MEDIA_SIDE_B];
	addr_set_port(&saved.local, (uint16_t)(addr_port(&saved.local) + 1));
	assert_int_equal(revive(&s), 0);
	assert_int_equal(bridge_resume(s.call.left, MEDIA_SIDE_B, &saved,
				       &s.call.left_ice, &s.call.right_ice),
			 -EADDRNOTAVAIL);
	media_forget(s.rig.left);
	close_scene(&s);
}

static void a_call_that_was_not_kept_is_not_taken_up(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	die(&s);
	media_forget(s.rig.left);
	assert_int_equal(revive(&s), -ENOENT);
	s.saved[MEDIA_SIDE_B].worker = 1;
	assert_int_equal(revive(&s), -ENOENT);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neither_peer_notices_that_the_process_died),
		cmocka_unit_test(
			what_was_lost_meanwhile_is_a_gap_in_the_sequence),
		cmocka_unit_test(either_side_restarts_ice_afterwards),
		cmocka_unit_test(keys_are_not_used_with_the_indices_of_others),
		cmocka_unit_test(what_was_secured_does_not_go_on_in_the_clear),
		cmocka_unit_test(
			a_shared_port_that_has_moved_is_not_gone_on_with),
		cmocka_unit_test(a_call_that_was_not_kept_is_not_taken_up),
	};

	if (strcmp(SRTP_ENGINE.name, "evp") != 0)
		return 0; /* the other one restores nothing */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
