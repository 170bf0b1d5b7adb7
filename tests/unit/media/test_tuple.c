/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/tuple.h"

#include <stdlib.h>

#include "tests/test.h"

static struct addr at(const char *ip, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, slice_of(ip), port), 0);
	return a;
}

static struct flow *flow_at(uintptr_t n)
{
	return (struct flow *)n; /* the table never looks inside */
}

static struct tuple_table *table_new(void)
{
	struct tuple_table *table = calloc(1, sizeof(*table));

	assert_non_null(table);
	tuple_table_init(table);
	return table;
}

static void both_addresses_count(void **state)
{
	(void)state;
	struct tuple_table *table = table_new();
	struct addr local = at("192.0.2.1", 10000),
		    other = at("192.0.2.2", 10000);
	struct addr remote = at("2001:db8::1", 5), near = at("2001:db8::1", 6);
	struct tuple tuple = { .flow = NULL };

	tuple_insert(table, &tuple, flow_at(1), &local, &remote, 7);
	assert_ptr_equal(tuple_find(table, &local, &remote), &tuple);
	assert_null(tuple_find(table, &other, &remote));
	assert_null(tuple_find(table, &local, &near));
	assert_null(tuple_find(table, &remote, &local));
	tuple_remove(table, &tuple);
	assert_null(tuple_find(table, &local, &remote));
	tuple_remove(table, &tuple); /* again: nothing */
	free(table);
}

static void more_tuples_than_buckets_are_found_and_removed(void **state)
{
	(void)state;
	enum { N = 3 * TUPLE_BUCKETS };
	struct tuple_table *table = table_new();
	struct tuple *tuples = calloc(N, sizeof(*tuples));
	struct addr local = at("192.0.2.1", 10000);

	assert_non_null(tuples);
	for (uintptr_t i = 0; i < N; i++) {
		struct addr remote = at("203.0.113.1", (uint16_t)(i + 1));
		tuple_insert(table, &tuples[i], flow_at(i + 1), &local, &remote,
			     0);
	}
	for (uintptr_t i = 0; i < N; i += 2)
		tuple_remove(table, &tuples[i]);
	for (uintptr_t i = 0; i < N; i++) {
		struct addr remote = at("203.0.113.1", (uint16_t)(i + 1));
		struct tuple *t = tuple_find(table, &local, &remote);

		assert_ptr_equal(t, i % 2 ? &tuples[i] : NULL);
		if (t)
			assert_ptr_equal(t->flow, flow_at(i + 1));
	}
	free(tuples);
	free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_addresses_count),
		cmocka_unit_test(
			more_tuples_than_buckets_are_found_and_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
