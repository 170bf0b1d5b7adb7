/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/db.h"

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "db/cdr.h"
#include "db/schema.h"
#include "db/session.h"
#include "tests/unit/db/fixture.h"

static void execute(const char *path, const char *sql)
{
	sqlite3 *sqlite = NULL;

	assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

static int put(struct fixture *f, const char *call, db_done_fn done, void *arg)
{
	const struct session_row row = { .call = call,
					 .kind = SESSION_SIP,
					 .state = SESSION_UP };

	return session_put(f->db, &row, done, arg);
}

static void on_count(const void *row, void *arg)
{
	(void)row;
	++*(unsigned *)arg;
}

static unsigned count_rows(struct fixture *f)
{
	unsigned n = 0;

	assert_int_equal(session_load_all(f->db, on_count, &n), 0);
	return n;
}

struct order {
	struct fixture *f;
	unsigned at;
};
enum { MANY = 10000 };
static struct order orders[MANY];
static unsigned next_expected;

static void on_ordered(int result, void *arg)
{
	struct order *order = arg;

	assert_int_equal(result, 0);
	assert_int_equal(order->at, next_expected);
	next_expected++;
	order->f->heard++;
}

static void ten_thousand_writes_complete_in_order(void **state)
{
	struct fixture *f = *state;
	uint64_t began = clock_ms();

	next_expected = 0;
	for (unsigned i = 0; i < MANY; i++) {
		char call[16];

		snprintf(call, sizeof(call), "call-%u", i);
		orders[i] = (struct order){ f, i };
		assert_int_equal(put(f, call, on_ordered, &orders[i]), 0);
	}
	uint64_t queued = clock_ms();
	fixture_wait(f, MANY);
	print_message("10000 writes: queued in %u ms, on disk after %u ms\n",
		      (unsigned)(queued - began),
		      (unsigned)(clock_ms() - began));
	assert_int_equal(count_rows(f), MANY);
	assert_true(db_stats(f->db).written >= MANY);
	assert_int_equal(db_stats(f->db).waiting, 0);
}

/* Whoever dies between the two has neither on disk. */
static void what_a_turn_queues_is_one_transaction(void **state)
{
	enum { HOW_LONG_US = 200 * 1000, MORE = 1500 };
	struct fixture *f = *state;
	uint64_t before = db_stats(f->db).transactions;

	assert_int_equal(put(f, "a", fixture_done, f), 0);
	usleep(HOW_LONG_US); /* for the thread, to take that alone */
	assert_int_equal(put(f, "b", fixture_done, f), 0);
	assert_int_equal(db_stats(f->db).transactions, before);
	fixture_wait(f, 2);
	assert_int_equal(db_stats(f->db).transactions, before + 1);
	for (unsigned i = 0; i < MORE; i++)
		assert_int_equal(put(f, "c", fixture_done, f), 0);
	fixture_wait(f, 2 + MORE);
	assert_int_equal(db_stats(f->db).transactions, before + 2);
}

static void a_completion_may_queue_the_next_write(int result, void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(result, 0);
	if (++f->heard < 5)
		assert_int_equal(put(f, "again",
				     a_completion_may_queue_the_next_write, f),
				 0);
}

static void completions_may_write(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		put(f, "again", a_completion_may_queue_the_next_write, f), 0);
	fixture_wait(f, 5);
}

/* sqlite3(1) in another process, closed as if it were the last that has the
 * file open: then SQLite deletes the journal. It is forked before we open it,
 * as SQLite would take our locks for its own. */
