/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A database that is damaged, found so at the start, by a write or by a read:
 * it is set aside, what can be read of it is in a new one, and writing goes on.
 */
#include "db/store.h"

#include <sqlite3.h>

#include "db/account.h"
#include "db/row.h"
#include "db/session.h"
#include "db/worker.h"
#include "tests/unit/db/fixture.h"

enum {
	ROWS = 2000,
	PAGE = 4096,
	FILLER = 1000, /* octets of a row, so that there are many pages */
	DAMAGED_FROM = 300,
	DAMAGED = 200, /* pages */
};

static char filler[FILLER];

static void queue(struct fixture *f, unsigned i)
{
	char call[16];
	const struct session_row row = { .call = call,
					 .kind = SESSION_SIP,
					 .state = SESSION_UP,
					 .local_sdp = filler };

	snprintf(call, sizeof(call), "call-%05u", i);
	assert_int_equal(session_put(f->db, &row, fixture_done, f), 0);
}

static void put(struct fixture *f, unsigned i)
{
	queue(f, i);
	fixture_wait(f, f->heard + 1);
	assert_int_equal(f->last, 0);
}

static void on_row(const void *row, void *arg)
{
	(void)row;
	++*(unsigned *)arg;
}

static int count(struct fixture *f, unsigned *n)
{
	*n = 0;
	return session_load_all(f->db, on_row, n);
}

/* By another process: whose locks are on it is not touched. */
static void damage(const struct fixture *f, unsigned from, unsigned pages)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "dd if=/dev/zero of=%s bs=%u seek=%u count=%u conv=notrunc "
		 "status=none",
		 f->path, (unsigned)PAGE, from, pages);
	assert_int_equal(system(command), 0);
}

static void on_replaced(void *arg)
{
	++*(unsigned *)arg;
}

static void wait_for(struct fixture *f, const unsigned *replaced, unsigned n)
{
	const struct timeval tick = { 0, 10000 };
	uint64_t until = clock_ms() + FIXTURE_WAIT_MS;

	while (*replaced < n) {
		assert_true(clock_ms() < until);
		assert_int_equal(event_base_loopexit(f->base, &tick), 0);
		event_base_dispatch(f->base);
	}
}

/* Many rows, all of them in the file itself and none in a cache. */
static int begin(void **state)
{
	int r = fixture_setup(state);
	struct fixture *f = *state;

	memset(filler, 'x', sizeof(filler) - 1);
	for (unsigned i = 0; !r && i < ROWS; i++)
		queue(f, i);
	fixture_wait(f, ROWS);
	f->db = db_close(f->db);
	return r;
}

static void what_can_be_read_of_it_is_in_the_new_one(void **state)
{
	struct fixture *f = *state;
	unsigned n;

	damage(f, DAMAGED_FROM, DAMAGED);
	fixture_open(f);
	assert_int_equal(fixture_count_files(f, "t.db.corrupt-*[0-9]"), 1);
	assert_int_equal(count(f, &n), 0);
	/* both from the beginning and from the end */
	print_message("%u of %u rows\n", n, (unsigned)ROWS);
	assert_in_range(n, ROWS / 4, ROWS - 1);
	put(f, 0);
	put(f, ROWS + 1);
	unsigned more;
	assert_int_equal(count(f, &more), 0);
	assert_int_equal(more, n + 1);
}

static void what_is_no_database_is_set_aside_as_it_is(void **state)
{
	struct fixture *f = *state;
	unsigned n;

	damage(f, 0, 1);
	fixture_open(f);
	assert_int_equal(fixture_count_files(f, "t.db.corrupt-*[0-9]"), 1);
	assert_int_equal(count(f, &n), 0);
	assert_int_equal(n, 0);
	put(f, 1);
}

