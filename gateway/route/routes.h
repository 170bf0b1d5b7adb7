/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which trunks take a call, by the number's prefix and the time: the routes of
 * tandem.conf(5) and those an operator added at run time (db/route_row.h).
 *
 * The route with the longest prefix that fits, and whose time it is, decides;
 * of equal ones the first: those of the file, then the others by position and
 * name.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "db/route_row.h"
#include "gateway/base/err.h"
#include "gateway/config/config.h"

struct gateway;

/*
 * A trunk that a command named may be gone from the file since: calls take the
 * route's others, and where none is left, the next route. The first that is
 * gone; NULL: all are there.
 */
const char *routes_missing_trunk(const struct gateway *gateway,
				 const struct config_route *route);

enum {
	ROUTES_MAX = 256,       /* added ones */
	ROUTES_TEXT_MAX = 1023, /* octets of prefixes, and of trunks */
};

enum routes_outcome {
	ROUTES_E_FULL = 1, /* ROUTES_MAX are there */
	ROUTES_E_UNKNOWN,  /* none was added by this name */
};

/* Reads what was added, after the trunks. 0 or -errno. */
CHECKED int routes_new(struct gateway *gateway);
void routes_free(struct gateway *gateway);

/* For @number (E.164) at @now, local time; borrowed until the next change, or
 * NULL: the trunk of who calls. */
const struct config_route *routes_find(const struct gateway *gateway,
				       const char *number,
				       const struct tm *now);

/* Whether the time of @route is @now, local time. */
bool routes_is_time(const struct config_route *route, const struct tm *now);

/* Those that were added, also the ones that are not enabled: all in their
 * order, or one by its name (NULL: none); borrowed until the next change. */
typedef void (*routes_fn)(const struct route_row *row,
			  const struct config_route *route, void *arg);
void routes_each_added(const struct gateway *gateway, routes_fn fn, void *arg);
const struct route_row *routes_find_added(const struct gateway *gateway,
					  const char *name);
/* The first of them that has @trunk, enabled or not; NULL: none. */
const struct route_row *routes_find_by_trunk(const struct gateway *gateway,
					     const char *trunk);

/* Add or change; take away. Kept. 0, ROUTES_E_*, -EINVAL (a list, a time),
 * -EMSGSIZE (ROUTES_TEXT_MAX), -ENOBUFS, -ENOMEM: nothing has changed. */
CHECKED int routes_put(struct gateway *gateway, const struct route_row *row);
CHECKED int routes_drop(struct gateway *gateway, const char *name);
/* All again, as account_put_all(). */
CHECKED int routes_put_all(struct gateway *gateway);
