/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/routes.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"

enum { NDAYS = 7, HOUR_MIN = 60 };

struct added {
	TAILQ_ENTRY(added) link;
	uint32_t position;
	struct config_route route;
};

struct routes {
	TAILQ_HEAD(, added) added; /* in their order */
};

/* ---- which ---- */

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
	const struct added *added;
	int most = -1;

	for (size_t i = 0; i < config->nroutes; i++) {
		int n = fit(&config->routes[i], number, now);

		if (n > most) {
			most = n;
			best = &config->routes[i];
		}
	}
	if (!gateway->routes)
		return best;
	TAILQ_FOREACH(added, &gateway->routes->added, link) {
		int n = fit(&added->route, number, now);

		if (n > most) {
			most = n;
			best = &added->route;
		}
	}
	return best;
}

/* ---- those that were added ---- */

static void free_added(struct added *added)
{
	free(added->route.name);
	config_texts_fini(&added->route.prefixes);
	config_texts_fini(&added->route.trunks);
	free(added);
}

static bool is_well_timed(const struct route_row *row)
{
	return row->days && row->days < 1u << NDAYS &&
	       row->from_min < CONFIG_DAY_MIN &&
	       row->until_min <= CONFIG_DAY_MIN &&
	       row->from_min != row->until_min;
}

static int new_added(struct added **out, const struct route_row *row)
{
	struct added *added;
	int r;

	if (!is_well_timed(row) || !config_is_trunk_name(row->name))
		return -EINVAL;
	added = calloc(1, sizeof(*added));
	if (!added)
		return -ENOMEM;
	added->position = row->position;
	added->route.days = row->days;
	added->route.from_min = row->from_min;
	added->route.until_min = row->until_min;
	added->route.name = text_dup(slice_of(row->name));
	r = added->route.name ? 0 : -ENOMEM;
	if (!r)
		r = config_texts_parse(&added->route.prefixes, row->prefixes,
				       config_is_prefix);
	if (!r)
		r = config_texts_parse(&added->route.trunks, row->trunks,
				       config_is_trunk_name);
	if (!r && !added->route.trunks.n)
		r = -EINVAL;
	if (r) {
		free_added(added);
		return r;
	}
	*out = added;
	return 0;
}

static void forget(struct routes *routes, const char *name)
{
	struct added *added, *next;

	TAILQ_FOREACH_SAFE(added, &routes->added, link, next) {
		if (strcmp(added->route.name, name) != 0)
			continue;
		TAILQ_REMOVE(&routes->added, added, link);
		free_added(added);
	}
}

static void insert(struct routes *routes, struct added *added)
{
	struct added *other;

	TAILQ_FOREACH(other, &routes->added, link) {
		if (other->position <= added->position)
			continue;
		TAILQ_INSERT_BEFORE(other, added, link);
		return;
	}
	TAILQ_INSERT_TAIL(&routes->added, added, link);
}

int routes_put(struct gateway *gateway, const struct route_row *row)
{
	struct added *added;
	int r = new_added(&added, row);

	if (r)
		return r;
	r = route_row_put(gateway->db, row, NULL, NULL);
	if (r) {
		free_added(added);
		return r;
	}
	forget(gateway->routes, row->name);
	if (row->enabled)
		insert(gateway->routes, added);
	else
		free_added(added);
	return 0;
}

int routes_drop(struct gateway *gateway, const char *name)
{
	int r = route_row_drop(gateway->db, name, NULL, NULL);

	if (!r)
		forget(gateway->routes, name);
	return r;
}

/* ---- life ---- */

struct load {
	struct routes *routes;
	int result;
};

static void on_row(const void *data, void *arg)
{
	const struct route_row *row = data;
	struct load *load = arg;
	struct added *added;
	int r = row->enabled ? new_added(&added, row) : 0;

	if (r == -EINVAL)
		log_error("route=%s unreadable: left out",
			  log_text(slice_of(row->name)).s);
	else if (r)
		load->result = r;
	else if (row->enabled)
		insert(load->routes, added);
}

int routes_new(struct gateway *gateway)
{
	struct routes *routes = calloc(1, sizeof(*routes));
	struct load load = { routes, 0 };

	if (!routes)
		return -ENOMEM;
	TAILQ_INIT(&routes->added);
	gateway->routes = routes;
	int r = route_row_load_all(gateway->db, on_row, &load);
	return r ? r : load.result;
}

void routes_free(struct gateway *gateway)
{
	struct routes *routes = gateway->routes;
	struct added *added;

	gateway->routes = NULL;
	if (!routes)
		return;
	while ((added = TAILQ_FIRST(&routes->added))) {
		TAILQ_REMOVE(&routes->added, added, link);
		free_added(added);
	}
	free(routes);
}
