/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The trunks of a route as the targets of a hunt: the next is tried when one
 * leads nowhere. */
#pragma once

#include "db/account.h"
#include "gateway/base/err.h"
#include "gateway/call/hunt.h"
#include "gateway/route/route.h"

/* Add the trunks of @route, with the numbers as each writes them; @early goes
 * before theirs (0: not set). One that could not write the number is left out.
 * 0, ROUTE_E_NUMBER (no trunk can), -errno; some may have been added. */
CHECKED int trunk_hunt_add(struct hunt *hunt, const struct route *route,
			   enum account_early early);
