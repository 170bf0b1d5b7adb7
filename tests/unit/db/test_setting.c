/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/setting.h"

#include "db/audit_row.h"
#include "tests/unit/db/fixture.h"

static struct setting_store *load(struct fixture *f)
{
	struct setting_store *store = NULL;

	assert_int_equal(setting_store_new(&store, f->db), 0);
	return store;
}

static void put(struct setting_store *store, enum setting_kind kind,
		const char *subject, const char *name, const char *value)
{
	const struct setting setting = { kind, subject, name, value };

	assert_int_equal(setting_put(store, &setting), 0);
}

static const char *of_alice(const struct setting_store *store, const char *name)
{
	return setting_get(store, SETTING_ACCOUNT, "alice@x", name);
}

static void settings_come_back_as_they_were_put(void **state)
{
	struct fixture *f = *state;
	struct setting_store *store = load(f);

	assert_string_equal(of_alice(store, "quiet"), "");
	put(store, SETTING_ACCOUNT, "alice@x", "quiet", "on");
	put(store, SETTING_ACCOUNT, "alice@x", "withhold", "yes");
	put(store, SETTING_TRUNK, "alice@x", "quiet", "trunk's");
	put(store, SETTING_ACCOUNT, "alice@x", "quiet", "off");
	setting_store_free(store);
	fixture_reopen(f);
	store = load(f);
	assert_string_equal(of_alice(store, "quiet"), "off");
	assert_string_equal(of_alice(store, "withhold"), "yes");
	put(store, SETTING_ACCOUNT, "alice@x", "quiet", "");
	assert_string_equal(of_alice(store, "quiet"), "");
	assert_int_equal(setting_drop(store, SETTING_ACCOUNT, "alice@x"), 0);
	setting_store_free(store);
	fixture_reopen(f);
	store = load(f);
	assert_string_equal(of_alice(store, "withhold"), "");
	assert_string_equal(
		setting_get(store, SETTING_TRUNK, "alice@x", "quiet"),
		"trunk's");
	setting_store_free(store);
}

/* They stand beside those of others, whose names begin with theirs too. */
static void what_one_has_is_copied_and_goes_alone(void **state)
{
	struct setting_store *store = load(*state);

	put(store, SETTING_ACCOUNT, "alice@", "a", "none of hers");
	put(store, SETTING_ACCOUNT, "alice@x", "a", "1");
	put(store, SETTING_ACCOUNT, "alice@x", "z", "2");
	put(store, SETTING_ACCOUNT, "alice@xy", "a", "another's");
	put(store, SETTING_TRUNK, "alice@x", "a", "trunk's");
	assert_int_equal(
		setting_copy(store, SETTING_ACCOUNT, "alice@x", "bob@x"), 0);
	setting_forget(store, SETTING_ACCOUNT, "alice@x");
	setting_forget(store, SETTING_ACCOUNT, "nobody@x");
	assert_string_equal(of_alice(store, "a"), "");
	assert_string_equal(of_alice(store, "z"), "");
	assert_string_equal(setting_get(store, SETTING_ACCOUNT, "bob@x", "a"),
			    "1");
	assert_string_equal(setting_get(store, SETTING_ACCOUNT, "bob@x", "z"),
			    "2");
	assert_string_equal(
		setting_get(store, SETTING_ACCOUNT, "alice@xy", "a"),
		"another's");
	assert_string_equal(setting_get(store, SETTING_ACCOUNT, "alice@", "a"),
			    "none of hers");
	assert_string_equal(setting_get(store, SETTING_TRUNK, "alice@x", "a"),
			    "trunk's");
	setting_store_free(store);
}

static void without_a_store_nothing_is_set(void **state)
{
	(void)state;
	assert_string_equal(of_alice(NULL, "quiet"), "");
}

static void on_row(const void *data, void *arg)
{
	const struct audit_row *row = data;
	unsigned *n = arg;
	const char *const expected[] = { "second", "first" };

	assert_true(*n < 2);
	assert_string_equal(row->object, expected[*n]);
	assert_string_equal(row->before, "");
	(*n)++;
}

static void changes_are_read_newest_first(void **state)
{
	struct fixture *f = *state;
	const struct audit_row one = { .id = 1, .who = "a", .object = "first" };
	const struct audit_row two = { .id = 2,
				       .who = "a",
				       .object = "second" };
	const struct audit_filter all = { .who = "", .what = "", .limit = 10 };
	unsigned n = 0;

	assert_int_equal(audit_row_put(f->db, &one, NULL, NULL), 0);
	assert_int_equal(audit_row_put(f->db, &two, NULL, NULL), 0);
	fixture_reopen(f);
	assert_int_equal(audit_row_find(f->db, &all, on_row, &n), 0);
	assert_int_equal(n, 2);
}

static void count_row(const void *data, void *arg)
{
	(void)data;
	++*(unsigned *)arg;
}

static unsigned found(struct fixture *f, const char *who, const char *what,
		      unsigned limit)
{
	const struct audit_filter filter = { who, what, limit };
	unsigned n = 0;

	assert_int_equal(audit_row_find(f->db, &filter, count_row, &n), 0);
	return n;
}

static void changes_are_found_by_what_they_say_and_go_when_they_are_old(
	void **state)
{
	struct fixture *f = *state;
	const struct audit_row rows[] = {
		{ .id = 1, .who = "ann@x", .node = "block", .object = "all" },
		{ .id = 2, .who = "ann@x", .node = "a", .before = "+1555" },
		{ .id = 3, .who = "bob@x", .node = "b", .after = "+15557" },
		{ .id = 4, .who = "bob@x", .node = "c", .object = "+49" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(audit_row_put(f->db, &rows[i], NULL, NULL), 0);
	fixture_reopen(f);
	assert_int_equal(found(f, "", "", 10), 4);
	assert_int_equal(found(f, "", "", 3), 3);
	assert_int_equal(found(f, "bob", "", 10), 2);
	assert_int_equal(found(f, "", "+1555", 10), 2);
	assert_int_equal(found(f, "ann", "+1555", 10), 1);
	assert_int_equal(found(f, "", "block", 10), 1);
	assert_int_equal(found(f, "'", "%", 10), 0);
	assert_int_equal(audit_row_expire(f->db, 3), 0);
	fixture_reopen(f);
	assert_int_equal(found(f, "", "", 10), 2);
	assert_int_equal(found(f, "ann", "", 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			settings_come_back_as_they_were_put, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			what_one_has_is_copied_and_goes_alone, fixture_setup,
			fixture_teardown),
		cmocka_unit_test(without_a_store_nothing_is_set),
		cmocka_unit_test_setup_teardown(
			changes_are_found_by_what_they_say_and_go_when_they_are_old,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(changes_are_read_newest_first,
						fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
