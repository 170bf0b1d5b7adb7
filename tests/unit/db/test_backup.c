/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Copies of the database, and files beside it, by the writer's thread. */
#include "db/backup.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "db/file.h"
#include "db/setting.h"
#include "tests/unit/db/fixture.h"

enum { MANY = 3000 };

/* How many settings the database at @path has; -1: it is none. */
static int count(const char *path)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db;
	int n = -1;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL),
			 SQLITE_OK);
	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM setting", -1, &stmt,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void fill(struct setting_store *store, int n)
{
	for (int i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(
			setting_put(
				store,
				&(struct setting){ .kind = SETTING_ACCOUNT,
						   .subject = "a@x",
						   .name = name,
						   .value = "a value of some "
							    "length, so that "
							    "pages are many" }),
			0);
	}
}

static struct setting_store *load(struct fixture *f)
{
	struct setting_store *store = NULL;

	assert_int_equal(setting_store_new(&store, f->db), 0);
	return store;
}

static void path_of(char out[static 160], const struct fixture *f)
{
	snprintf(out, 160, "%s/copy", f->dir);
}

static void a_copy_has_all_that_was_written_before_it(void **state)
{
	struct fixture *f = *state;
	struct setting_store *store = load(f);
	struct db_backup *backup;
	char path[160];
	struct stat is;

	path_of(path, f);
	fill(store, MANY);
	assert_int_equal(db_backup_new(&backup, f->db, path, fixture_done, f),
			 0);
	fixture_wait(f, 1);
	assert_int_equal(f->last, 0);
	backup = db_backup_free(backup);
	assert_int_equal(count(path), MANY);
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0600);
	assert_int_equal(db_backup_new(&backup, f->db, path, fixture_done, f),
			 -EEXIST);
	setting_store_free(store);
}

static void a_copy_that_is_given_up_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct setting_store *store = load(f);
	struct db_backup *backup;
	char path[160];

	path_of(path, f);
	fill(store, MANY);
	assert_int_equal(db_backup_new(&backup, f->db, path, fixture_done, f),
			 0);
	backup = db_backup_free(backup);
	assert_int_equal(db_file_write(f->db, "/dev/null", DB_FILE_APPEND,
				       SLICE_NONE, fixture_done, f),
			 0);
	fixture_wait(f, 1); /* behind the first of its steps */
	setting_store_free(store);
	fixture_reopen(f); /* which frees the last */
	assert_int_equal(access(path, F_OK), -1);
}

static void files_are_made_once_lengthened_and_dropped(void **state)
{
	struct fixture *f = *state;
	char path[160], text[16] = "";
	struct stat is;
	FILE *file;

	path_of(path, f);
	assert_int_equal(db_file_write(f->db, path, DB_FILE_NEW,
				       slice_of("abc"), fixture_done, f),
			 0);
	fixture_wait(f, 1);
	assert_int_equal(f->last, 0);
	assert_int_equal(db_file_write(f->db, path, DB_FILE_APPEND,
				       slice_of("de"), fixture_done, f),
			 0);
	fixture_wait(f, 2);
	assert_int_equal(f->last, 0);
	assert_int_equal(db_file_write(f->db, path, DB_FILE_NEW, slice_of("f"),
				       fixture_done, f),
			 0);
	fixture_wait(f, 3);
	assert_int_equal(f->last, -EEXIST);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text), file), 5);
	fclose(file);
	assert_string_equal(text, "abcde");
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0600);
	for (unsigned i = 4; i < 6; i++) { /* one that has gone is no error */
		assert_int_equal(db_file_write(f->db, path, DB_FILE_DROP,
					       SLICE_NONE, fixture_done, f),
				 0);
		fixture_wait(f, i);
		assert_int_equal(f->last, 0);
	}
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(db_file_write(f->db, "/nowhere/x", DB_FILE_NEW,
				       slice_of("f"), fixture_done, f),
			 0);
	fixture_wait(f, 6);
	assert_int_equal(f->last, -ENOENT);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_copy_has_all_that_was_written_before_it),
		TEST(a_copy_that_is_given_up_leaves_nothing),
		TEST(files_are_made_once_lengthened_and_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
