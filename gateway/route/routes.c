/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/routes.h"

#include <string.h>

#include "gateway/gateway.h"

enum { NDAYS = 7, HOUR_MIN = 60 };

/* Past midnight the day is still the one on which the time began. */
bool routes_is_time(const struct config_route *route, const struct tm *now)
{
	unsigned minute =
		(unsigned)now->tm_hour * HOUR_MIN + (unsigned)now->tm_min;
	unsigned day = ((unsigned)now->tm_wday + NDAYS - 1) % NDAYS;
	unsigned day_before = (day + NDAYS - 1) % NDAYS;
	bool over_night = route->until_min <= route->from_min;

	if (over_night && minute < route->until_min)
		return route->days & 1u << day_before;
	return (route->days & 1u << day) && minute >= route->from_min &&
	       (over_night || minute < route->until_min);
}

/* The length of its longest prefix that fits; -1: it is not for @number. */
static int fit(const struct config_route *route, const char *number,
	       const struct tm *now)
{
	int most = route->prefixes.n ? -1 : 0;

	for (size_t i = 0; i < route->prefixes.n; i++) {
		size_t n = strlen(route->prefixes.v[i]);

		if ((int)n > most && !strncmp(number, route->prefixes.v[i], n))
			most = (int)n;
	}
	return routes_is_time(route, now) ? most : -1;
}

const struct config_route *routes_find(const struct gateway *gateway,
				       const char *number, const struct tm *now)
{
	const struct config *config = gateway->config;
	const struct config_route *best = NULL;
	int most = -1;

	for (size_t i = 0; i < config->nroutes; i++) {
		int n = fit(&config->routes[i], number, now);

		if (n > most) {
			most = n;
			best = &config->routes[i];
		}
	}
	return best;
}
