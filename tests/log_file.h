/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Our log as a file that tests read. Include it in one .c of a test program. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "tests/test.h"

enum { LOG_FILE_CAP = 65536 };

static char log_file_path[] = "/tmp/tandem-log-XXXXXX";

static inline void log_file_open(void)
{
	close(mkstemp(log_file_path));
	assert_int_equal(log_open(log_file_path, LOG_LEVEL_INFO), 0);
}

static inline void log_file_close(void)
{
	assert_int_equal(log_open("", LOG_LEVEL_ERROR), 0);
	unlink(log_file_path);
	memcpy(log_file_path + strlen(log_file_path) - 6, "XXXXXX", 6);
}

/* How often it says @what. */
static inline unsigned log_file_count(const char *what)
{
	static char text[LOG_FILE_CAP];
	FILE *file = fopen(log_file_path, "re");
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	unsigned count = 0;

	fclose(file);
	text[n] = '\0';
	for (const char *p = text; (p = strstr(p, what)); p++)
		count++;
	return count;
}
