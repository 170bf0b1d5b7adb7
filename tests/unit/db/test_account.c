/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/account.h"

#include <sqlite3.h>

#include "db/trunk_row.h"
#include "tests/unit/db/fixture.h"

static struct account_store *load(struct fixture *f)
{
	struct account_store *store = NULL;

	assert_int_equal(account_store_new(&store, f->db), 0);
	return store;
}

static struct account_store *restart(struct fixture *f,
				     struct account_store *store)
{
	account_store_free(store);
	fixture_reopen(f);
	return load(f);
}

static void accounts_come_back_as_they_were_put(void **state)
{
	struct fixture *f = *state;
	struct account_store *store = load(f);
	const struct account alice = { .jid = "alice@example.org",
				       .enabled = true,
				       .calls = 3,
				       .created_ms = 1234567890123 };
	struct account changed = alice;

	assert_null(account_find(store, alice.jid));
	assert_int_equal(account_put(store, &alice), 0);
	assert_int_equal(account_find(store, alice.jid)->calls, 3);
	store = restart(f, store);
	const struct account *found = account_find(store, alice.jid);
	assert_non_null(found);
	assert_true(found->enabled);
	assert_true(found->created_ms == alice.created_ms);
	changed.enabled = false;
	assert_int_equal(account_put(store, &changed), 0);
	assert_false(account_find(store, alice.jid)->enabled);
	store = restart(f, store);
	assert_false(account_find(store, alice.jid)->enabled);
	assert_int_equal(account_drop(store, alice.jid), 0);
	assert_int_equal(account_drop(store, alice.jid), ACCOUNT_E_NOT_FOUND);
	store = restart(f, store);
	assert_null(account_find(store, alice.jid));
	account_store_free(store);
}

static void a_number_has_its_owners_in_the_order_they_came(void **state)
{
	struct fixture *f = *state;
	struct account_store *store = load(f);

	assert_int_equal(account_own(store, "+1555", "carrier", "z@x"), 0);
	assert_int_equal(account_own(store, "+1555", "carrier", "a@x"), 0);
	assert_int_equal(account_own(store, "+1555", "carrier", "z@x"), 0);
	for (int i = 0; i < 2; i++) {
		const struct account_number *n =
			account_find_number(store, "+1555");

		assert_non_null(n);
		assert_int_equal(n->nowners, 2);
		assert_string_equal(n->owners[0], "z@x");
		assert_string_equal(n->owners[1], "a@x");
		assert_string_equal(n->trunk, "carrier");
		assert_non_null(account_find(store, "z@x"));
		store = restart(f, store);
	}
	assert_null(account_find_number(store, "+1556"));
	account_store_free(store);
}

static void a_number_goes_with_its_last_owner(void **state)
{
	struct fixture *f = *state;
	struct account_store *store = load(f);

	assert_int_equal(account_own(store, "+1", "t", "a@x"), 0);
	assert_int_equal(account_own(store, "+1", "t2", "b@x"), 0);
	assert_string_equal(account_find_number(store, "+1")->trunk, "t2");
	assert_int_equal(account_disown(store, "+1", "c@x"),
			 ACCOUNT_E_NOT_FOUND);
	assert_int_equal(account_disown(store, "+1", "a@x"), 0);
	assert_string_equal(account_find_number(store, "+1")->owners[0], "b@x");
	assert_int_equal(account_drop(store, "b@x"), 0);
	assert_null(account_find_number(store, "+1"));
	assert_int_equal(account_own(store, "+2", "t", "a@x"), 0);
	assert_int_equal(account_own(store, "+2", "t", "b@x"), 0);
	assert_int_equal(account_disown(store, "+2", NULL), 0);
	assert_int_equal(account_disown(store, "+2", NULL),
			 ACCOUNT_E_NOT_FOUND);
	store = restart(f, store);
	assert_null(account_find_number(store, "+1"));
	assert_null(account_find_number(store, "+2"));
	account_store_free(store);
}

static void owners_of_a_number_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct account_store *store = load(f);
	char jid[16];

	for (unsigned i = 0; i < ACCOUNT_MAX_OWNERS; i++) {
		snprintf(jid, sizeof(jid), "u%u@x", i);
		assert_int_equal(account_own(store, "+1", "t", jid), 0);
	}
	assert_int_equal(account_own(store, "+1", "t", "more@x"), -E2BIG);
	assert_int_equal(account_find_number(store, "+1")->nowners,
			 ACCOUNT_MAX_OWNERS);
	account_store_free(store);
}

