/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/trunk_row.h"

#include <sqlite3.h>

#include "tests/unit/db/fixture.h"

static const struct trunk_row row = { .name = "carrier",
				      .proxy = "sip:h;transport=tcp",
				      .password = { 3, "abc" },
				      .registers = true,
				      .more = "srtp = require\n"
					      "expires_s = 600" };

static void on_trunk(const void *data, void *arg)
{
	const struct trunk_row *read = data;
	assert_string_equal(read->name, row.name);
	assert_string_equal(read->proxy, row.proxy);
	assert_int_equal(read->password.n, row.password.n);
	assert_memory_equal(read->password.octets, row.password.octets,
			    row.password.n);
	assert_true(read->registers);
	assert_string_equal(read->more, row.more);
	++*(unsigned *)arg;
}

static void put_trunk(struct fixture *f)
{
	assert_int_equal(trunk_row_put(f->db, &row, fixture_done, f), 0);
	fixture_wait(f, 1);
}

static void trunks_come_back_with_their_passwords(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	put_trunk(f);
	fixture_reopen(f);
	assert_int_equal(trunk_row_load_all(f->db, on_trunk, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(trunk_row_drop(f->db, "carrier", fixture_done, f), 0);
	fixture_wait(f, 2);
	assert_int_equal(trunk_row_load_all(f->db, on_trunk, &n), 0);
	assert_int_equal(n, 1);
}

static void text_of(sqlite3_stmt *stmt, int at, char out[static 256])
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);

	snprintf(out, 256, "%s", text ? text : "");
}

/* The further keys of the trunk, as they stand in the file. */
static void look_at_more(const char *path, char plain[static 256],
			 char sealed[static 256])
{
	sqlite3_stmt *stmt;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT more, more_sealed FROM "
					    "trunk",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	text_of(stmt, 0, plain);
	text_of(stmt, 1, sealed);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static void set_more(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(db, FIXTURE_WAIT_MS), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void further_keys_of_trunks_are_sealed_those_of_before_too(void **state)
{
	struct fixture *f = *state;
	char plain[256], sealed[256];
	unsigned n = 0;

	put_trunk(f);
	look_at_more(f->path, plain, sealed);
	assert_string_equal(plain, "");
	assert_true(*sealed && !strstr(sealed, "require"));
	set_more(f->path, "UPDATE trunk SET more_sealed = '', more = 'srtp = "
			  "require' || char(10) || 'expires_s = 600'");
	assert_int_equal(trunk_row_load_all(f->db, on_trunk, &n), 0);
	assert_int_equal(n, 1);
	fixture_reopen(f);
	look_at_more(f->path, plain, sealed);
	assert_string_equal(plain, "");
	assert_true(*sealed && !strstr(sealed, "require"));
	set_more(f->path, "UPDATE trunk SET more_sealed = 'AAAA'");
	assert_int_equal(trunk_row_load_all(f->db, on_trunk, &n), 0);
	assert_int_equal(n, 1); /* which is in the log */
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(trunks_come_back_with_their_passwords),
		TEST(further_keys_of_trunks_are_sealed_those_of_before_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
