/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which trunks take a call, by the number's prefix and the time: the routes of
 * tandem.conf(5) and those an administrator added at run time (db/route_row.h).
 *
 * The route with the longest prefix that fits, and whose time it is, decides;
 * of equal ones the first: those of the file, then the others by position.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "db/route_row.h"
#include "gateway/base/err.h"
#include "gateway/config/config.h"

struct gateway;

/* Reads what was added. 0 or -errno. */
CHECKED int routes_new(struct gateway *gateway);
void routes_free(struct gateway *gateway);

/* For @number (E.164) at @now, local time; borrowed until the next change, or
 * NULL: the trunk of who calls. */
const struct config_route *routes_find(const struct gateway *gateway,
				       const char *number,
				       const struct tm *now);

/* Whether the time of @route is @now, local time. */
bool routes_is_time(const struct config_route *route, const struct tm *now);

/* Add or change; take away. Kept. 0, -EINVAL (a list, a time), -ENOBUFS,
 * -ENOMEM: nothing has changed. */
CHECKED int routes_put(struct gateway *gateway, const struct route_row *row);
CHECKED int routes_drop(struct gateway *gateway, const char *name);
