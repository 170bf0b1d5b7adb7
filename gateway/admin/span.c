/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/span.h"

#include <stdio.h>
#include <time.h>

#include "gateway/base/clock.h"

enum {
	S_PER_MIN = 60,
	S_PER_H = 3600,
	S_PER_DAY = 86400,
};

struct span_text span_text(uint64_t ms)
{
	unsigned long long s = ms / MS_PER_S;
	struct span_text out;

	if (s >= S_PER_DAY)
		snprintf(out.s, sizeof(out.s), "%llu d %llu h", s / S_PER_DAY,
			 s % S_PER_DAY / S_PER_H);
	else if (s >= S_PER_H)
		snprintf(out.s, sizeof(out.s), "%llu h %llu min", s / S_PER_H,
			 s % S_PER_H / S_PER_MIN);
	else if (s >= S_PER_MIN)
		snprintf(out.s, sizeof(out.s), "%llu min %llu s", s / S_PER_MIN,
			 s % S_PER_MIN);
	else
		snprintf(out.s, sizeof(out.s), "%llu s", s);
	return out;
}

struct span_text span_time(int64_t wall_ms)
{
	struct span_text out = { "" };
	time_t seconds = (time_t)(wall_ms / MS_PER_S);
	struct tm tm;

	if (wall_ms && gmtime_r(&seconds, &tm) &&
	    !strftime(out.s, sizeof(out.s), "%Y-%m-%d %H:%M:%S", &tm))
		out.s[0] = '\0';
	return out;
}

bool span_parse_time(int64_t *wall_ms, const char *text)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S",
					       "%Y-%m-%d %H:%M", "%Y-%m-%d" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, formats[i], &tm);

		if (!end || *end)
			continue;
		*wall_ms = (int64_t)timegm(&tm) * MS_PER_S;
		return true;
	}
	return false;
}
