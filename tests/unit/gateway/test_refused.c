/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/refused.h"

#include "gateway/gateway.h"
#include "tests/log_file.h"

enum { TIMES = 1000 };

static struct gateway gateway;

static int set_up(void **state)
{
	(void)state;
	log_file_open();
	return refused_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	refused_free(&gateway);
	log_file_close();
	return 0;
}

static void refuse(const char *from)
{
	refused_log(&gateway, "forbidden", from, "+1@tel.example.org");
}

/* Ten, then the hundredth and the thousandth, with all devices together. */
static void who_is_refused_often_does_not_fill_the_log(void **state)
{
	char from[64];

	(void)state;
	for (unsigned i = 0; i < TIMES; i++) {
		snprintf(from, sizeof(from), "mallory@example.org/%u", i);
		refuse(from);
	}
	assert_int_equal(log_file_count("refused=forbidden"),
			 REFUSED_LINES + 2);
	assert_int_equal(log_file_count("count=1000"), 1);
	refuse("alice@example.org/x");
	assert_int_equal(log_file_count("from=\"alice@example.org/x\""), 1);
}

static void what_it_says_stays_in_its_place(void **state)
{
	(void)state;
	refused_log(&gateway, "forbidden", "a@example.org/x",
		    "b\nrefused=not y=\"\x1b[2J");
	assert_int_equal(log_file_count("\n"), 1);
	assert_int_equal(log_file_count("\x1b"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			who_is_refused_often_does_not_fill_the_log, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(what_it_says_stays_in_its_place,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
