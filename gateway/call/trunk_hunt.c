/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/trunk_hunt.h"

#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/call/fare.h"
#include "gateway/leg/leg_sip.h"
#include "gateway/route/limits.h"

/* Owns its fare and its parties. */
struct trunk_target {
	struct route_trunk by;
	struct sip_parties *parties;
	struct fare *fare;
};

static void free_target(void *arg)
{
	struct trunk_target *target = arg;

	fare_free(target->fare);
	sip_parties_free(target->parties);
	free(target);
}

/* Others may have been placed since the route was found. */
static bool has_line(struct gateway *gateway, const struct fare *fare)
{
	const char *to = config_is_number(fare->to) ? fare->to : NULL;
	enum limit limit = limits_check(gateway, QUOTA_TRUNK, fare->trunk, to,
					LIMITS_TRIES);

	if (limit && !fare->emergency)
		log_info("trunk=%s limit=%s to=%s", fare->trunk,
			 limit_name(limit), log_text(slice_of(fare->to)).s);
	return !limit || fare->emergency;
}

static int new_leg(struct leg **out, struct gateway *gateway, void *arg)
{
	const struct trunk_target *target = arg;

	if (!has_line(gateway, target->fare))
		return -EBUSY;
	return leg_sip_new_callee(
		out, gateway,
		&(struct leg_sip_target){ .trunk = target->by.trunk,
					  .config = target->by.config,
					  .parties = target->parties });
}

static int new_target(struct trunk_target **out, const struct route *route,
		      size_t i)
{
	struct trunk_target *target = calloc(1, sizeof(*target));
	int r;

	if (!target)
		return -ENOMEM;
	target->by = route->trunks[i];
	r = route_dial(&target->parties, route, i);
	if (!r)
		r = fare_new(&target->fare, route, i);
	if (r) {
		free_target(target);
		return r;
	}
	*out = target;
	return 0;
}

static bool answers_early(const struct config_trunk *trunk,
			  enum account_early early)
{
	return early ? early == ACCOUNT_EARLY_ANSWER
		     : trunk->early_media == CONFIG_EARLY_ANSWER;
}

static int add_trunk(struct hunt *hunt, const struct route *route, size_t i,
		     enum account_early early)
{
	const struct config_trunk *trunk = route->trunks[i].config;
	struct trunk_target *target;
	int r = new_target(&target, route, i);

	if (r)
		return r;
	return hunt_add(hunt,
			&(struct hunt_target){
				.name = trunk->name,
				.trunk = trunk->name,
				.early_answer = answers_early(trunk, early),
				.next_on = HUNT_ON_UNREACHABLE |
					   (target->fare->diverted
						    ? HUNT_ON(CAUSE_CREDIT)
						    : 0),
				.fare = target->fare,
				.new_leg = new_leg,
				.free_arg = free_target,
				.arg = target });
}

int trunk_hunt_add(struct hunt *hunt, const struct route *route,
		   enum account_early early)
{
	size_t added = 0;

	for (size_t i = 0; i < route->ntrunks; i++) {
		int r = add_trunk(hunt, route, i, early);

		if (r && r != -EMSGSIZE)
			return r;
		if (r)
			log_warn("trunk=%s what=\"number too long\" to=%s",
				 route->trunks[i].config->name,
				 log_text(slice_of(route->to)).s);
		added += !r;
	}
	return added ? 0 : ROUTE_E_NUMBER;
}
