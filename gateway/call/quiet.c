/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/quiet.h"

#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/config/config.h"
#include "gateway/route/routes.h"

#define ALWAYS "on"

enum { DAYS_CAP = 64 };

/* A route has the same times, and nothing else of it is asked for. */
static bool read_times(struct config_route *out, const char *text)
{
	const char *hours = strrchr(text, ' ');
	char days[DAYS_CAP];

	*out = (struct config_route){ .name = NULL };
	if (!hours || text_copy(days, sizeof(days),
				(struct slice){ text, (size_t)(hours - text) }))
		return false;
	return config_parse_days(&out->days, days) &&
	       config_parse_hours(&out->from_min, &out->until_min, hours + 1);
}

bool quiet_is_valid(const char *text)
{
	struct config_route times;

	return !*text || !strcmp(text, ALWAYS) || read_times(&times, text);
}

bool quiet_is_always(const char *text)
{
	return !strcmp(text, ALWAYS);
}

bool quiet_is(const char *text, const struct tm *now)
{
	struct config_route times;

	if (!*text)
		return false;
	return !strcmp(text, ALWAYS) ||
	       (read_times(&times, text) && routes_is_time(&times, now));
}

bool quiet_is_now(const char *text)
{
	time_t now = time(NULL);
	struct tm local;

	return *text && localtime_r(&now, &local) && quiet_is(text, &local);
}
