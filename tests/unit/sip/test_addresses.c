/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/addresses.h"

#include <stdio.h>

#include "tests/fail_alloc.h"
#include "tests/test.h"

enum { MAX = 4, MANY = 1000 };

/* What a user of the table remembers. */
struct guest {
	struct sip_address address; /* first */
	unsigned visits;
};

static struct addr at(const char *ip, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, slice_of(ip), port), 0);
	return a;
}

/* 198.51.100.0 and on, each of another network's. */
static struct addr nth(unsigned i)
{
	char ip[32];

	snprintf(ip, sizeof(ip), "198.51.%u.%u", 100 + i / 256, i % 256);
	return at(ip, 5060);
}

static int set_up(void **state)
{
	return sip_addresses_new((struct sip_addresses **)state, MAX,
				 sizeof(struct guest));
}

static int tear_down(void **state)
{
	*state = sip_addresses_free(*state);
	return 0;
}

static struct guest *hear(struct sip_addresses *a, unsigned i)
{
	const struct addr addr = nth(i);

	return sip_addresses_hear(a, &addr);
}

static struct guest *find(struct sip_addresses *a, unsigned i)
{
	const struct addr addr = nth(i);

	return sip_addresses_find(a, &addr);
}

static void who_was_not_heard_is_not_known(void **state)
{
	assert_null(find(*state, 0));
	assert_non_null(hear(*state, 0));
	assert_null(find(*state, 1));
}

static void one_address_is_one_whatever_its_port(void **state)
{
	static const char *const ips[] = { "192.0.2.1", "2001:db8::1" };

	for (size_t i = 0; i < sizeof(ips) / sizeof(*ips); i++) {
		const struct addr a = at(ips[i], 5060), b = at(ips[i], 6070);
		struct guest *guest = sip_addresses_hear(*state, &a);

		assert_int_equal(guest->visits, 0);
		guest->visits++;
		assert_ptr_equal(sip_addresses_hear(*state, &b), guest);
		assert_ptr_equal(sip_addresses_find(*state, &b), guest);
		assert_int_equal(addr_port(&guest->address.ip), 0);
	}
}

static void the_longest_silent_gives_way(void **state)
{
	for (unsigned i = 0; i < MAX; i++)
		hear(*state, i)->visits = 1 + i;
	hear(*state, 0);
	assert_int_equal(hear(*state, MAX)->visits, 0);
	assert_null(find(*state, 1));
	assert_int_equal(find(*state, 0)->visits, 1);
	for (unsigned i = 2; i < MAX; i++)
		assert_int_equal(find(*state, i)->visits, 1 + i);
}

/* To look at one is not to hear it. */
static void who_is_only_looked_at_gives_way_too(void **state)
{
	for (unsigned i = 0; i < MAX; i++)
		hear(*state, i);
	assert_non_null(find(*state, 0));
	hear(*state, MAX);
	assert_null(find(*state, 0));
}

static void who_is_held_does_not_give_way(void **state)
{
	struct guest *held = hear(*state, 0);

	held->visits = 7;
	sip_addresses_hold(*state, &held->address);
	sip_addresses_hold(*state, &held->address);
	for (unsigned i = 1; i < MANY; i++)
		assert_non_null(hear(*state, i));
	assert_ptr_equal(find(*state, 0), held);
	assert_ptr_equal(hear(*state, 0), held);
	assert_int_equal(held->visits, 7);

	/* From then on it is the one that was heard last. */
	sip_addresses_let_go(*state, &held->address);
	sip_addresses_let_go(*state, &held->address);
	for (unsigned i = 0; i < MAX - 1; i++)
		hear(*state, MANY + i);
	assert_ptr_equal(find(*state, 0), held);
	hear(*state, MANY + MAX);
	assert_null(find(*state, 0));
}

static void when_all_are_held_there_is_no_room(void **state)
{
	for (unsigned i = 0; i < MAX; i++)
		sip_addresses_hold(*state, &hear(*state, i)->address);
	assert_null(hear(*state, MAX));
	for (unsigned i = 0; i < MAX; i++)
		assert_non_null(hear(*state, i));
	sip_addresses_let_go(*state, &find(*state, 2)->address);
	assert_non_null(hear(*state, MAX));
	assert_null(find(*state, 2));
}

static void without_memory_there_is_no_table(void **state)
{
	struct sip_addresses *a = NULL;
	int r;

	(void)state;
	FAIL_EACH_ALLOCATION(r,
			     sip_addresses_new(&a, MAX, sizeof(struct guest)))
	a = sip_addresses_free(a);
	assert_null(sip_addresses_free(a));
}

#define ADDRESSES_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ADDRESSES_TEST(who_was_not_heard_is_not_known),
		ADDRESSES_TEST(one_address_is_one_whatever_its_port),
		ADDRESSES_TEST(the_longest_silent_gives_way),
		ADDRESSES_TEST(who_is_only_looked_at_gives_way_too),
		ADDRESSES_TEST(who_is_held_does_not_give_way),
		ADDRESSES_TEST(when_all_are_held_there_is_no_room),
		cmocka_unit_test(without_memory_there_is_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
