/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Lists of names as one text.
 */
#pragma once

#include <stddef.h>

struct list_text {
	char s[1024];
};

/* "a, b, c"; "…" stands for those that do not fit. */
struct list_text list_join(const char *const *names, size_t n);