struct list {
	char text[256];
};

static void on_number(const struct account_number *number, void *arg)
{
	struct list *list = arg;
	size_t at = strlen(list->text);

	snprintf(list->text + at, sizeof(list->text) - at, "%s ",
		 number->number);
}

static void on_account(const struct account *account, void *arg)
{
	struct list *list = arg;
	size_t at = strlen(list->text);

	snprintf(list->text + at, sizeof(list->text) - at, "%s ", account->jid);
}

static void numbers_are_listed_by_owner(void **state)
{
	struct fixture *f = *state;
	struct account_store *store = load(f);
	struct list mine = { "" }, all = { "" }, accounts = { "" };

	assert_int_equal(account_own(store, "+3", "t", "a@x"), 0);
	assert_int_equal(account_own(store, "+1", "t", "b@x"), 0);
	assert_int_equal(account_own(store, "+2", "t", "a@x"), 0);
	account_each_number(store, "a@x", on_number, &mine);
	account_each_number(store, NULL, on_number, &all);
	account_each(store, on_account, &accounts);
	assert_string_equal(mine.text, "+2 +3 ");
	assert_string_equal(all.text, "+1 +2 +3 ");
	assert_string_equal(accounts.text, "a@x b@x ");
	account_store_free(store);
}

static void on_trunk(const struct trunk_row *row, void *arg)
{
	assert_string_equal(row->name, "carrier");
	assert_string_equal(row->proxy, "sip:h;transport=tcp");
	assert_int_equal(row->password.n, 3);
	assert_memory_equal(row->password.octets, "abc", 3);
	assert_true(row->registers && row->enabled);
	assert_int_equal(row->expires_s, 600);
	++*(unsigned *)arg;
}

