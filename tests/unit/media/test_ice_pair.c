/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/ice_pair.h"

#include "media/ice.h"
#include "tests/test.h"

static struct addr addr(const char *ip, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, slice_of(ip), port), 0);
	return a;
}

static int add(struct ice_pairs *pairs, struct ice_pair **out, uint16_t port,
	       uint32_t priority, bool proven)
{
	struct addr local = addr("192.0.2.1", 1000);
	struct addr remote = addr("192.0.2.2", port);
	struct ice_pair_parts parts = { .local = &local,
					.remote = &remote,
					.local_priority = 1000,
					.remote_priority = priority,
					.controlling = true,
					.proven = proven };

	return ice_pairs_add(pairs, out, &parts);
}

static void states_change_as_the_table_says(void **state)
{
	(void)state;
	enum {
		W = ICE_PAIR_WAITING,
		P = ICE_PAIR_IN_PROGRESS,
		S = ICE_PAIR_SUCCEEDED,
		F = ICE_PAIR_FAILED
	};
	static const uint8_t after[ICE_PAIR_NSTATES][ICE_PAIR_NEVENTS] = {
		/*        TRIGGER SEND SUCCESS FAILURE */
		[W] = { W, P, S, W },
		[P] = { W, P, S, F },
		[S] = { W, S, S, F },
		[F] = { W, F, S, F },
	};

	for (uint8_t s = 0; s < ICE_PAIR_NSTATES; s++) {
		for (uint8_t e = 0; e < ICE_PAIR_NEVENTS; e++) {
			struct ice_pair pair = { .state = s };

			ice_pair_event(&pair, (enum ice_pair_event)e);
			assert_int_equal(pair.state, after[s][e]);
		}
	}
}

static void the_checklist_is_in_order_of_priority(void **state)
{
	(void)state;
	static const uint32_t priorities[] = { 5, 900, 30, 900, 2000 };
	struct ice_pair *pair, *before = NULL;
	struct ice_pairs pairs;

	ice_pairs_init(&pairs);
	for (uint16_t i = 0; i < 5; i++)
		assert_int_equal(
			add(&pairs, &pair, 1 + i, priorities[i], false), 0);
	TAILQ_FOREACH(pair, &pairs.list, entry) {
		assert_true(!before || before->priority >= pair->priority);
		before = pair;
	}
	/* RFC 8445, 6.1.2.3: 2^32*MIN(G,D) + 2*MAX(G,D) + (G>D?1:0) */
	pair = TAILQ_FIRST(&pairs.list);
	assert_true(pair->priority == (1000ull << 32) + 2 * 2000);
	ice_pairs_sort(&pairs, false);
	pair = TAILQ_FIRST(&pairs.list);
	assert_true(pair->priority == (1000ull << 32) + 2 * 2000 + 1);
	assert_int_equal(pairs.n, 5);
	ice_pairs_flush(&pairs);
	assert_int_equal(pairs.n, 0);
}

static void triggered_checks_come_first_and_in_their_order(void **state)
{
	(void)state;
	struct ice_pair *p[4];
	struct ice_pairs pairs;

	ice_pairs_init(&pairs);
	for (uint16_t i = 0; i < 4; i++)
		assert_int_equal(add(&pairs, &p[i], 1 + i, 100u - i, false), 0);
	assert_ptr_equal(ice_pairs_next(&pairs), p[0]);
	ice_pairs_trigger(&pairs, p[3]);
	ice_pairs_trigger(&pairs, p[1]);
	ice_pairs_trigger(&pairs, p[3]); /* keeps its place */
	assert_ptr_equal(ice_pairs_next(&pairs), p[3]);
	ice_pair_event(p[3], ICE_PAIR_SEND);
	assert_ptr_equal(ice_pairs_next(&pairs), p[1]);
	ice_pair_event(p[1], ICE_PAIR_SEND);
	assert_ptr_equal(ice_pairs_next(&pairs), p[0]);
	assert_int_equal(ice_pairs_active(&pairs), 4);
	ice_pairs_flush(&pairs);
}

static void fill(struct ice_pairs *pairs, struct ice_pair **last)
{
	ice_pairs_init(pairs);
	for (uint16_t i = 0; i < ICE_MAX_PAIRS; i++)
		assert_int_equal(add(pairs, last, 1 + i, 500u - i, false), 0);
}

static void a_full_checklist_keeps_the_more_useful(void **state)
{
	(void)state;
	struct ice_pair *last, *pair;
	struct ice_pairs pairs;

	fill(&pairs, &last);
	assert_int_equal(add(&pairs, &pair, 5000, 1, false), ICE_PAIR_E_FULL);
	struct addr gone = last->remote;
	assert_int_equal(add(&pairs, &pair, 5001, 999, false), 0);
	assert_int_equal(pairs.n, ICE_MAX_PAIRS);
	assert_null(ice_pairs_find(&pairs, &pair->local, &gone));
	/* A failed one goes first, however preferred it was. */
	struct ice_pair *failed = TAILQ_FIRST(&pairs.list);
	gone = failed->remote;
	failed->state = ICE_PAIR_FAILED;
	assert_int_equal(add(&pairs, &pair, 5002, 1, false), 0);
	assert_null(ice_pairs_find(&pairs, &pair->local, &gone));
	ice_pairs_flush(&pairs);
}

static void what_works_is_never_displaced(void **state)
{
	(void)state;
	struct ice_pair *pair;
	struct ice_pairs pairs;

	fill(&pairs, &pair);
	TAILQ_FOREACH(pair, &pairs.list, entry)
		pair->state = ICE_PAIR_IN_PROGRESS;
	assert_int_equal(add(&pairs, &pair, 5000, 999, false), ICE_PAIR_E_FULL);
	assert_int_equal(add(&pairs, &pair, 5000, 1, true), 0);
	TAILQ_FOREACH(pair, &pairs.list, entry)
		pair->valid = true;
	assert_int_equal(add(&pairs, &pair, 5001, 999, true), ICE_PAIR_E_FULL);
	ice_pairs_flush(&pairs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_change_as_the_table_says),
		cmocka_unit_test(the_checklist_is_in_order_of_priority),
		cmocka_unit_test(
			triggered_checks_come_first_and_in_their_order),
		cmocka_unit_test(a_full_checklist_keeps_the_more_useful),
		cmocka_unit_test(what_works_is_never_displaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
