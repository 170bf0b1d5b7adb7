/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Values that are typed, for the faces without forms: "name=value", or values
 * alone in the order of a command's fields.
 */
#pragma once

#include <stdio.h>

#include "gateway/admin/command.h"
#include "gateway/base/err.h"

enum args_outcome {
	ARGS_E_UNKNOWN = 1, /* no such field, or no field left */
};

/* How many words without a name were taken. */
struct args {
	const struct command *command;
	struct form_values *values; /* borrowed */
	size_t taken;
};

/* 0, ARGS_E_UNKNOWN, FORM_E_SYNTAX (too many), -ENOMEM. */
CHECKED int args_add(struct args *args, const char *word);

/* Why @word was not taken, in a line. */
void args_explain(FILE *to, const struct command *command, const char *word);

/*
 * @text as the value of a field: yes and no, lists with commas between. "-" is
 * nothing. As form_values_add().
 */
CHECKED int args_set(struct form_values *values, const struct form_spec *spec,
		     const char *text);
