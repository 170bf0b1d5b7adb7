/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * gateway/sandbox.h. A filter is never taken back, so each case runs in a
 * process of its own.
 */
#include "gateway/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

enum { OFF = 77, WRONG = 78 };

/* How a process that has entered the sandbox ends when it does @work: its exit
 * code, or minus the signal. */
static int end_of(int (*work)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		int r = sandbox_enter();

		_exit(r == -ENOTSUP ? OFF : r ? WRONG : work());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define END_OF(work, expected)                    \
	do {                                      \
		int end_ = end_of(work);          \
		if (end_ == OFF)                  \
			skip();                   \
		assert_int_equal(end_, expected); \
	} while (0)

static void *nothing(void *arg)
{
	return arg;
}

static int threads(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) ||
	       pthread_join(thread, NULL);
}

static int sockets(void)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX };
	struct ifaddrs *all;

	for (size_t i = 0; i < 3; i++) {
		if (socket(families[i], SOCK_DGRAM, 0) < 0)
			return 1;
	}
	if (getifaddrs(&all))
		return 2;
	freeifaddrs(all);
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != ENOSYS;
}

/* Its tables are a library that is loaded now. */
static int character_sets(void)
{
	iconv_t converter = iconv_open("UTF-8", "ISO-8859-15");

	return converter == (iconv_t)-1 || iconv_close(converter);
}

static int memory_to_run(void)
{
	void *both = mmap(NULL, 4096, PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return both != MAP_FAILED || page == MAP_FAILED ||
	       !mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int unheard_of(void)
{
	return syscall(SYS_acct, NULL) != -1 || errno != ENOSYS;
}

static int program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int child_process(void)
{
	return fork() >= 0;
}

static int tracing(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) != -1;
}

static void what_the_gateway_does_it_may(void **state)
{
	(void)state;
	END_OF(threads, 0);
	END_OF(sockets, 0);
	END_OF(character_sets, 0);
}

static void memory_is_written_or_run(void **state)
{
	(void)state;
	END_OF(memory_to_run, 0);
}

static void what_nobody_needs_is_not_there(void **state)
{
	(void)state;
	END_OF(unheard_of, 0);
	END_OF(child_process, 0);
}

static void what_only_an_intruder_asks_for_ends_the_process(void **state)
{
	(void)state;
	END_OF(program, -SIGSYS);
	END_OF(tracing, -SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_gateway_does_it_may),
		cmocka_unit_test(memory_is_written_or_run),
		cmocka_unit_test(what_nobody_needs_is_not_there),
		cmocka_unit_test(
			what_only_an_intruder_asks_for_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
