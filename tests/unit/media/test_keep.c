/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Slots in a file: found again by the next process, and by no other. */
#include "media/keep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "tests/test.h"

static char path[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test-keep-XXXXXX");
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static struct keep *opened(void)
{
	struct keep *keep = NULL;

	assert_int_equal(keep_open(&keep, path), 0);
	return keep;
}

static struct keep_slot *taken(struct keep *keep, const char *name)
{
	struct keep_slot *slot = NULL;

	assert_int_equal(keep_take(keep, &slot, name), 0);
	return slot;
}

static void a_slot_is_found_once_by_the_next_process(void **state)
{
	struct keep *keep = opened();
	struct keep_slot *slot = taken(keep, "one");

	(void)state;
	slot->relays[0].output.ssrc = 42;
	assert_null(keep_find(keep, "one")); /* it is ours */
	taken(keep, "two");
	keep_close(keep); /* as if it had died: nothing was given back */
	keep = opened();
	assert_null(keep_find(keep, "three"));
	slot = keep_find(keep, "one");
	assert_non_null(slot);
	assert_int_equal(slot->relays[0].output.ssrc, 42);
	assert_null(keep_find(keep, "one"));
	assert_int_equal(keep_forget(keep), 1); /* two */
	assert_null(keep_find(keep, "two"));
	keep_close(keep);
}

static void what_was_given_back_is_gone(void **state)
{
	struct keep *keep = opened();

	(void)state;
	keep_give(keep, taken(keep, "one"));
	keep_close(keep);
	keep = opened();
	assert_null(keep_find(keep, "one"));
	keep_close(keep);
}

static void new_slots_do_not_touch_those_of_before(void **state)
{
	struct keep *keep = opened();

	(void)state;
	for (int i = 0; i < 3 * KEEP_GROW; i++) {
		char name[16];

		snprintf(name, sizeof(name), "old %d", i);
		taken(keep, name)->beat_ms = (uint64_t)i;
	}
	keep_close(keep);
	keep = opened();
	for (int i = 0; i < 2 * KEEP_GROW; i++)
		assert_int_equal(taken(keep, "new")->beat_ms, 0);
	for (int i = 3 * KEEP_GROW - 1; i >= 0; i--) {
		char name[16];

		snprintf(name, sizeof(name), "old %d", i);
		struct keep_slot *slot = keep_find(keep, name);
		assert_non_null(slot);
		assert_int_equal(slot->beat_ms, i);
	}
	keep_close(keep);
}

static void two_processes_do_not_share_a_file(void **state)
{
	struct keep *keep = opened(), *second = NULL;

	(void)state;
	assert_int_equal(keep_open(&second, path), -EBUSY);
	keep_close(keep);
}

static void calls_that_end_every_process_are_given_up(void **state)
{
	struct keep *keep = opened();

	(void)state;
	log_set_level((enum log_level)0);
	taken(keep, "one");
	keep_close(keep);
	for (int i = 0; i < 3; i++) {
		keep = opened();
		assert_true(keep_has_before(keep));
		keep_close(keep);
	}
	keep = opened();
	assert_false(keep_has_before(keep));
	taken(keep, "two");
	keep_close(keep);
	for (int i = 0; i < 9; i++) {
		keep = opened();
		assert_true(keep_has_before(keep));
		keep_is_well(keep);
		keep_close(keep);
	}
}

static void starts_without_calls_are_not_held_against_later_ones(void **state)
{
	struct keep *keep = opened();

	(void)state;
	keep_give(keep, taken(keep, "one"));
	keep_close(keep);
	for (int i = 0; i < 9; i++)
		keep_close(opened());
	keep = opened();
	taken(keep, "two");
	keep_close(keep);
	keep = opened();
	assert_non_null(keep_find(keep, "two"));
	keep_close(keep);
}

/* Each octet of the head: magic, layout, stride, the machine's boot. */
static void a_file_of_another_kind_or_boot_is_begun_anew(void **state)
{
	static const off_t places[] = { 0, 8, 12, 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct keep *keep = opened();
		uint8_t octet;
		int fd;

		taken(keep, "one");
		keep_close(keep);
		fd = open(path, O_RDWR);
		assert_int_equal(pread(fd, &octet, 1, places[i]), 1);
		octet ^= 1;
		assert_int_equal(pwrite(fd, &octet, 1, places[i]), 1);
		close(fd);
		keep = opened();
		assert_null(keep_find(keep, "one"));
		taken(keep, "two");
		keep_close(keep);
	}
}

static void a_file_cut_short_loses_what_is_cut(void **state)
{
	struct keep *keep = opened();
	struct stat st;

	(void)state;
	taken(keep, "one");
	for (int i = 0; i < KEEP_GROW - 1; i++)
		taken(keep, "more");
	taken(keep, "last");
	keep_close(keep);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	keep = opened();
	assert_non_null(keep_find(keep, "one"));
	assert_null(keep_find(keep, "last"));
	keep_close(keep);
}

static void without_a_file_there_are_slots_as_well(void **state)
{
	struct keep *keep = NULL;

	(void)state;
	assert_int_equal(keep_open(&keep, NULL), 0);
	keep_give(keep, taken(keep, "one"));
	keep_close(keep);
	keep_give(NULL, taken(NULL, "two"));
}

static void more_calls_than_slots_live_without_them(void **state)
{
	struct keep *keep = opened();
	struct keep_slot **all = calloc(KEEP_MAX_SLOTS + 1, sizeof(*all));

	(void)state;
	log_set_level((enum log_level)0);
	assert_non_null(all);
	for (size_t i = 0; i <= KEEP_MAX_SLOTS; i++)
		all[i] = taken(keep, "some");
	for (size_t i = 0; i <= KEEP_MAX_SLOTS; i++)
		keep_give(keep, all[i]);
	free(all);
	keep_close(keep);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	struct keep *keep = opened();
	struct keep_slot *slot;
	char name[KEEP_NAME_CAP + 1], none[sizeof(path) + sizeof(".none/kept")];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[KEEP_NAME_CAP] = '\0';
	assert_int_equal(keep_take(keep, &slot, name), -ENAMETOOLONG);
	assert_int_equal(keep_take(keep, &slot, ""), -ENAMETOOLONG);
	keep_close(keep);
	snprintf(none, sizeof(none), "%s.none/kept", path);
	assert_int_equal(keep_open(&keep, none), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_slot_is_found_once_by_the_next_process, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(what_was_given_back_is_gone,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			new_slots_do_not_touch_those_of_before, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			two_processes_do_not_share_a_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_of_another_kind_or_boot_is_begun_anew, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			calls_that_end_every_process_are_given_up, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			starts_without_calls_are_not_held_against_later_ones,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_cut_short_loses_what_is_cut, set_up, tear_down),
		cmocka_unit_test(without_a_file_there_are_slots_as_well),
		cmocka_unit_test_setup_teardown(
			more_calls_than_slots_live_without_them, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_that_is_too_long_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
