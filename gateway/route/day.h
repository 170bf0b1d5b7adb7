/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The days by which minutes are counted: from midnight to midnight by the
 * operator's clock and zone. It may be set while the process runs; days then
 * come early, are skipped, or come again (toll.h has what that means).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct day {
	int64_t number;    /* since 1970, of the local calendar */
	int64_t began_ms;  /* wall */
	int64_t ends_ms;   /* wall; the next begins */
	int64_t looked_ms; /* clock_ms() when it was last found to be this */
	int64_t since_ms;  /* when it began by clock_ms(), as far as is known */
};

/* Whether it is another day at @wall_ms, which is @now_ms by clock_ms(), than
 * @day says; it is that one then. One of zeros is none. */
bool day_turn(struct day *day, int64_t wall_ms, int64_t now_ms);
