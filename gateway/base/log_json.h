/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A line of log as a JSON object (RFC 8259): each `key=value` is a member whose
 * value is a string, what stands between them is "text"; with "time" (RFC 3339)
 * and "level" in front.
 *
 *     call=a1 ringing + answer -> up
 *     {"time":"…","level":"info","call":"a1","text":"ringing + answer -> up"}
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/base/log.h"
#include "gateway/base/slice.h"

enum { LOG_JSON_MEMBERS = 48 }; /* further ones are text */
/* Octets that always suffice for a line of @n. */
#define LOG_JSON_CAP(n) (6 * (n) + 512)

/* Write @line, logged at @wall_ms, to @out of @cap octets. Its length, without
 * a line end or a NUL; 0 when it does not fit. */
size_t log_json_format(char *out, size_t cap, enum log_level level,
		       int64_t wall_ms, struct slice line);