static void a_write_that_finds_it_damaged_is_made_in_the_new_one(void **state)
{
	struct fixture *f = *state;
	unsigned n, replaced = 0;

	fixture_open(f);
	db_on_replaced(f->db, on_replaced, &replaced);
	damage(f, DAMAGED_FROM, DAMAGED);
	/* nobody is told of a failure */
	for (unsigned i = 0; i < ROWS; i++)
		queue(f, i);
	fixture_wait(f, f->heard + ROWS);
	assert_int_equal(f->last, 0);
	wait_for(f, &replaced, 1);
	assert_int_equal(fixture_count_files(f, "t.db.corrupt-*[0-9]"), 1);
	assert_int_equal(count(f, &n), 0);
	assert_int_equal(n, ROWS);
	/* and all of it is there for the next process */
	fixture_reopen(f);
	assert_int_equal(count(f, &n), 0);
	assert_int_equal(n, ROWS);
	assert_int_equal(fixture_count_files(f, "t.db.corrupt-*[0-9]"), 1);
}

static void a_read_that_finds_it_damaged_has_it_replaced(void **state)
{
	struct fixture *f = *state;
	unsigned n, replaced = 0;

	fixture_open(f);
	db_on_replaced(f->db, on_replaced, &replaced);
	damage(f, DAMAGED_FROM, DAMAGED);
	assert_int_equal(count(f, &n), -EBADMSG);
	wait_for(f, &replaced, 1);
	assert_int_equal(count(f, &n), 0);
	assert_in_range(n, ROWS / 4, ROWS - 1);
	put(f, 1);
}

/* A disk that spoils all that is written there would be filled. */
static void it_is_not_replaced_again_and_again(void **state)
{
	struct fixture *f = *state;
	unsigned n, replaced = 0;

	fixture_open(f);
	db_on_replaced(f->db, on_replaced, &replaced);
	for (int again = 0; again < 2; again++) {
		damage(f, again ? 1 : DAMAGED_FROM, DAMAGED);
		(void)!count(f, &n);
		wait_for(f, &replaced, 1);
		put(f, 1);
	}
	assert_int_equal(replaced, 1);
	assert_int_equal(fixture_count_files(f, "t.db.corrupt-*[0-9]"), 1);
}

/* When it had nothing to write, and could not have. */
static void who_reads_what_is_damaged_does_not_end_the_writing(void **state)
{
	struct fixture *f = *state;
	const struct timeval while_it_tries = { 0, 500000 };
	sqlite3 *other;
	unsigned replaced = 0;

	fixture_open(f);
	db_on_replaced(f->db, on_replaced, &replaced);
	worker_distrust(db_worker(f->db));
	wait_for(f, &replaced, 1);
	put(f, 0); /* all before it is written */
	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", 0, 0, 0),
			 SQLITE_OK);
	worker_distrust(db_worker(f->db));
	assert_int_equal(event_base_loopexit(f->base, &while_it_tries), 0);
	event_base_dispatch(f->base);
	assert_int_equal(sqlite3_exec(other, "COMMIT", 0, 0, 0), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	put(f, 1);
}

/* What is there then is all there is of it. */
static void one_that_cannot_be_set_aside_stays(void **state)
{
	struct fixture *f = *state;
	sqlite3 *sqlite;
	char path[320];

	/* with ".corrupt-…" it is longer than names may be */
	snprintf(path, sizeof(path), "%s/%0240d", f->dir, 0);
	assert_int_equal(store_connect(&sqlite, path), 0);
	store_close(sqlite);
	assert_int_equal(store_replace(&sqlite, path, false), -ENAMETOOLONG);
	assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, fixture_teardown)
		TEST(what_can_be_read_of_it_is_in_the_new_one),
		TEST(what_is_no_database_is_set_aside_as_it_is),
		TEST(a_write_that_finds_it_damaged_is_made_in_the_new_one),
		TEST(a_read_that_finds_it_damaged_has_it_replaced),
		TEST(it_is_not_replaced_again_and_again),
		TEST(who_reads_what_is_damaged_does_not_end_the_writing),
		TEST(one_that_cannot_be_set_aside_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
