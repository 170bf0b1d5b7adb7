/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One line per event, `key=value` pairs, to stderr with systemd's priority
 * prefix or to a file. Every line about a call starts with `call=<id>`.
 * Callable from every thread; never blocks on a full pipe: lines that cannot
 * be written (nobody reads, the disk is full) are dropped and counted, and the
 * next one that can be is preceded by how many they were.
 *
 *     log_info("call=%s state=up", id);
 *
 * What a peer wrote goes through log_text() first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

/* The values are syslog's, as systemd's prefix wants them. */
enum log_level {
	LOG_LEVEL_ERROR = 3, /* an operator must act */
	LOG_LEVEL_WARN = 4,  /* refused, retried */
	LOG_LEVEL_INFO = 6,  /* a call, trunk or stream changed */
	LOG_LEVEL_DEBUG = 7, /* messages; off by default */
};

/* "error", "warn", "info", "debug". 0 or -EINVAL. */
CHECKED int log_level_parse(const char *name, enum log_level *out);

/*
 * Write to @path (appending), or to stderr when it is "" or NULL. Again with
 * the same path: the file is opened anew, after rotation. 0 or -errno, and the
 * log stays where it was.
 */
CHECKED int log_open(const char *path, enum log_level level);

void log_set_level(enum log_level level);
/* From now on a line is a JSON object (log_json.h), without a prefix. */
void log_set_json(bool on);
enum log_level log_level(void);
const char *log_level_name(enum log_level level);
bool log_on(enum log_level level);

/* Lines that could not be written. */
unsigned long log_dropped(void);

void log_line(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                          \
	do {                                                    \
		if (log_on(LOG_LEVEL_DEBUG))                    \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

enum { LOG_TEXT_CAP = 512 };
struct log_text {
	char s[LOG_TEXT_CAP];
};

/*
 * A peer's text, quoted; what is no UTF-8, control characters, bidirectional
 * overrides, quotes and backslashes as \xNN; cut at a character when long:
 *     log_warn("from=%s", log_text(s).s);
 */
struct log_text log_text(struct slice s);
