/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/setup/setup.h"

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
#include "gateway/setup/terminal.h"

enum { SECRET_LEN = 32, FILES_MAX = 3 };

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

static bool is_right(const struct answers *answers, enum question_id id)
{
	if (questions[id].is_needed && !*answers->text[id]) {
		fprintf(stderr, "  needed: %s=...\n", questions[id].key);
		return false;
	}
	return answers_are_right(answers, stderr);
}

/* In the questions' order, whatever that of the words was. */
static int check_given(const struct answers *answers)
{
	struct answers tried = { .given = { false } };
	int r = 0;

	for (enum question_id i = 0; i < NQUESTIONS && !r; i++) {
		if (!answers->given[i])
			continue;
		memcpy(tried.text[i], answers->text[i], ANSWER_CAP);
		if (is_right(&tried, i))
			continue;
		fprintf(stderr, "tandem: %s is no good answer\n",
			questions[i].key);
		r = -1;
	}
	explicit_bzero(&tried, sizeof(tried));
	return r;
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
	}
	return check_given(answers);
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
		if (terminal_ask(answer, &questions[id])) {
			fputs("\ntandem: no answer: nothing is written\n",
			      stderr);
			return -1;
		}
	} while (!is_right(answers, id));
	return 0;
}

static bool is_beside_the_point(const struct answers *answers,
				enum question_id id)
{
	return questions[id].has_parent &&
	       !*answers_text(answers, questions[id].parent);
}

static int ask_all(struct answers *answers)
{
	bool terminal = isatty(STDIN_FILENO);

	for (enum question_id i = 0; i < NQUESTIONS; i++) {
		const struct question *question = &questions[i];

		if (is_beside_the_point(answers, i)) {
			if (!answers->given[i])
				continue;
			fprintf(stderr, "tandem: %s needs %s=...\n",
				question->key, questions[question->parent].key);
			return -1;
		}
		if (!answers->given[i] && ask(answers, i, terminal))
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

/* What was written: all that is needed, or in the end nothing. */
struct files {
	char made[FILES_MAX][PATH_MAX];
	size_t n;
};

static void tell_taken(const char *path)
{
	fprintf(stderr,
		"tandem: %s is there already: edit it, or move it away to "
		"begin anew\n",
		path);
}

/* A new file to be written to, one of @files; NULL: it was told why not. */
static FILE *create(struct files *files, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      S_IRUSR | S_IWUSR);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file && !text_set(files->made[files->n], PATH_MAX, path)) {
		files->n++;
		give_to_tandem(fd, path);
	} else if (errno == EEXIST) {
		tell_taken(path);
	} else {
		fprintf(stderr, "tandem: %s: %s\n", path, strerror(errno));
	}
	return file;
}

static int finish(FILE *file, const char *path)
{
	bool whole = !ferror(file);

	if (!fclose(file) && whole)
		return 0;
	fprintf(stderr, "tandem: %s: %s\n", path, strerror(errno));
	return -1;
}

static int write_secret(struct files *files, const struct answers *answers,
			enum question_id id, const char *directory)
{
	char path[PATH_MAX];

	if (!*answers_text(answers, id))
		return 0;
	if (text_format(path, sizeof(path), "%s/%s", directory,
			questions[id].key))
		return -1;
	FILE *file = create(files, path);
	if (!file)
		return -1;
	fprintf(file, "%s\n", answers_text(answers, id));
	return finish(file, path);
}

static int write_files(struct files *files, const struct answers *answers,
		       const char *directory, const char *path)
{
	if (write_secret(files, answers, ASK_SECRET, directory) ||
	    write_secret(files, answers, ASK_PASSWORD, directory))
		return -1;
	FILE *file = create(files, path);
	if (!file)
		return -1;
	answers_write(answers, directory, file);
	return finish(file, path);
}

static int write_all(const struct answers *answers, const char *directory,
		     const char *path)
{
	struct files files = { .n = 0 };
	int r = write_files(&files, answers, directory, path);

	for (size_t i = 0; i < files.n; i++) {
		if (r)
			unlink(files.made[i]);
		else
			printf("wrote %s\n", files.made[i]);
	}
	return r;
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

/* Told before the questions, not after ten answers. */
static int check_place(const char *directory)
{
	char secret[PATH_MAX];

	if (access(directory, W_OK | X_OK)) {
		fprintf(stderr, "tandem: %s: %s%s\n", directory,
			strerror(errno), geteuid() ? "; as root?" : "");
		return -1;
	}
	if (text_format(secret, sizeof(secret), "%s/%s", directory,
			questions[ASK_SECRET].key))
		return -1;
	if (access(secret, F_OK))
		return 0;
	tell_taken(secret);
	return -1;
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
	char directory[PATH_MAX];

	if (!access(path, F_OK)) {
		tell_taken(path);
		return -1;
	}
	int r = take_given(&answers, given);
	if (!r)
		r = directory_of(directory, path);
	if (!r)
		r = check_place(directory);
	if (!r)
		r = ask_all(&answers);
	if (!r)
		r = write_all(&answers, directory, path);
	if (!r)
		r = advice_tell(&answers, path, stdout);
	if (!r) {
		examine(path);
		advice_farewell(&answers, stdout);
	}
	explicit_bzero(&answers, sizeof(answers));
	return r;
}
