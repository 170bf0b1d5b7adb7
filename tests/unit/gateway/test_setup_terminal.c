/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Questions to whom nobody listens any more. */
#include "gateway/setup/terminal.h"

#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

/* What terminal_ask() says at a terminal that was closed before it asked. In a
 * session of its own: the library prefers the session's terminal, if any. */
static int ask_at_a_closed_terminal(enum question_id id)
{
	int master, slave, status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		char answer[ANSWER_CAP] = "";

		/* What it prints is none of the results of the test. */
		if (setsid() < 0 || !freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr) ||
		    openpty(&master, &slave, NULL, NULL, NULL))
			_exit(EXIT_FAILURE);
		close(master);
		dup2(slave, STDIN_FILENO);
		_exit(terminal_ask(answer, &questions[id]) == -1
			      ? EXIT_SUCCESS
			      : EXIT_FAILURE);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_terminal_that_is_closed_gives_no_answer(void **state)
{
	(void)state;
	for (enum question_id id = 0; id < NQUESTIONS; id++)
		assert_int_equal(ask_at_a_closed_terminal(id), EXIT_SUCCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_that_is_closed_gives_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
