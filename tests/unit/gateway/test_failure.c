/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/failure.h"

#include <stdio.h>
#include <string.h>

#include "tests/test.h"

static struct failures *failures;
static unsigned n;
static char newest[32], oldest[32];

static int setup(void **state)
{
	(void)state;
	return failures_new(&failures);
}

static int teardown(void **state)
{
	(void)state;
	failures = failures_free(failures);
	return 0;
}

static void add(const char *from, const char *to)
{
	failures_add(failures, &(struct failure){ .at_ms = 1,
						  .call = "",
						  .from = from,
						  .to = to,
						  .trunk = "t",
						  .cause = "busy",
						  .why = "Why." });
}

static void on_failure(const struct failure *failure, void *arg)
{
	const char *from = arg;

	if (from && strcmp(failure->from, from) != 0)
		return;
	if (!n++)
		snprintf(newest, sizeof(newest), "%s", failure->to);
	snprintf(oldest, sizeof(oldest), "%s", failure->to);
	assert_string_equal(failure->why, "Why.");
}

static void look(const char *from)
{
	n = 0;
	failures_each(failures, on_failure, (void *)from);
}

static void the_newest_comes_first(void **state)
{
	(void)state;
	add("a", "1");
	add("b", "2");
	look(NULL);
	assert_int_equal(n, 2);
	assert_string_equal(newest, "2");
	assert_string_equal(oldest, "1");
}

static void who_fails_in_masses_pushes_out_his_own(void **state)
{
	char to[32];

	(void)state;
	add("b", "other");
	for (unsigned i = 0; i < 10 * FAILURES_MAX; i++) {
		snprintf(to, sizeof(to), "%u", i);
		add("a", to);
	}
	look("b");
	assert_int_equal(n, 1);
	look("a");
	assert_int_equal(n, FAILURES_EACH_MAX);
	assert_string_equal(newest, to);
}

static void there_are_never_more_than_fit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * FAILURES_MAX; i++) {
		char from[32];

		snprintf(from, sizeof(from), "%u", i);
		add(from, from);
	}
	look(NULL);
	assert_int_equal(n, FAILURES_MAX);
	assert_string_equal(oldest, "200");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_newest_comes_first),
		TEST(who_fails_in_masses_pushes_out_his_own),
		TEST(there_are_never_more_than_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
