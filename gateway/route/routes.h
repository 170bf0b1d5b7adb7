/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which trunks take a call, by the number's prefix and the time: the routes of
 * tandem.conf(5).
 *
 * The route with the longest prefix that fits, and whose time it is, decides;
 * of equal ones the first.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "gateway/config/config.h"

struct gateway;

/* For @number (E.164) at @now, local time; borrowed from the configuration, or
 * NULL: the trunk of who calls. */
const struct config_route *routes_find(const struct gateway *gateway,
				       const char *number,
				       const struct tm *now);

/* Whether the time of @route is @now, local time. */
bool routes_is_time(const struct config_route *route, const struct tm *now);
