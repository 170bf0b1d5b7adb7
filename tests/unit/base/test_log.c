/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/log.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/test.h"

static void expect(const char *text, const char *logged)
{
	assert_string_equal(log_text(slice_of(text)).s, logged);
}

static void peers_text_is_quoted(void **state)
{
	(void)state;
	expect("", "\"\"");
	expect("alice@example.org", "\"alice@example.org\"");
	expect("J\xc3\xbcrgen", "\"J\xc3\xbcrgen\"");
}

static void it_cannot_end_its_quotes_or_its_line(void **state)
{
	(void)state;
	expect("a\" call=b", "\"a\\x22 call=b\"");
	expect("a\\", "\"a\\x5c\"");
	expect("a\r\n<6>b", "\"a\\x0d\\x0a<6>b\"");
	expect("\x1b[2J\x7f", "\"\\x1b[2J\\x7f\"");
	/* NEL, LINE SEPARATOR, RIGHT-TO-LEFT OVERRIDE */
	expect("a\xc2\x85z", "\"a\\xc2\\x85z\"");
	expect("a\xe2\x80\xa8z", "\"a\\xe2\\x80\\xa8z\"");
	expect("a\xe2\x80\xaez", "\"a\\xe2\\x80\\xaez\"");
}

static void what_is_no_utf8_is_escaped(void **state)
{
	(void)state;
	expect("\xff\xc3", "\"\\xff\\xc3\"");
	expect("\xed\xa0\x80", "\"\\xed\\xa0\\x80\"");
}

static void it_is_bounded_whatever_it_holds(void **state)
{
	(void)state;
	static const char *const fill[] = { "a", "\n", "\xc3\xbc",
					    "\xe2\x80\xae", "\xff" };
	char text[4 * LOG_TEXT_CAP];

	for (size_t i = 0; i < sizeof(fill) / sizeof(fill[0]); i++) {
		size_t len = strlen(fill[i]), at = 0;
		for (; at + len < sizeof(text); at += len)
			memcpy(text + at, fill[i], len);
		text[at] = '\0';
		struct log_text out = log_text(slice_of(text));
		size_t n = strlen(out.s);
		assert_true(n < LOG_TEXT_CAP && n > LOG_TEXT_CAP - 20);
		assert_int_equal(out.s[0], '"');
		assert_int_equal(out.s[n - 1], '"');
	}
}

/* Standard error is one end of @fds, and nobody reads the other. */
static void log_to_nobody(int fds[2])
{
	enum { LINES = 20000 };
	unsigned long before = log_dropped();
	int old = dup(STDERR_FILENO);

	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	for (int i = 0; i < LINES; i++)
		log_error("event=nobody-reads number=%d", i);
	unsigned long lost = log_dropped() - before;
	assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
	assert_true(lost > 0 && lost < LINES);
	for (int i = 0; i < 2; i++)
		close(fds[i]);
	close(old);
}

/* A journal that hangs costs its lines, and no call. */
static void who_does_not_read_it_holds_up_nobody(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	log_to_nobody(fds);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	log_to_nobody(fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_text_is_quoted),
		cmocka_unit_test(it_cannot_end_its_quotes_or_its_line),
		cmocka_unit_test(what_is_no_utf8_is_escaped),
		cmocka_unit_test(it_is_bounded_whatever_it_holds),
		cmocka_unit_test(who_does_not_read_it_holds_up_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
