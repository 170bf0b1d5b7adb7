/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/refused.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "tests/test.h"

enum { LOG_CAP = 65536, TIMES = 1000 };

static struct gateway gateway;
static char log_path[] = "/tmp/tandem-refused-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	memcpy(log_path + strlen(log_path) - 6, "XXXXXX", 6);
	close(mkstemp(log_path));
	assert_int_equal(log_open(log_path, LOG_LEVEL_INFO), 0);
	return refused_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	refused_free(&gateway);
	assert_int_equal(log_open("", LOG_LEVEL_ERROR), 0);
	unlink(log_path);
	return 0;
}

/* How many lines of the log have @what. */
static unsigned lines(const char *what)
{
	static char text[LOG_CAP];
	FILE *file = fopen(log_path, "re");
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	unsigned count = 0;

	fclose(file);
	text[n] = '\0';
	for (const char *p = text; (p = strstr(p, what)); p++)
		count++;
	return count;
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
	assert_int_equal(lines("refused=forbidden"), REFUSED_LINES + 2);
	assert_int_equal(lines("count=1000"), 1);
	refuse("alice@example.org/x");
	assert_int_equal(lines("from=\"alice@example.org/x\""), 1);
}

static void what_it_says_stays_in_its_place(void **state)
{
	(void)state;
	refused_log(&gateway, "forbidden", "a@example.org/x",
		    "b\nrefused=not y=\"\x1b[2J");
	assert_int_equal(lines("\n"), 1);
	assert_int_equal(lines("\x1b"), 0);
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