static void trunks_come_back_with_their_passwords(void **state)
{
	struct fixture *f = *state;
	const struct trunk_row row = { .name = "carrier",
				       .proxy = "sip:h;transport=tcp",
				       .password = { 3, "abc" },
				       .registers = true,
				       .expires_s = 600,
				       .enabled = true };
	unsigned n = 0;

	assert_int_equal(trunk_row_put(f->db, &row, fixture_done, f), 0);
	fixture_wait(f, 1);
	fixture_reopen(f);
	assert_int_equal(trunk_row_load_all(f->db, on_trunk, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(trunk_row_drop(f->db, "carrier", fixture_done, f), 0);
	fixture_wait(f, 2);
	assert_int_equal(trunk_row_load_all(f->db, on_trunk, &n), 0);
	assert_int_equal(n, 1);
}

static void policies_come_back_as_they_were_put(void **state)
{
	struct fixture *f = *state;
	struct account_store *store = load(f);
	struct account alice = { .jid = "alice@example.org",
				 .enabled = true,
				 .second_call = ACCOUNT_SECOND_FORWARD,
				 .forward = "bob@example.org",
				 .early_media = ACCOUNT_EARLY_ANSWER,
				 .chat_digits = ACCOUNT_OFF };
	const struct account *found;

	assert_int_equal(account_put(store, &alice), 0);
	store = restart(f, store);
	found = account_find(store, alice.jid);
	assert_int_equal(found->second_call, ACCOUNT_SECOND_FORWARD);
	assert_string_equal(found->forward, "bob@example.org");
	assert_int_equal(found->early_media, ACCOUNT_EARLY_ANSWER);
	assert_int_equal(found->chat_digits, ACCOUNT_OFF);
	/* Its own text given back to it. */
	alice = *found;
	alice.second_call = 0;
	assert_int_equal(account_put(store, &alice), 0);
	found = account_find(store, "alice@example.org");
	assert_string_equal(found->forward, "bob@example.org");
	assert_int_equal(found->second_call, 0);
	account_store_free(store);
}

static void a_number_rings_as_it_was_set(void **state)
{
	struct fixture *f = *state;
	struct account_store *store = load(f);

	assert_int_equal(
		account_set_ring(store, "+1555", ACCOUNT_RING_ORDER, 15),
		ACCOUNT_E_NOT_FOUND);
	assert_int_equal(account_own(store, "+1555", "carrier", "z@x"), 0);
	assert_int_equal(
		account_set_ring(store, "+1555", ACCOUNT_RING_ORDER, 15), 0);
	/* another owner, another trunk: it stays */
	assert_int_equal(account_own(store, "+1555", "pbx", "a@x"), 0);
	store = restart(f, store);
	const struct account_number *found =
		account_find_number(store, "+1555");
	assert_int_equal(found->ring, ACCOUNT_RING_ORDER);
	assert_int_equal(found->ring_s, 15);
	assert_string_equal(found->trunk, "pbx");
	account_store_free(store);
}

static void count(const struct account_number *number, void *arg)
{
	unsigned *n = arg;

	assert_true(number->nowners > 0);
	(*n)++;
}

static unsigned owned_by(const struct account_store *store, const char *owner)
{
	unsigned n = 0;

	account_each_number(store, owner, count, &n);
	return n;
}

static void numbers_of_one_are_found_among_many(void **state)
{
	enum { MANY = 300 };
	struct fixture *f = *state;
	struct account_store *store = load(f);

	for (unsigned i = 0; i < MANY; i++) {
		char number[16], owner[32];

		snprintf(number, sizeof(number), "+1%04u", i * 7919 % MANY);
		snprintf(owner, sizeof(owner), "user%u@x", i % 3);
		assert_int_equal(account_own(store, number, "carrier", owner),
				 0);
		if (i % 10 == 0)
			assert_int_equal(
				account_own(store, number, "carrier", "user@x"),
				0);
	}
	for (int again = 0; again < 2; again++) {
		assert_int_equal(owned_by(store, NULL), MANY);
		assert_int_equal(owned_by(store, "user1@x"), MANY / 3);
		assert_int_equal(owned_by(store, "user@x"), MANY / 10);
		assert_int_equal(owned_by(store, "user3@x"), 0);
		assert_int_equal(owned_by(store, "user"), 0);
		store = restart(f, store);
	}
	assert_int_equal(account_drop(store, "user1@x"), 0);
	assert_int_equal(owned_by(store, "user1@x"), 0);
	assert_int_equal(owned_by(store, "user@x"), MANY / 10);
	/* those that had a second owner are left */
	assert_int_equal(owned_by(store, NULL), MANY * 2 / 3 + MANY / 30);
	account_store_free(store);
}

static void what_the_disk_does_not_take_is_not_in_memory(void **state)
{
	struct fixture *f = *state;
	struct account_store *store = load(f);
	sqlite3 *other = NULL;
	int r = 0;

	assert_int_equal(account_own(store, "+1", "t", "a@x"), 0);
	assert_int_equal(account_own(store, "+2", "t", "b@x"), 0);
	/* Somebody else holds the lock until no more writes can wait. */
	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(other, FIXTURE_WAIT_MS),
			 SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", 0, 0, 0),
			 SQLITE_OK);
	for (unsigned n = 0; !r && n <= DB_QUEUE_MAX; n++)
		r = account_set_ring(store, "+2", ACCOUNT_RING_ALL, 20);
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(account_own(store, "+1", "t2", "b@x"), -ENOBUFS);
	assert_int_equal(account_own(store, "+3", "t", "b@x"), -ENOBUFS);
	assert_int_equal(account_find_number(store, "+1")->nowners, 1);
	assert_string_equal(account_find_number(store, "+1")->trunk, "t");
	assert_null(account_find_number(store, "+3"));
	assert_int_equal(owned_by(store, "b@x"), 1);
	assert_int_equal(sqlite3_exec(other, "COMMIT", 0, 0, 0), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	account_store_free(store);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(accounts_come_back_as_they_were_put),
		TEST(a_number_has_its_owners_in_the_order_they_came),
		TEST(a_number_goes_with_its_last_owner),
		TEST(owners_of_a_number_are_bounded),
		TEST(numbers_are_listed_by_owner),
		TEST(numbers_of_one_are_found_among_many),
		TEST(what_the_disk_does_not_take_is_not_in_memory),
		TEST(policies_come_back_as_they_were_put),
		TEST(a_number_rings_as_it_was_set),
		TEST(trunks_come_back_with_their_passwords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
