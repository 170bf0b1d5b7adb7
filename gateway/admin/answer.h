/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a command has to say, whoever asked and how: notes, facts (label and
 * value) and one table. Faces write it in their own way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "gateway/base/err.h"

enum { ANSWER_MAX_COLUMNS = 16 };

enum answer_level { ANSWER_INFO, ANSWER_WARN, ANSWER_ERROR };
const char *answer_level_name(enum answer_level level); /* "info" */

struct answer;

/* *@out is owned by the caller: answer_free(). 0 or -ENOMEM. */
CHECKED int answer_new(struct answer **out);
struct answer *answer_free(struct answer *answer);
DEFINE_AUTO(struct answer *, answer_free)

/* Building: without memory the whole is marked. */
void answer_note(struct answer *answer, enum answer_level level,
		 const char *fmt, ...) PRINTF(3, 4);
#define answer_info(answer, ...)  answer_note(answer, ANSWER_INFO, __VA_ARGS__)
#define answer_warn(answer, ...)  answer_note(answer, ANSWER_WARN, __VA_ARGS__)
#define answer_error(answer, ...) answer_note(answer, ANSWER_ERROR, __VA_ARGS__)
void answer_fact(struct answer *answer, const char *label, const char *fmt, ...)
	PRINTF(3, 4);
/* A fact that clients look for by the name of its field. */
void answer_named(struct answer *answer, const char *var, const char *label,
		  const char *fmt, ...) PRINTF(4, 5);
/* Labels are constants. */
void answer_column(struct answer *answer, const char *label);
/* The next cell; a row is full when all columns have theirs. */
void answer_cell(struct answer *answer, const char *fmt, ...) PRINTF(2, 3);
CHECKED bool answer_ok(const struct answer *answer);

/* Reading; all is borrowed. NULL behind the last. */
const char *answer_note_at(const struct answer *answer, size_t i,
			   enum answer_level *level);
const char *answer_fact_at(const struct answer *answer, size_t i,
			   const char **label);
/* The name of its field; NULL: made from the label. */
const char *answer_fact_var(const struct answer *answer, size_t i);
const char *answer_column_at(const struct answer *answer, size_t i);
size_t answer_rows(const struct answer *answer);
const char *answer_cell_at(const struct answer *answer, size_t row,
			   size_t column);
/* Whether it has a note of ANSWER_ERROR. */
bool answer_failed(const struct answer *answer);

enum answer_style {
	ANSWER_ALIGNED, /* for terminals: columns under each other */
	ANSWER_TABS,    /* for programs: cells with tabs between, no heads */
	ANSWER_CHAT,    /* for narrow, proportional letters */
};
void answer_print(const struct answer *answer, enum answer_style style,
		  FILE *to);
