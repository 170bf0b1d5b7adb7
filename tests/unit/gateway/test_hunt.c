/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/hunt.h"

#include <event2/event.h>
#include <stdlib.h>

#include "gateway/gateway.h"
#include "gateway/leg/leg.h"
#include "tests/test.h"

static struct gateway gateway;
static struct hunt *hunt;
static unsigned legs, args;

static struct leg *fake_free(struct leg *leg)
{
	legs--;
	free(leg);
	return NULL;
}

static const struct leg_ops fake_ops = { .name = "fake", .free = fake_free };

static int make(struct leg **out, struct gateway *of, void *arg)
{
	(void)of;
	if (*(int *)arg)
		return *(int *)arg;
	*out = calloc(1, sizeof(**out));
	assert_non_null(*out);
	(*out)->ops = &fake_ops;
	legs++;
	return 0;
}

static void free_arg(void *arg)
{
	args--;
	free(arg);
}

static int set_up(void **state)
{
	(void)state;
	gateway = (struct gateway){ .base = event_base_new() };
	legs = args = 0;
	return hunt_new(&hunt, &gateway);
}

static int tear_down(void **state)
{
	(void)state;
	hunt = hunt_free(hunt);
	event_base_free(gateway.base);
	assert_int_equal(legs, 0);
	assert_int_equal(args, 0);
	return 0;
}

/* One whose leg is made with the outcome @r. */
static int add(const char *name, int r)
{
	int *arg = malloc(sizeof(*arg));

	assert_non_null(arg);
	*arg = r;
	args++;
	return hunt_add(hunt,
			&(struct hunt_target){ .name = name,
					       .trunk = "carrier",
					       .next_on = HUNT_ON_NOT_TAKEN,
					       .new_leg = make,
					       .free_arg = free_arg,
					       .arg = arg });
}

static void targets_come_in_their_order(void **state)
{
	(void)state;
	struct leg *leg;

	assert_int_equal(add("one", 0), 0);
	assert_int_equal(add("two", 0), 0);
	assert_null(hunt_now(hunt));
	assert_int_equal(hunt_next(hunt, &leg), 0);
	assert_string_equal(hunt_now(hunt)->name, "one");
	assert_string_equal(hunt_now(hunt)->trunk, "carrier");
	assert_true(hunt_goes_on(hunt, CAUSE_BUSY));
	assert_false(hunt_goes_on(hunt, CAUSE_CANCEL));
	assert_false(hunt_goes_on(hunt, CAUSE_UNKNOWN_NUMBER));
	hunt_bury(hunt, leg);
	assert_int_equal(hunt_next(hunt, &leg), 0);
	assert_string_equal(hunt_now(hunt)->name, "two");
	assert_false(hunt_goes_on(hunt, CAUSE_BUSY));
	leg->ops->free(leg);
	assert_int_equal(hunt_next(hunt, &leg), HUNT_E_OVER);
}

static void a_target_without_a_leg_is_passed_over(void **state)
{
	(void)state;
	struct leg *leg;

	assert_int_equal(add("broken", -ENOMEM), 0);
	assert_int_equal(add("two", 0), 0);
	assert_int_equal(hunt_next(hunt, &leg), 0);
	assert_string_equal(hunt_now(hunt)->name, "two");
	leg->ops->free(leg);
}

/* It may be in a callback of its own. */
static void a_buried_leg_lives_until_the_turn_ends(void **state)
{
	(void)state;
	struct leg *leg;

	assert_int_equal(add("one", 0), 0);
	assert_int_equal(hunt_next(hunt, &leg), 0);
	hunt_bury(hunt, leg);
	assert_int_equal(legs, 1);
	event_base_loop(gateway.base, EVLOOP_ONCE);
	assert_int_equal(legs, 0);
}

static void the_cause_is_that_of_all(void **state)
{
	(void)state;
	assert_int_equal(hunt_cause(NULL, CAUSE_BUSY), CAUSE_BUSY);
	assert_int_equal(hunt_cause(hunt, CAUSE_BUSY), CAUSE_BUSY);
	hunt_note(hunt, CAUSE_UNREACHABLE);
	assert_int_equal(hunt_cause(hunt, CAUSE_BUSY), CAUSE_BUSY);
	hunt_note(hunt, CAUSE_NO_ANSWER);
	assert_int_equal(hunt_cause(hunt, CAUSE_DECLINE), CAUSE_NO_ANSWER);
}

static void there_is_a_limit(void **state)
{
	(void)state;
	for (int i = 0; i < HUNT_MAX_TARGETS; i++)
		assert_int_equal(add("one of many", 0), 0);
	assert_int_equal(add("one too many", 0), -E2BIG);
}

#define HUNT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUNT_TEST(targets_come_in_their_order),
		HUNT_TEST(a_target_without_a_leg_is_passed_over),
		HUNT_TEST(a_buried_leg_lives_until_the_turn_ends),
		HUNT_TEST(the_cause_is_that_of_all),
		HUNT_TEST(there_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
