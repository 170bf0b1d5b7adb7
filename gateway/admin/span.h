/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Times as people read them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct span_text {
	char s[32];
};

/* "2 d 3 h", "1 h 5 min", "4 min 3 s", "12 s" */
struct span_text span_text(uint64_t ms);
/* Wall time in UTC, "2026-11-21 17:04:05"; "" for 0. */
struct span_text span_time(int64_t wall_ms);
/* "2026-11-21", or with " 17:04" or " 17:04:05", in UTC. False: neither. */
bool span_parse_time(int64_t *wall_ms, const char *text);
