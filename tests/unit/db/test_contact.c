/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/contact.h"

#include "tests/unit/db/fixture.h"

static struct contact_store *load(struct fixture *f)
{
	struct contact_store *store = NULL;

	assert_int_equal(contact_store_new(&store, f->db), 0);
	return store;
}

static struct contact_store *restart(struct fixture *f,
				     struct contact_store *store)
{
	contact_store_free(store);
	fixture_reopen(f);
	return load(f);
}

static void put(struct contact_store *store, const char *account,
		const char *local, const char *name, bool subscribed,
		int64_t seen_ms)
{
	const struct contact contact = { account,    local,   name,
					 subscribed, seen_ms, "+1777" };

	assert_int_equal(contact_put(store, &contact), 0);
}

static void contacts_come_back_as_they_were_put(void **state)
{
	struct fixture *f = *state;
	struct contact_store *store = load(f);

	assert_null(contact_find(store, "a@x", "+1555"));
	put(store, "a@x", "+1555", "", true, 1);
	put(store, "a@x", "+1555", "Bob \xc3\xa9", true, 1234567890123);
	put(store, "a@x", "", "", true, 2);
	for (int i = 0; i < 2; i++) {
		const struct contact *c = contact_find(store, "a@x", "+1555");

		assert_non_null(c);
		assert_string_equal(c->name, "Bob \xc3\xa9");
		assert_true(c->subscribed);
		assert_true(c->seen_ms == 1234567890123);
		assert_string_equal(c->number, "+1777");
		assert_non_null(contact_find(store, "a@x", ""));
		assert_null(contact_find(store, "b@x", "+1555"));
		store = restart(f, store);
	}
	assert_int_equal(contact_drop(store, "a@x", "+1555"), 0);
	assert_int_equal(contact_drop(store, "a@x", "+1555"), 0);
	assert_null(contact_find(store, "a@x", "+1555"));
	store = restart(f, store);
	assert_null(contact_find(store, "a@x", "+1555"));
	contact_store_free(store);
}

static void count(const struct contact *contact, void *arg)
{
	size_t *n = arg;

	assert_non_null(contact->account);
	(*n)++;
}

static void each_is_told_in_order_and_one_behind_another(void **state)
{
	struct fixture *f = *state;
	struct contact_store *store = load(f);
	size_t n = 0;

	assert_null(contact_after(store, "", ""));
	put(store, "b@x", "+1", "", true, 1);
	put(store, "a@x", "+2", "", true, 1);
	put(store, "a@x", "+1", "", true, 1);
	contact_each(store, count, &n);
	assert_int_equal(n, 3);
	const struct contact *c = contact_after(store, "", "");
	assert_string_equal(c->local, "+1");
	c = contact_after(store, "a@x", "+1");
	assert_string_equal(c->local, "+2");
	c = contact_after(store, "a@x", "+2");
	assert_string_equal(c->account, "b@x");
	assert_null(contact_after(store, "b@x", "+1"));
	/* also behind one that has gone */
	assert_int_equal(contact_drop(store, "a@x", "+1"), 0);
	c = contact_after(store, "a@x", "+1");
	assert_string_equal(c->local, "+2");
	contact_store_free(store);
}

static void fill(struct contact_store *store, bool subscribed)
{
	for (int i = 0; i < CONTACT_MAX; i++) {
		char local[24];

		snprintf(local, sizeof(local), "+1555%04d", i);
		put(store, "a@x", local, "n", subscribed, 1000 + i);
	}
}

static void the_oldest_name_gives_way_of_too_many(void **state)
{
	struct fixture *f = *state;
	struct contact_store *store = load(f);
	size_t n = 0;

	fill(store, false);
	put(store, "a@x", "+15550000", "n", true, 1); /* now subscribed */
	put(store, "b@x", "+1", "n", false, 1);
	put(store, "a@x", "+1999", "n", false, 5000);
	contact_each(store, count, &n);
	assert_int_equal(n, CONTACT_MAX + 1);
	assert_non_null(contact_find(store, "a@x", "+15550000"));
	assert_null(contact_find(store, "a@x", "+15550001"));
	assert_non_null(contact_find(store, "a@x", "+1999"));
	assert_non_null(contact_find(store, "b@x", "+1"));
	contact_store_free(store);
}

static void no_subscription_gives_way(void **state)
{
	struct fixture *f = *state;
	struct contact_store *store = load(f);
	const struct contact more = { "a@x", "+1999", "", true, 1, "" };

	fill(store, true);
	assert_int_equal(contact_put(store, &more), -E2BIG);
	assert_null(contact_find(store, "a@x", "+1999"));
	put(store, "a@x", "+15550000", "changed", true, 1);
	assert_string_equal(contact_find(store, "a@x", "+15550000")->name,
			    "changed");
	contact_store_free(store);
}

#define CONTACT_TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTACT_TEST(contacts_come_back_as_they_were_put),
		CONTACT_TEST(each_is_told_in_order_and_one_behind_another),
		CONTACT_TEST(the_oldest_name_gives_way_of_too_many),
		CONTACT_TEST(no_subscription_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
