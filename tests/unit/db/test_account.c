/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/account.h"

#include <sqlite3.h>

#include "db/contact.h"
#include "db/quota.h"
#include "db/row.h"
#include "db/setting.h"
#include "db/text_row.h"
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

static void a_component_carries_a_number_s_texts(void **state)
{
	struct fixture *f = *state;
	struct account_store *store = load(f);

	assert_int_equal(account_set_texts(store, "+1555", "sgx.example.org"),
			 ACCOUNT_E_NOT_FOUND);
	assert_int_equal(account_own(store, "+1555", "carrier", "z@x"), 0);
	assert_string_equal(account_find_number(store, "+1555")->texts, "");
	assert_int_equal(account_set_texts(store, "+1555", "sgx.example.org"),
			 0);
	/* another owner, another trunk: it stays */
	assert_int_equal(account_own(store, "+1555", "pbx", "a@x"), 0);
	store = restart(f, store);
	assert_string_equal(account_find_number(store, "+1555")->texts,
			    "sgx.example.org");
	assert_ptr_equal(account_first_carried(store, "sgx.example.org"),
			 account_find_number(store, "+1555"));
	assert_null(account_first_carried(store, "sgx.example"));
	assert_int_equal(account_set_texts(store, "+1555", ""), 0);
	assert_null(account_first_carried(store, "sgx.example.org"));
	store = restart(f, store);
	assert_string_equal(account_find_number(store, "+1555")->texts, "");
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

static int rows(struct fixture *f, const char *query)
{
	sqlite3 *other;
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(other, query, -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	return n;
}

/* Of @jid something in each table that knows accounts. */
static void put_all_of(struct fixture *f, const char *jid)
{
	const struct quota_row quota = {
		.kind = QUOTA_ACCOUNT, .name = jid, .allow = "", .deny = ""
	};
	const struct usage_row usage = { .kind = QUOTA_ACCOUNT, .name = jid };
	const struct block_row block = { .account = jid, .party = "+1" };
	const struct contact contact = { .account = jid,
					 .local = "+1",
					 .name = "" };
	const struct setting setting = { .kind = SETTING_ACCOUNT,
					 .subject = jid,
					 .name = "quiet",
					 .value = "on" };
	AUTO(setting_store_freep) struct setting_store *settings = NULL;
	AUTO(contact_store_freep) struct contact_store *contacts = NULL;

	assert_int_equal(setting_store_new(&settings, f->db), 0);
	assert_int_equal(contact_store_new(&contacts, f->db), 0);
	assert_int_equal(quota_put(f->db, &quota, NULL, NULL), 0);
	assert_int_equal(usage_put(f->db, &usage, NULL, NULL), 0);
	assert_int_equal(block_row_put(f->db, &block, NULL, NULL), 0);
	assert_int_equal(contact_put(contacts, &contact), 0);
	assert_int_equal(setting_put(settings, &setting), 0);
}

static void all_of_an_account_goes_and_nothing_of_another(void **state)
{
	static const char all[] =
		"SELECT (SELECT count(*) FROM account) * 1000000 + "
		"(SELECT count(*) FROM number) * 100000 + "
		"(SELECT count(*) FROM owner) * 10000 + "
		"(SELECT count(*) FROM quota) * 1000 + "
		"(SELECT count(*) FROM usage) * 100 + "
		"(SELECT count(*) FROM block) * 10 + "
		"(SELECT count(*) FROM contact WHERE account <> 'gone@x') + "
		"(SELECT count(*) FROM setting WHERE subject = 'gone@x')";
	struct fixture *f = *state;
	struct account_store *store = load(f);

	assert_int_equal(account_own(store, "+10", "t", "gone@x"), 0);
	assert_int_equal(account_own(store, "+11", "t", "gone@x"), 0);
	assert_int_equal(account_own(store, "+11", "t", "stays@x"), 0);
	put_all_of(f, "gone@x");
	put_all_of(f, "stays@x");
	assert_int_equal(account_drop(store, "gone@x"), 0);
	assert_null(account_find_number(store, "+10"));
	store = restart(f, store);
	assert_int_equal(rows(f, all), 1111111);
	assert_null(account_find(store, "gone@x"));
	assert_non_null(account_find(store, "stays@x"));
	assert_int_equal(account_find_number(store, "+11")->nowners, 1);
	account_store_free(store);
}

static void all_of_an_account_gets_another_name(void **state)
{
	static const char moved[] =
		"SELECT (SELECT count(*) FROM account WHERE jid = 'new@x') * "
		"1000000 + "
		"(SELECT count(*) FROM owner WHERE jid = 'new@x') * 100000 + "
		"(SELECT count(*) FROM quota WHERE name = 'new@x') * 10000 + "
		"(SELECT count(*) FROM usage WHERE name = 'new@x') * 1000 + "
		"(SELECT count(*) FROM block WHERE account = 'new@x') * 100 + "
		"(SELECT count(*) FROM contact WHERE account = 'new@x') * 10 + "
		"(SELECT count(*) FROM setting WHERE subject = 'new@x')";
	static const char old[] =
		"SELECT (SELECT count(*) FROM account WHERE jid = 'old@x') + "
		"(SELECT count(*) FROM owner WHERE jid = 'old@x') + "
		"(SELECT count(*) FROM quota WHERE name = 'old@x') + "
		"(SELECT count(*) FROM usage WHERE name = 'old@x') + "
		"(SELECT count(*) FROM block WHERE account = 'old@x') + "
		"(SELECT count(*) FROM contact WHERE account = 'old@x') + "
		"(SELECT count(*) FROM setting WHERE subject = 'old@x')";
	struct fixture *f = *state;
	struct account_store *store = load(f);

	assert_int_equal(account_move(store, "old@x", "new@x"),
			 ACCOUNT_E_NOT_FOUND);
	assert_int_equal(account_own(store, "+10", "t", "old@x"), 0);
	assert_int_equal(account_own(store, "+11", "t", "old@x"), 0);
	assert_int_equal(account_own(store, "+11", "t", "stays@x"), 0);
	put_all_of(f, "old@x");
	put_all_of(f, "stays@x");
	assert_int_equal(account_move(store, "old@x", "new@x"), 0);
	for (int again = 0; again < 2; again++) {
		const struct account_number *n =
			account_find_number(store, "+11");

		assert_null(account_find(store, "old@x"));
		assert_non_null(account_find(store, "new@x"));
		assert_int_equal(owned_by(store, "old@x"), 0);
		assert_int_equal(owned_by(store, "new@x"), 2);
		assert_int_equal(n->nowners, 2);
		assert_string_equal(n->owners[0], "new@x");
		assert_string_equal(n->owners[1], "stays@x");
		store = restart(f, store);
	}
	assert_int_equal(rows(f, moved), 1211111);
	assert_int_equal(rows(f, old), 0);
	account_store_free(store);
}

static void several_statements_are_done_together_or_not_at_all(void **state)
{
	static const char *const sqls[] = {
		"INSERT INTO account (jid, enabled, calls, created_ms) "
		"VALUES (?1, 1, 0, 0)",
		"INSERT INTO account (jid, enabled, calls, created_ms) "
		"VALUES ('b@x', ?2, NULL, 0)",
		NULL,
	};
	const struct row_param params[] = { { .text = "a@x" },
					    { .number = 1 } };
	struct fixture *f = *state;
	struct account_store *store = load(f);

	assert_int_equal(
		row_execute_all(f->db, sqls, params, 2, fixture_done, f), 0);
	assert_int_equal(account_own(store, "+1", "t", "c@x"), 0);
	fixture_wait(f, 1);
	assert_true(f->last < 0);
	store = restart(f, store);
	assert_null(account_find(store, "a@x"));
	assert_non_null(account_find(store, "c@x"));
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
		TEST(a_component_carries_a_number_s_texts),
		TEST(all_of_an_account_goes_and_nothing_of_another),
		TEST(all_of_an_account_gets_another_name),
		TEST(several_statements_are_done_together_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
