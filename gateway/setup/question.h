/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What --setup asks, in its order, and the answers. An answer is right when the
 * configuration that is made of it and those before is.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "gateway/base/err.h"

enum question_id {
	ASK_DOMAIN,
	ASK_SERVER,
	ASK_SECRET,
	ASK_ADMIN,
	ASK_PUBLIC,
	ASK_TRUNK,
	ASK_USERNAME,
	ASK_PASSWORD,
	ASK_NUMBER,
	ASK_OWNER,
	NQUESTIONS
};

struct question {
	const char *key, *text;
	const char *initial; /* an empty answer means that */
	bool is_needed;      /* an empty answer is none */
	bool is_secret;      /* not shown while it is typed */
	bool has_parent;     /* asked only when @parent has an answer */
	enum question_id parent;
};
extern const struct question questions[NQUESTIONS];

enum { ANSWER_CAP = 512, COMPONENT_PORT = 5347 };

struct answers {
	bool given[NQUESTIONS];
	char text[NQUESTIONS][ANSWER_CAP]; /* "" where not given */
};

/* What counts: "" of a question whose parent has no answer. */
const char *answers_text(const struct answers *answers, enum question_id id);

/*
 * tandem.conf(5) of @answers. @directory: secrets are in files there; NULL: in
 * the text itself, to be checked and forgotten.
 */
void answers_write(const struct answers *answers, const char *directory,
		   FILE *to);

/* Whether that would be a configuration; the first mistake is told to @to. */
bool answers_are_right(const struct answers *answers, FILE *to);

/* "host" and "port" of the answer to ASK_SERVER, in @host of ANSWER_CAP. */
unsigned answers_server(const struct answers *answers,
			char host[static ANSWER_CAP]);
