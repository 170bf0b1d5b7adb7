/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/test.h"

enum {
	FIRST = 3,
	LAST = 5,
	TEXT_CAP = 256,
	MANY = 300
}; /* SD_LISTEN_FDS_START */

static char directory[] = "/tmp/tandem-kept-XXXXXX";
static struct sockaddr_un at = { .sun_family = AF_UNIX };
static int manager; /* what the service manager listens on */

/* The next notification; returns the descriptor that came with it, or -1. */
static int hear(char text[static TEXT_CAP])
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { text, TEXT_CAP - 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int fd = -1;
	ssize_t n = recvmsg(manager, &msg, MSG_DONTWAIT);

	assert_true(n > 0);
	text[n] = '\0';
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c;
	     c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	return fd;
}

static void assert_nothing_was_said(void)
{
	char text[TEXT_CAP];

	assert_int_equal(recv(manager, text, sizeof(text), MSG_DONTWAIT), -1);
}

/* The next process, which is this one, gets them; @names with ':' between. */
static void give(const char *names, int n)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%d", n);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

static void a_page_is_found_again(void **state)
{
	char text[TEXT_CAP];
	char *page = kept_page("tries");

	(void)state;
	assert_non_null(page);
	int stored = hear(text);
	assert_true(stored > LAST);
	assert_non_null(strstr(text, "FDSTORE=1"));
	assert_non_null(strstr(text, "FDNAME=tries"));
	assert_int_equal(page[0], 0);
	page[0] = 'x';
	page[KEPT_PAGE_LEN - 1] = 'y';
	kept_page_free(page);
	assert_int_equal(dup2(stored, FIRST), FIRST);
	close(stored);
	give("tries", 1);
	page = kept_page("tries");
	assert_non_null(page);
	assert_int_equal(page[0], 'x');
	assert_int_equal(page[KEPT_PAGE_LEN - 1], 'y');
	assert_nothing_was_said();
	kept_page_free(page);
}

static void others_of_a_kind_are_dropped(void **state)
{
	char text[TEXT_CAP];

	(void)state;
	give("xmpp-a:media:xmpp-b", 3);
	assert_int_equal(kept_drop_others("xmpp", "xmpp-b"), 1);
	assert_int_equal(hear(text), -1);
	assert_non_null(strstr(text, "FDSTOREREMOVE=1"));
	assert_non_null(strstr(text, "FDNAME=xmpp-a"));
	assert_nothing_was_said();
	int fd = kept_take("xmpp-b");
	assert_true(fd > LAST);
	close(fd);
	assert_int_equal(kept_take("xmpp"), 0);
}

static int taken[LAST];

/* Of those that come, the first is good. */
static int take(int fd)
{
	int n = 0;

	while (n < LAST && taken[n])
		n++;
	taken[n] = fd;
	return n ? -EINVAL : 0;
}

static void all_of_a_name_are_the_takers_and_the_rest_is_closed(void **state)
{
	char text[TEXT_CAP];
	size_t refused;

	(void)state;
	give("media:xmpp:media", 3);
	assert_int_equal(kept_take_last("media", take, &refused), 2);
	assert_int_equal(refused, 1);
	assert_int_equal(taken[0], FIRST);
	assert_int_equal(taken[1], FIRST + 2);
	assert_int_equal(fcntl(FIRST, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(FIRST + 1, F_GETFD), -1);
	assert_int_equal(hear(text), -1);
	assert_string_equal(text, "FDSTOREREMOVE=1\nFDNAME=media");
	assert_int_equal(kept_take("media"), 0);
}

static void many_are_kept_under_one_name_and_not_looked_at(void **state)
{
	char text[TEXT_CAP];
	int fds[MANY];

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		fds[i] = STDERR_FILENO;
	assert_int_equal(kept_put_all("media", fds, MANY), MANY);
	for (int messages = 0; messages < 2; messages++) {
		int fd = hear(text);

		assert_true(fd > STDERR_FILENO);
		close(fd);
		assert_string_equal(text, "FDSTORE=1\nFDPOLL=0\nFDNAME=media");
	}
	assert_nothing_was_said();
	assert_int_equal(kept_put_all("media", fds, 0), 0);
}

static void without_a_manager_nothing_is_kept(void **state)
{
	char text[TEXT_CAP];
	int fd = STDERR_FILENO;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(kept_put_all("media", &fd, 1), 0);
	assert_int_equal(recv(manager, text, sizeof(text), MSG_DONTWAIT), -1);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
}

static int set_up(void **state)
{
	(void)state;
	for (int fd = FIRST; fd <= LAST; fd++)
		assert_true(dup2(STDERR_FILENO, fd) == fd);
	assert_non_null(mkdtemp(directory));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", directory);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&at, sizeof(at)), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(manager);
	unlink(at.sun_path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_found_again),
		cmocka_unit_test(others_of_a_kind_are_dropped),
		cmocka_unit_test(
			all_of_a_name_are_the_takers_and_the_rest_is_closed),
		cmocka_unit_test(
			many_are_kept_under_one_name_and_not_looked_at),
		cmocka_unit_test(without_a_manager_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
