/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/blocks.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "tests/test.h"

#define ALICE "alice@example.org"
#define BOB   "bob@example.org"

static struct gateway gateway;
static char dir[64], path[96];

static void open_all(void)
{
	const struct db_config config = { .path = path };

	gateway = (struct gateway){ .base = event_base_new() };
	assert_int_equal(db_open(&gateway.db, &config, gateway.base), 0);
	assert_int_equal(blocks_new(&gateway), 0);
}

static void close_all(void)
{
	blocks_free(&gateway);
	gateway.db = db_close(gateway.db);
	event_base_free(gateway.base);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/tandem-blocks-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t.db", dir);
	open_all();
	return 0;
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	close_all();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void who_blocks_is_no_owner_for_whom_he_blocks(void **state)
{
	struct number number = { .owners = { ALICE, BOB }, .nowners = 2 };

	(void)state;
	assert_int_equal(blocks_add(&gateway, ALICE, "+1555"), 0);
	blocks_leave_out(&gateway, &number, "+1556");
	assert_int_equal(number.nowners, 2);
	blocks_leave_out(&gateway, &number, "+1555");
	assert_int_equal(number.nowners, 1);
	assert_string_equal(number.owners[0], BOB);
	assert_int_equal(blocks_add(&gateway, "", "+1555"), 0);
	blocks_leave_out(&gateway, &number, "+1555");
	assert_int_equal(number.nowners, 0);
}

static void one_does_not_hear_another(void **state)
{
	(void)state;
	assert_int_equal(blocks_add(&gateway, "Alice@Example.org", "+1555"), 0);
	assert_int_equal(blocks_add(&gateway, ALICE, "+1555"), 0);
	assert_true(blocks_has(&gateway, ALICE "/phone", "+1555"));
	assert_false(blocks_has(&gateway, ALICE, "+15551"));
	assert_false(blocks_has(&gateway, BOB, "+1555"));
	assert_int_equal(blocks_drop(&gateway, ALICE, "+1555"), 0);
	assert_int_equal(blocks_drop(&gateway, ALICE, "+1555"), 0);
	assert_false(blocks_has(&gateway, ALICE, "+1555"));
}

static void prefixes_and_all(void **state)
{
	(void)state;
	assert_int_equal(blocks_add(&gateway, "", "+1900*"), 0);
	assert_true(blocks_has(&gateway, ALICE, "+19001234567"));
	assert_true(blocks_has(&gateway, BOB, "+1900"));
	assert_false(blocks_has(&gateway, ALICE, "+190"));
	assert_int_equal(blocks_add(&gateway, BOB, "*"), 0);
	assert_true(blocks_has(&gateway, BOB, "anonymous"));
	assert_false(blocks_has(&gateway, ALICE, "anonymous"));
}

static void what_names_nobody_is_refused(void **state)
{
	(void)state;
	assert_int_equal(blocks_add(&gateway, ALICE, ""), -EINVAL);
	assert_int_equal(blocks_add(&gateway, ALICE, "+1*5"), -EINVAL);
	assert_int_equal(blocks_add(&gateway, "@", "+1"), -EINVAL);
	assert_int_equal(blocks_drop(&gateway, ALICE, ""), -EINVAL);
}

static void count(const void *row, void *arg)
{
	unsigned *n = arg;

	(void)row;
	(*n)++;
}

static void they_are_there_after_a_restart(void **state)
{
	unsigned n = 0;

	(void)state;
	assert_int_equal(blocks_add(&gateway, ALICE, "+1555"), 0);
	assert_int_equal(blocks_add(&gateway, ALICE, "+1556"), 0);
	assert_int_equal(blocks_add(&gateway, BOB, "+1556"), 0);
	assert_int_equal(blocks_drop(&gateway, ALICE, "+1556"), 0);
	close_all();
	open_all();
	assert_true(blocks_has(&gateway, ALICE, "+1555"));
	assert_false(blocks_has(&gateway, ALICE, "+1556"));
	blocks_each(&gateway, ALICE, count, &n);
	assert_int_equal(n, 1);
	blocks_each(&gateway, "carol@example.org", count, &n);
	assert_int_equal(n, 1);
}

static void nobody_fills_the_memory(void **state)
{
	char party[16];

	(void)state;
	for (unsigned i = 0; i < BLOCKS_MAX; i++) {
		snprintf(party, sizeof(party), "+1555%04u", i);
		assert_int_equal(blocks_add(&gateway, ALICE, party), 0);
	}
	assert_int_equal(blocks_add(&gateway, ALICE, "+1"), -E2BIG);
	assert_int_equal(blocks_add(&gateway, ALICE, party), 0);
	assert_int_equal(blocks_add(&gateway, BOB, "+1"), 0);
}

#define BLOCK_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BLOCK_TEST(one_does_not_hear_another),
		BLOCK_TEST(who_blocks_is_no_owner_for_whom_he_blocks),
		BLOCK_TEST(prefixes_and_all),
		BLOCK_TEST(what_names_nobody_is_refused),
		BLOCK_TEST(they_are_there_after_a_restart),
		BLOCK_TEST(nobody_fills_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
