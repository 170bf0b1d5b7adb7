/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/setup/setup.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/doctor/doctor.h"
#include "gateway/setup/advice.h"
#include "gateway/setup/question.h"

enum { SECRET_LEN = 32 };

/* ---- answers ---- */

static int find_question(struct slice key)
{
	for (int i = 0; i < NQUESTIONS; i++) {
		if (slice_is(key, questions[i].key))
			return i;
	}
	return -1;
}

static void tell_keys(void)
{
	fputs("tandem --setup takes answers as key=value:\n", stderr);
	for (size_t i = 0; i < NQUESTIONS; i++)
		fprintf(stderr, "  %-16s %s\n", questions[i].key,
			questions[i].text);
}

static int take_given(struct answers *answers, char *const *given)
{
	for (; *given; given++) {
		struct slice value = slice_of(*given);
		int id = find_question(slice_cut(&value, '='));

		if (id < 0 || text_copy(answers->text[id], ANSWER_CAP, value)) {
			fprintf(stderr, "tandem: %s: no answer to a question\n",
				*given);
			tell_keys();
			return -1;
		}
		answers->given[id] = true;
		if (!answers_are_right(answers, stderr)) {
			fprintf(stderr, "tandem: %s is no good answer\n",
				questions[id].key);
			return -1;
		}
	}
	return 0;
}

/* A line of the terminal's. -1: it is at its end. */
static int read_line(char out[static ANSWER_CAP],
		     const struct question *question)
{
	char prompt[ANSWER_CAP];

	snprintf(prompt, sizeof(prompt), "%s%s%s%s: ", question->text,
		 question->initial ? " [" : "",
		 question->initial ? question->initial : "",
		 question->initial ? "]" : "");
	if (!readpassphrase(prompt, out, ANSWER_CAP,
			    question->is_secret ? RPP_ECHO_OFF : RPP_ECHO_ON))
		return -1;
	if (!*out && question->initial)
		return text_set(out, ANSWER_CAP, question->initial);
	return 0;
}

static bool is_right(const struct answers *answers, enum question_id id)
{
	if (questions[id].is_needed && !*answers->text[id]) {
		fprintf(stderr, "  needed: %s=...\n", questions[id].key);
		return false;
	}
	return answers_are_right(answers, stderr);
}

static int ask(struct answers *answers, enum question_id id, bool terminal)
{
	char *answer = answers->text[id];

	if (!terminal) {
		if (questions[id].initial &&
		    text_set(answer, ANSWER_CAP, questions[id].initial))
			return -1;
		return is_right(answers, id) ? 0 : -1;
	}
	do {
		if (read_line(answer, &questions[id]))
			return -1;
	} while (!is_right(answers, id));
	return 0;
}

static int ask_all(struct answers *answers)
{
	bool terminal = isatty(STDIN_FILENO);

	for (enum question_id i = 0; i < NQUESTIONS; i++) {
		const struct question *question = &questions[i];

		if (answers->given[i] ||
		    (question->has_parent && !*answers->text[question->parent]))
			continue;
		if (ask(answers, i, terminal))
			return -1;
	}
	if (!*answers->text[ASK_SECRET])
		rand_token(answers->text[ASK_SECRET], SECRET_LEN);
	return 0;
}

/* ---- files ---- */

/*
 * For the user tandem's group, where there is one, and nobody else. Who may not
 * give it away has a configuration all the same, for a Tandem of his own.
 */
static void give_to_tandem(int fd, const char *path)
{
	const struct group *group = getgrnam("tandem");

	if (!group)
		return;
	if (fchown(fd, (uid_t)-1, group->gr_gid) ||
	    fchmod(fd, S_IRUSR | S_IWUSR | S_IRGRP))
		fprintf(stderr,
			"tandem: %s: not for the group tandem, whose service "
			"cannot read it: %s\n",
			path, strerror(errno));
}

/* A new file for @to to be written to; NULL: it was told why not. */
static FILE *create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      S_IRUSR | S_IWUSR);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file)
		give_to_tandem(fd, path);
	else
		fprintf(stderr, "tandem: %s: %s%s\n", path, strerror(errno),
			errno == EEXIST ? "; move it away to begin anew" : "");
	return file;
}

static int finish(FILE *file, const char *path)
{
	if (!fclose(file)) {
		printf("wrote %s\n", path);
		return 0;
	}
	fprintf(stderr, "tandem: %s: %s\n", path, strerror(errno));
	return -1;
}

static int write_secret(const struct answers *answers, enum question_id id,
			const char *directory)
{
	char path[PATH_MAX];

	if (!*answers->text[id])
		return 0;
	if (text_format(path, sizeof(path), "%s/%s", directory,
			questions[id].key))
		return -1;
	FILE *file = create(path);
	if (!file)
		return -1;
	fprintf(file, "%s\n", answers->text[id]);
	return finish(file, path);
}

/* Absolute: the program reads its secrets from another directory. */
static int directory_of(char out[static PATH_MAX], const char *path)
{
	char parent[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');

	if (slash &&
	    text_copy(parent, sizeof(parent),
		      (struct slice){ path, slash == path
						    ? 1
						    : (size_t)(slash - path) }))
		return -1;
	if (realpath(parent, out))
		return 0;
	fprintf(stderr, "tandem: %s: %s\n", parent, strerror(errno));
	return -1;
}

static int write_all(const struct answers *answers, const char *path)
{
	char directory[PATH_MAX];

	if (directory_of(directory, path))
		return -1;
	if (write_secret(answers, ASK_SECRET, directory) ||
	    write_secret(answers, ASK_PASSWORD, directory))
		return -1;
	FILE *file = create(path);
	if (!file)
		return -1;
	answers_write(answers, directory, file);
	return finish(file, path);
}

/* ---- the way through ---- */

/* When somebody is there to do it meanwhile. */
static void examine(const char *path)
{
	char line[ANSWER_CAP];

	if (!isatty(STDIN_FILENO))
		return;
	printf("Do that, then press Enter and all of it is tried ");
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin))
		doctor_run(path, stdout);
}

int setup_run(const char *path, char *const *given)
{
	struct answers answers = { .given = { false } };

	if (!access(path, F_OK)) {
		fprintf(stderr,
			"tandem: %s is there already: edit it, or move it away "
			"to begin anew\n",
			path);
		return -1;
	}
	int r = take_given(&answers, given);
	if (!r)
		r = ask_all(&answers);
	if (!r)
		r = write_all(&answers, path);
	if (!r) {
		advice_tell(&answers, path, stdout);
		examine(path);
		advice_farewell(&answers, stdout);
	}
	explicit_bzero(&answers, sizeof(answers));
	return r;
}
