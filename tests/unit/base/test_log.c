/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/test.h"

enum { WRITERS = 4 };

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

/* ---- who reads it ---- */

/* Standard error is @fd from now on; what it was. */
static int log_to(int fd)
{
	int old = dup(STDERR_FILENO);

	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(log_open("", LOG_LEVEL_INFO), 0);
	return old;
}

static void log_as_before(int old)
{
	assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
	close(old);
	log_set_json(false);
	assert_int_equal(log_open("", LOG_LEVEL_INFO), 0);
}

/* All of them at once, each by @fn. */
static void write_together(void *(*fn)(void *))
{
	pthread_t threads[WRITERS];

	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, NULL),
				 0);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
}

enum { UNREAD_LINES = 20000 };

static void *write_short_lines(void *arg)
{
	(void)arg;
	for (int i = 0; i < UNREAD_LINES; i++)
		log_error("event=nobody-reads number=%d", i);
	return NULL;
}

/* Standard error is one end of @fds, and nobody reads the other. */
static void log_to_nobody(int fds[2])
{
	unsigned long before = log_dropped();
	int old = log_to(fds[1]);

	write_together(write_short_lines);
	unsigned long lost = log_dropped() - before;
	log_as_before(old);
	assert_true(lost > 0 && lost < WRITERS * UNREAD_LINES);
	/* who else has the descriptor still waits for its reader */
	assert_false(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
	for (int i = 0; i < 2; i++)
		close(fds[i]);
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

enum { LONG_LINES = 200 };

/* Octets that are several in JSON. */
static void *write_long_lines(void *arg)
{
	static const char quotes[] = "\"\\\"\\\"\\\"\\";
	char text[PIPE_BUF - 1];

	(void)arg;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = quotes[i % (sizeof(quotes) - 1)];
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < LONG_LINES; i++)
		log_error("event=long %s", text);
	return NULL;
}

static void *read_lines(void *arg)
{
	FILE *f = arg;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	uintptr_t lines = 0, torn = 0;

	while ((n = getline(&line, &cap, f)) > 0) {
		static const char head[] = "{\"time\":", tail[] = "\"}\n";

		if (strstr(line, "\"log\":\"gap\""))
			continue; /* of lines that found no room */
		torn += n > PIPE_BUF ||
			strncmp(line, head, strlen(head)) != 0 ||
			strcmp(line + n - strlen(tail), tail) != 0 ||
			!strstr(line, "\"cut\":\"");
		lines++;
	}
	free(line);
	return (void *)(torn ? 0 : lines);
}

/* JSON that is longer than a pipe takes at once. */
static void long_lines_of_several_threads_are_whole(void **state)
{
	unsigned long before = log_dropped();
	pthread_t reader;
	void *lines;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	FILE *f = fdopen(fds[0], "r");
	assert_non_null(f);
	int old = log_to(fds[1]);
	close(fds[1]);
	log_set_json(true);
	assert_int_equal(pthread_create(&reader, NULL, read_lines, f), 0);
	write_together(write_long_lines);
	log_as_before(old);
	pthread_join(reader, &lines);
	fclose(f);
	assert_true((uintptr_t)lines > 0);
	assert_int_equal((uintptr_t)lines + log_dropped() - before,
			 WRITERS * LONG_LINES);
}

static void a_file_is_opened_anew_under_the_same_number(void **state)
{
	char path[] = "/tmp/tandem-log-XXXXXX", moved[sizeof(path) + 2];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	snprintf(moved, sizeof(moved), "%s.1", path);
	assert_int_equal(log_open("", LOG_LEVEL_INFO), 0);
	for (int i = 0; i < 3; i++) {
		int next = dup(STDERR_FILENO); /* the lowest that is free */

		close(next);
		assert_int_equal(log_open(path, LOG_LEVEL_INFO), 0);
		log_info("event=rotated number=%d", i);
		int now = dup(STDERR_FILENO);
		close(now);
		assert_int_equal(now, next);
		assert_int_equal(rename(path, moved), 0);
	}
	assert_int_equal(log_open("", LOG_LEVEL_INFO), 0);
	FILE *f = fopen(moved, "r");
	char line[128];
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, "Z event=rotated number=2\n"));
	assert_null(fgets(line, sizeof(line), f));
	fclose(f);
	unlink(moved);
}

/* What is in @fd from its beginning, as text. */
static void read_all(int fd, char *out, size_t cap)
{
	ssize_t n = pread(fd, out, cap - 1, 0);

	assert_true(n >= 0);
	out[n] = '\0';
}

/* A disk that takes no more, or only the half of a line: where there is room
 * again the log says what it has not. */
static void what_could_not_be_written_is_told_of(void **state)
{
	enum { ROOM = 30 };
	char name[] = "/tmp/tandem-log-XXXXXX", text[1024];
	const struct rlimit none = { ROOM, RLIM_INFINITY };
	const struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	signal(SIGXFSZ, SIG_IGN);
	log_error("event=before"); /* and what other tests have left untold */
	int old = log_to(fd);
	log_error("event=zero");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	log_error("event=one of those that are too long");
	log_error("event=two");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &any), 0);
	log_error("event=three");
	log_error("event=four");
	log_as_before(old);
	read_all(fd, text, sizeof(text));
	assert_non_null(
		strstr(text, "\n<4>log=gap lines=2 (File too large): "));
	assert_non_null(
		strstr(text, "no log\n<3>event=three\n<3>event=four\n"));
	assert_null(strstr(text, "event=two"));
	assert_int_equal(unlink(name), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_text_is_quoted),
		cmocka_unit_test(it_cannot_end_its_quotes_or_its_line),
		cmocka_unit_test(what_is_no_utf8_is_escaped),
		cmocka_unit_test(it_is_bounded_whatever_it_holds),
		cmocka_unit_test(who_does_not_read_it_holds_up_nobody),
		cmocka_unit_test(long_lines_of_several_threads_are_whole),
		cmocka_unit_test(a_file_is_opened_anew_under_the_same_number),
		cmocka_unit_test(what_could_not_be_written_is_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
