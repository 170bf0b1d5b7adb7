/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A zone in which it is about noon now: what a test counts is of one day,
 * whenever it runs. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void noon(void)
{
	enum { NOON = 12 };
	time_t now = time(NULL);
	char zone[16];
	struct tm utc;

	gmtime_r(&now, &utc);
	/* POSIX counts west of Greenwich. */
	snprintf(zone, sizeof(zone), "NOON%+d", utc.tm_hour - NOON);
	setenv("TZ", zone, 1);
	tzset();
}
