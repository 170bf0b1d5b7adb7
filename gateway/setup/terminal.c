/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/setup/terminal.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/text.h"

/* What is pasted comes with blanks around it. */
static struct slice trimmed(struct slice text)
{
	static const char blank[] = " \t\r\n";

	while (text.n && strchr(blank, text.p[0])) {
		text.p++;
		text.n--;
	}
	while (text.n && strchr(blank, text.p[text.n - 1]))
		text.n--;
	return text;
}

/* 0, -EMSGSIZE, or -1 at the end of the input. */
static int read_shown(char out[static ANSWER_CAP], const char *prompt)
{
	char *line = NULL;
	size_t cap = 0;

	fputs(prompt, stdout);
	fflush(stdout);
	ssize_t n = getline(&line, &cap, stdin);
	int r = n < 0 ? -1
		      : text_copy(out, ANSWER_CAP,
				  trimmed((struct slice){ line, (size_t)n }));
	free(line);
	return r;
}

/* Nobody will answer any more. Who is not told by SIGHUP, as the terminal is
 * another session's, would ask for ever. */
static bool is_hung_up(void)
{
	struct pollfd terminal = { .fd = STDIN_FILENO };

	return poll(&terminal, 1, 0) && terminal.revents;
}

/* An end of the input is an empty answer here, as the library does not tell;
 * but where nobody is left to give another, it is the end. */
static int read_secret(char out[static ANSWER_CAP], const char *prompt)
{
	char line[ANSWER_CAP + 1];

	if (!readpassphrase(prompt, line, sizeof(line), RPP_ECHO_OFF))
		return -1;
	if (!*line && is_hung_up())
		return -1;
	int r = text_copy(out, ANSWER_CAP, slice_of(line));
	explicit_bzero(line, sizeof(line));
	return r;
}

int terminal_ask(char out[static ANSWER_CAP], const struct question *question)
{
	const char *initial = question->initial;
	char prompt[ANSWER_CAP];
	int r;

	snprintf(prompt, sizeof(prompt), "%s%s%s%s: ", question->text,
		 initial ? " [" : "", initial ? initial : "",
		 initial ? "]" : "");
	for (;;) {
		r = question->is_secret ? read_secret(out, prompt)
					: read_shown(out, prompt);
		if (r != -EMSGSIZE)
			break;
		fprintf(stderr, "  expected at most %d characters\n",
			ANSWER_CAP - 1);
	}
	if (!r && !*out && initial)
		r = text_set(out, ANSWER_CAP, initial);
	return r;
}
