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
	struct route_row *row;
	struct config_route route; /* made of it */
};

struct routes {
	TAILQ_HEAD(, added) added; /* in their order */
	size_t n;
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
		int n = config_prefix_fit(route->prefixes.v[i], number);

		if (n > most)
			most = n;
	}
	return routes_is_time(route, now) ? most : -1;
}

const char *routes_missing_trunk(const struct gateway *gateway,
				 const struct config_route *route)
{
	for (size_t i = 0; i < route->trunks.n; i++) {
		if (!config_find_trunk(gateway->config, route->trunks.v[i]))
			return route->trunks.v[i];
	}
	return NULL;
}

static bool has_trunk(const struct gateway *gateway,
		      const struct config_route *route)
{
	for (size_t i = 0; i < route->trunks.n; i++) {
		if (config_find_trunk(gateway->config, route->trunks.v[i]))
			return true;
	}
	return false;
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
		int n = added->row->enabled ? fit(&added->route, number, now)
					    : -1;

		if (n > most && has_trunk(gateway, &added->route)) {
			most = n;
			best = &added->route;
		}
	}
	return best;
}

/* ---- those that were added ---- */

void routes_each_added(const struct gateway *gateway, routes_fn fn, void *arg)
{
	const struct added *added;

	TAILQ_FOREACH(added, &gateway->routes->added, link)
		fn(added->row, &added->route, arg);
}

static struct added *find_added(const struct routes *routes, const char *name)
{
	struct added *added;

	TAILQ_FOREACH(added, &routes->added, link) {
		if (!strcmp(added->row->name, name))
			break;
	}
	return added;
}

const struct route_row *routes_find_added(const struct gateway *gateway,
					  const char *name)
{
	const struct added *added = find_added(gateway->routes, name);

	return added ? added->row : NULL;
}

const struct route_row *routes_find_by_trunk(const struct gateway *gateway,
					     const char *trunk)
{
	const struct added *added;

	TAILQ_FOREACH(added, &gateway->routes->added, link) {
		const struct config_texts *trunks = &added->route.trunks;

		for (size_t i = 0; i < trunks->n; i++) {
			if (!strcmp(trunks->v[i], trunk))
				return added->row;
		}
	}
	return NULL;
}

static struct added *free_added(struct added *added)
{
	if (!added)
		return NULL;
	free(added->route.name);
	config_texts_fini(&added->route.prefixes);
	config_texts_fini(&added->route.trunks);
	route_row_free(added->row);
	free(added);
	return NULL;
}
DEFINE_AUTO(struct added *, free_added)

static int check_row(const struct route_row *row)
{
	if (!row->days || row->days >= 1u << NDAYS ||
	    row->from_min >= CONFIG_DAY_MIN ||
	    row->until_min > CONFIG_DAY_MIN ||
	    row->from_min == row->until_min || !config_is_trunk_name(row->name))
		return -EINVAL;
	return strlen(row->prefixes) > ROUTES_TEXT_MAX ||
			       strlen(row->trunks) > ROUTES_TEXT_MAX
		       ? -EMSGSIZE
		       : 0;
}

static int read_row(struct added *out, const struct route_row *row)
{
	out->row = route_row_copy(row);
	out->route.name = text_dup(slice_of(row->name));
	if (!out->row || !out->route.name)
		return -ENOMEM;
	out->route.days = row->days;
	out->route.from_min = row->from_min;
	out->route.until_min = row->until_min;
	int r = config_texts_parse(&out->route.prefixes, row->prefixes,
				   config_is_prefix);
	if (!r)
		r = config_texts_parse(&out->route.trunks, row->trunks,
				       config_is_trunk_name);
	return !r && !out->route.trunks.n ? -EINVAL : r;
}

static int new_added(struct added **out, const struct route_row *row)
{
	AUTO(free_addedp) struct added *added = NULL;
	int r = check_row(row);

	if (r)
		return r;
	added = calloc(1, sizeof(*added));
	r = added ? read_row(added, row) : -ENOMEM;
	if (r)
		return r;
	*out = added;
	added = NULL;
	return 0;
}

static void forget(struct routes *routes, struct added *added)
{
	TAILQ_REMOVE(&routes->added, added, link);
	routes->n--;
	free_added(added);
}

static bool is_before(const struct route_row *a, const struct route_row *b)
{
	return a->position < b->position ||
	       (a->position == b->position && strcmp(a->name, b->name) < 0);
}

static void insert(struct routes *routes, struct added *added)
{
	struct added *other;

	TAILQ_FOREACH(other, &routes->added, link) {
		if (is_before(added->row, other->row))
			break;
	}
	if (other)
		TAILQ_INSERT_BEFORE(other, added, link);
	else
		TAILQ_INSERT_TAIL(&routes->added, added, link);
	routes->n++;
}

int routes_put(struct gateway *gateway, const struct route_row *row)
{
	AUTO(free_addedp) struct added *added = NULL;
	struct routes *routes = gateway->routes;
	struct added *before = find_added(routes, row->name);

	if (!before && routes->n == ROUTES_MAX)
		return ROUTES_E_FULL;
	int r = new_added(&added, row);
	if (!r)
		r = route_row_put(gateway->db, row, NULL, NULL);
	if (r)
		return r;
	if (before)
		forget(routes, before);
	insert(routes, added);
	added = NULL;
	return 0;
}

int routes_drop(struct gateway *gateway, const char *name)
{
	struct added *added = find_added(gateway->routes, name);

	if (!added)
		return ROUTES_E_UNKNOWN;
	int r = route_row_drop(gateway->db, name, NULL, NULL);
	if (!r)
		forget(gateway->routes, added);
	return r;
}

int routes_put_all(struct gateway *gateway)
{
	const struct added *added;
	int r = 0;

	TAILQ_FOREACH(added, &gateway->routes->added, link) {
		int one = route_row_put(gateway->db, added->row, NULL, NULL);
		r = one ? one : r;
	}
	return r;
}

/* ---- life ---- */

struct load {
	const struct gateway *gateway;
	int result;
};

static void tell_missing(const struct gateway *gateway,
			 const struct config_route *route)
{
	const char *trunk = routes_missing_trunk(gateway, route);

	if (trunk)
		log_warn("route=%s trunk=%s missing: calls take its other "
			 "trunks, or the next route; the command route-put "
			 "changes it",
			 route->name, trunk);
}

static void on_row(const void *data, void *arg)
{
	const struct route_row *row = data;
	struct load *load = arg;
	struct added *added;
	int r = new_added(&added, row);

	if (r == -EINVAL || r == -EMSGSIZE)
		log_error("route=%s unreadable: left out",
			  log_text(slice_of(row->name)).s);
	else if (r)
		load->result = r;
	if (r)
		return;
	insert(load->gateway->routes, added);
	tell_missing(load->gateway, &added->route);
}

int routes_new(struct gateway *gateway)
{
	struct routes *routes = calloc(1, sizeof(*routes));
	struct load load = { gateway, 0 };

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

	gateway->routes = NULL;
	while (routes && routes->n)
		forget(routes, TAILQ_FIRST(&routes->added));
	free(routes);
}