static void who_looks_into_the_file_takes_no_journal_away(void **state)
{
	struct fixture *f = *state;
	char journal[160], go;
	int pipes[2], status;

	snprintf(journal, sizeof(journal), "%s-wal", f->path);
	f->db = db_close(f->db);
	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (read(pipes[0], &go, 1) == 1)
			execute(f->path, "SELECT count(*) FROM session");
		_exit(0);
	}
	fixture_open(f);
	assert_int_equal(put(f, "a", fixture_done, f), 0);
	fixture_wait(f, 1);
	assert_int_equal(write(pipes[1], "g", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(access(journal, F_OK), 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void who_is_forgotten_is_not_called(void **state)
{
	struct fixture *f = *state;
	unsigned other = 0;

	assert_int_equal(put(f, "a", fixture_done, &other), 0);
	db_forget(f->db, &other);
	assert_int_equal(put(f, "b", fixture_done, f), 0);
	fixture_wait(f, 1);
	assert_int_equal(other, 0);
	assert_int_equal(count_rows(f), 2);
}

static void the_queue_is_bounded(void **state)
{
	struct fixture *f = *state;
	sqlite3 *other = NULL;
	int r = 0;
	unsigned n = 0;

	/* Somebody else holds the lock for long. */
	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(other, FIXTURE_WAIT_MS),
			 SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", 0, 0, 0),
			 SQLITE_OK);
	while (!r && n <= DB_QUEUE_MAX) {
		r = put(f, "c", fixture_done, f);
		n += !r;
	}
	assert_int_equal(r, -ENOBUFS);
	assert_true(n <= DB_QUEUE_MAX);
	fixture_wait(f, 1);
	assert_int_equal(f->last, -EBUSY);
	assert_int_equal(sqlite3_exec(other, "COMMIT", 0, 0, 0), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	fixture_wait(f, n);
	/* Those behind were told as well, and all is written in the end. */
	uint64_t until = clock_ms() + FIXTURE_WAIT_MS;
	while (db_stats(f->db).waiting && clock_ms() < until)
		usleep(1000);
	assert_int_equal(count_rows(f), 1);
	assert_int_equal(put(f, "d", fixture_done, f), 0);
	fixture_wait(f, n + 1);
	assert_int_equal(f->last, 0);
}

static void a_row_that_is_refused_costs_itself_alone(void **state)
{
	struct fixture *f = *state;
	struct session_row bad = { .call = "bad", .side = 7 };
	int first = -1, second = -1;
	struct fixture a = { .heard = 0 }, b = { .heard = 0 };

	assert_int_equal(put(f, "one", fixture_done, &a), 0);
	assert_int_equal(session_put(f->db, &bad, fixture_done, f), 0);
	assert_int_equal(put(f, "two", fixture_done, &b), 0);
	fixture_wait(f, 1);
	assert_int_equal(f->last, -EINVAL);
	assert_int_equal(put(f, "three", fixture_done, f), 0);
	fixture_wait(f, 2);
	first = a.heard == 1 ? a.last : -1;
	second = b.heard == 1 ? b.last : -1;
	assert_int_equal(first, 0);
	assert_int_equal(second, 0);
	assert_int_equal(count_rows(f), 3);
}

static void fill(const char *dir)
{
	char path[160];
	static const char zeros[4096];

	snprintf(path, sizeof(path), "%s/filler", dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	setbuf(file, NULL);
	while (fwrite(zeros, sizeof(zeros), 1, file) == 1)
		;
	fclose(file);
}

/* A disk of its own where we may mount one, else SQLite's own limit. */
static void on_a_full_disk_calls_go_on_and_rows_are_written_later(void **state)
{
	struct fixture *f = *state;
	char filler[160];
	unsigned n = 0;

	f->db = db_close(f->db);
	if (mount("none", f->dir, "tmpfs", 0, "size=1m"))
		skip(); /* not allowed to here */
	fixture_open(f);
	assert_int_equal(put(f, "before", fixture_done, f), 0);
	fixture_wait(f, ++n);
	assert_int_equal(f->last, 0);
	fill(f->dir);
	for (unsigned i = 0; i < 200; i++) {
		char call[16];

		snprintf(call, sizeof(call), "full-%u", i);
		assert_int_equal(put(f, call, fixture_done, f), 0);
		n++;
	}
	fixture_wait(f, n); /* within the time of one attempt */
	assert_int_equal(f->last, -ENOSPC);
	assert_true(db_stats(f->db).errors > 0);
	assert_true(db_stats(f->db).waiting > 0);
	snprintf(filler, sizeof(filler), "%s/filler", f->dir);
	assert_int_equal(unlink(filler), 0);
	uint64_t until = clock_ms() + FIXTURE_WAIT_MS;
	while (db_stats(f->db).waiting && clock_ms() < until)
		usleep(1000);
	assert_int_equal(count_rows(f), 201);
	assert_int_equal(put(f, "after", fixture_done, f), 0);
	fixture_wait(f, n + 1);
	assert_int_equal(f->last, 0);
	f->db = db_close(f->db);
	assert_int_equal(umount(f->dir), 0);
}

static void a_disk_that_stays_full_does_not_hold_up_the_end(void **state)
{
	struct fixture *f = *state;

	f->db = db_close(f->db);
	if (mount("none", f->dir, "tmpfs", 0, "size=1m"))
		skip();
	fixture_open(f);
	fill(f->dir);
	for (unsigned i = 0; i < 200; i++) {
		char call[16];

		snprintf(call, sizeof(call), "full-%u", i);
		assert_int_equal(put(f, call, NULL, NULL), 0);
	}
	uint64_t began = clock_ms();
	f->db = db_close(f->db);
	assert_true(clock_ms() - began < DB_CLOSE_MS + 2000);
	assert_int_equal(umount(f->dir), 0);
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;
	const struct db_config config = { .path = f->path };
	char version[48];

	assert_int_equal(put(f, "kept", NULL, NULL), 0);
	f->db = db_close(f->db);
	execute(f->path, "PRAGMA user_version = 4711");
	assert_int_equal(db_open(&f->db, &config, f->base), DB_E_NEWER);
	assert_null(f->db);
	snprintf(version, sizeof(version), "PRAGMA user_version = %d",
		 schema_version());
	execute(f->path, version);
	fixture_open(f);
	assert_int_equal(count_rows(f), 1);
	assert_int_equal(fixture_count_files(f, "*corrupt*"), 0);
}

static void one_process_at_a_time(void **state)
{
	struct fixture *f = *state;
	const struct db_config config = { .path = f->path };
	struct db *second = NULL;

	assert_int_equal(db_open(&second, &config, f->base), DB_E_LOCKED);
	assert_null(second);
	fixture_reopen(f);
}

static void a_missing_directory_is_made_and_a_missing_path_told(void **state)
{
	struct fixture *f = *state;
	struct db *db = NULL;
	char path[160];
	struct db_config config = { .path = path };

	snprintf(path, sizeof(path), "%s/new/t.db", f->dir);
	assert_int_equal(db_open(&db, &config, f->base), 0);
	db = db_close(db);
	snprintf(path, sizeof(path), "%s/no/such/t.db", f->dir);
	assert_int_equal(db_open(&db, &config, f->base), -ENOENT);
	snprintf(path, sizeof(path), "%s/new", f->dir);
	assert_true(db_open(&db, &config, f->base) < 0);
}

struct found {
	struct fixture *f;
	size_t n;
	char first[32], caller_codec[16];
	uint64_t lost;
};

static void on_records(int result, const struct cdr *rows, size_t n, void *arg)
{
	struct found *found = arg;

	found->f->heard++;
	assert_int_equal(result, 0);
	found->n = n;
	snprintf(found->first, sizeof(found->first), "%s",
		 n ? rows[0].call : "");
	snprintf(found->caller_codec, sizeof(found->caller_codec), "%s",
		 n ? rows[0].caller_media.codec : "");
	found->lost = n ? rows[0].callee_media.lost : 0;
}

static void records_are_found_by_what_is_asked(void **state)
{
	struct fixture *f = *state;
	struct found found = { .f = f };
	static const struct {
		struct cdr_filter filter;
		size_t n;
		const char *first;
	} rows[] = {
		{ { .limit = 0 }, CDR_FIND_MAX, "call-1199" },
		{ { .limit = 3 }, 3, "call-1199" },
		{ { .call = "call-7" }, 1, "call-7" },
		{ { .account = "odd@x", .limit = 5 }, 5, "call-1199" },
		{ { .account = "even@x", .until_ms = 1010 }, 5, "call-8" },
		{ { .party = "+42" }, 1, "call-42" },
		{ { .trunk = "t", .since_ms = 1000 + 1198 }, 2, "call-1199" },
		{ { .trunk = "none" }, 0, "" },
		{ { .call = "'; DROP TABLE cdr; --" }, 0, "" },
	};

	for (unsigned i = 0; i < 1200; i++) {
		char call[16], callee[16];
		const struct cdr cdr = {
			.call = call,
			.callee = callee,
			.caller = "a@b",
			.direction = CDR_OUTBOUND,
			.account = i % 2 ? "odd@x" : "even@x",
			.trunk = "t",
			.started_ms = 1000 + i,
			.cause = "normal",
			.sip_status = 200,
			.q850 = 16,
			.caller_media = { .codec = "PCMU/8000" },
			.callee_media = { .lost = UINT64_C(1) << 40 },
		};

		snprintf(call, sizeof(call), "call-%u", i);
		snprintf(callee, sizeof(callee), "+%u", i);
		assert_int_equal(cdr_put(f->db, &cdr, NULL, NULL), 0);
	}
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			cdr_find(f->db, &rows[i].filter, on_records, &found),
			0);
		fixture_wait(f, i + 1);
		assert_int_equal(found.n, rows[i].n);
		assert_string_equal(found.first, rows[i].first);
		if (found.n) {
			assert_string_equal(found.caller_codec, "PCMU/8000");
			assert_true(found.lost == UINT64_C(1) << 40);
		}
	}
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(ten_thousand_writes_complete_in_order),
		TEST(what_a_turn_queues_is_one_transaction),
		TEST(completions_may_write),
		TEST(who_looks_into_the_file_takes_no_journal_away),
		TEST(who_is_forgotten_is_not_called),
		TEST(the_queue_is_bounded),
		TEST(a_row_that_is_refused_costs_itself_alone),
		TEST(on_a_full_disk_calls_go_on_and_rows_are_written_later),
		TEST(a_disk_that_stays_full_does_not_hold_up_the_end),
		TEST(a_newer_schema_is_refused_and_left_alone),
		TEST(one_process_at_a_time),
		TEST(a_missing_directory_is_made_and_a_missing_path_told),
		TEST(records_are_found_by_what_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
