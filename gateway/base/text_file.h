/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Text written as a file, which ends as a string of its own size.
 *
 * open_memstream(3) begins with 8 KiB for each text, however short: what was
 * allocated in between kept the next one from fitting there, and the heap grew
 * with every call.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "gateway/base/err.h"

enum { TEXT_FILE_BUFFER = 4096 };

/* It stays where it is between the two calls. */
struct text_file {
	FILE *to; /* to write to; the rest is private */
	char *text;
	size_t n, cap;
	char buffer[TEXT_FILE_BUFFER];
};

/* Ended by one of the two below. 0 or -ENOMEM. */
CHECKED int text_file_open(struct text_file *file);
/*
 * The text is *@out, owned by the caller, of *@n octets and a NUL (@n may be
 * NULL). 0, or -ENOMEM when it is not whole.
 */
CHECKED int text_file_close(struct text_file *file, char **out, size_t *n);
/* Nobody wants it. */
void text_file_drop(struct text_file *file);
