/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Lists that may be long: so many of their rows, from one on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/admin/command.h"

enum {
	ROWS_COUNT_MAX = 10000, /* at a time */
	ROWS_FROM_MAX = 10000000,
};

/* The fields of a command that lists so, behind what it looks for. */
#define ROWS_FIELDS                                                         \
	{ .var = "count",                                                   \
	  .label = "How many",                                              \
	  .type = FORM_TEXT_SINGLE,                                         \
	  .required = true,                                                 \
	  .initial = "100",                                                 \
	  .integer = true,                                                  \
	  .min = 1,                                                         \
	  .max = ROWS_COUNT_MAX },                                          \
	{                                                                   \
		.var = "from", .label = "From which on",                    \
		.type = FORM_TEXT_SINGLE, .required = true, .initial = "1", \
		.integer = true, .min = 1, .max = ROWS_FROM_MAX,            \
		.desc = "1 is the first"                                    \
	}

struct rows {
	struct request *request; /* borrowed */
	unsigned from, count;    /* 0: a command without these fields; all */
	size_t n;                /* that there are, as far as was looked */
};

/* With @columns, of which there are @n, in the answer to @request. */
void rows_start(struct rows *rows, struct request *request,
		const char *const *columns, size_t n);
/* There is one more: whether its cells are wanted. */
bool rows_take(struct rows *rows);
/* Says that there are none, such @what, or how the next ones are seen. */
void rows_end(struct rows *rows, const char *what);
