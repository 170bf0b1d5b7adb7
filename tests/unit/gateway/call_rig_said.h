/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a call under test has said, in order. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "tests/test.h"

static char said[2000];

static inline void say(const char *what)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s%s", n ? " " : "", what);
}

static inline void expect(const char *words)
{
	assert_string_equal(said, words);
	said[0] = '\0';
}
