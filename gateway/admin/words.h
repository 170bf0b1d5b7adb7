/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The words of a conversation: what people type, and what they are asked.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "gateway/admin/command.h"

enum { WORDS_MAX = 32 };

struct words {
	char *text;  /* owned; the words are in it */
	size_t size; /* of it: a word may be a password */
	char *v[WORDS_MAX];
	size_t n;
	size_t used; /* by the command's name: words_command() */
};

/* At blanks and line ends; quotes (") keep what is in them together, also
 * behind a "name=". 0, -E2BIG, -ENOMEM. */
CHECKED int words_split(struct words *out, const char *text);
void words_fini(struct words *words);

/* "number-assign", "number assign": the command, and words->used; NULL. */
const struct command *words_command(struct words *words);

/* All commands that @actor may; one with its fields. */
void words_help(FILE *to, const struct actor *actor);
void words_help_command(FILE *to, const struct command *command);

/* What is asked, with choices and the value of now. */
void words_question(FILE *to, const struct form_field *field);
/* What was answered: also by the number of a choice. As args_set(). */
CHECKED int words_answer(struct form_values *values,
			 const struct form_field *field, const char *text);
/* It stays as it is. 0, -ENOMEM, FORM_E_SYNTAX. */
CHECKED int words_keep(struct form_values *values,
		       const struct form_field *field);
