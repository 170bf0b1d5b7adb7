/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/day.h"

#include <time.h>

#include "gateway/base/clock.h"

enum { S_PER_DAY = 24 * 3600 };

static bool is_within(const struct day *day, int64_t wall_ms)
{
	return wall_ms >= day->began_ms && wall_ms < day->ends_ms;
}

/* Midnight, @days after that of @local; where clocks are set forward at it,
 * the first second of the day. */
static int64_t midnight_ms(const struct tm *local, int days)
{
	struct tm tm = { .tm_year = local->tm_year,
			 .tm_mon = local->tm_mon,
			 .tm_mday = local->tm_mday + days,
			 .tm_isdst = -1 };

	return (int64_t)mktime(&tm) * MS_PER_S;
}

static int64_t number_of(const struct tm *local)
{
	struct tm tm = { .tm_year = local->tm_year,
			 .tm_mon = local->tm_mon,
			 .tm_mday = local->tm_mday };

	return (int64_t)timegm(&tm) / S_PER_DAY;
}

/* No later than it was found to be another day: the clock may have been set
 * across this one's midnight. */
static int64_t since(const struct day *day, int64_t began_ms, int64_t now_ms)
{
	bool known = day->ends_ms;

	if (known && began_ms < day->looked_ms)
		return day->looked_ms;
	return began_ms < now_ms ? began_ms : now_ms;
}

bool day_turn(struct day *day, int64_t wall_ms, int64_t now_ms)
{
	time_t wall = (time_t)(wall_ms / MS_PER_S);
	struct tm local;

	if (is_within(day, wall_ms) || !localtime_r(&wall, &local)) {
		day->looked_ms = now_ms;
		return false;
	}
	int64_t began_ms = midnight_ms(&local, 0);
	struct day turned = {
		.number = number_of(&local),
		.began_ms = began_ms,
		.ends_ms = midnight_ms(&local, 1),
		.looked_ms = now_ms,
		.since_ms = since(day, now_ms - (wall_ms - began_ms), now_ms),
	};
	/* Where there is no midnight, as clocks are set forward at it. */
	if (day->ends_ms && turned.number == day->number)
		return false;
	*day = turned;
	return true;
}
