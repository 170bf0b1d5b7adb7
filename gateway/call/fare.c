/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/fare.h"

#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/limits.h"
#include "gateway/route/route.h"
#include "xmpp/jid.h"

/* As limits have it, which compare it with that of every call. */
static char *dup_account(const char *account)
{
	char bare[JID_CAP];
	bool is_jid = !jid_bare(bare, sizeof(bare), account);

	return text_dup(slice_of(is_jid ? bare : account));
}

static int new_fare(struct fare **out, const struct fare *of)
{
	AUTO(fare_freep) struct fare *fare = calloc(1, sizeof(*fare));

	if (!fare)
		return -ENOMEM;
	fare->emergency = of->emergency;
	fare->diverted = of->diverted;
	fare->account = dup_account(of->account);
	fare->from = text_dup(slice_of(of->from));
	fare->to = text_dup(slice_of(of->to));
	fare->trunk = text_dup(slice_of(of->trunk));
	if (!fare->account || !fare->from || !fare->to || !fare->trunk)
		return -ENOMEM;
	*out = fare;
	fare = NULL;
	return 0;
}

int fare_new(struct fare **out, const struct route *route, size_t i)
{
	return new_fare(out,
			&(struct fare){ .account = (char *)route->account,
					.from = (char *)route->from,
					.to = (char *)route->to,
					.trunk = route->trunks[i].config->name,
					.emergency = route->emergency,
					.diverted = route->diverted != NULL });
}

int fare_copy(struct fare **out, const struct fare *fare)
{
	return new_fare(out, fare);
}

struct fare *fare_free(struct fare *fare)
{
	if (!fare)
		return NULL;
	free(fare->account);
	free(fare->from);
	free(fare->to);
	free(fare->trunk);
	free(fare);
	return NULL;
}

bool fare_is_same(const struct fare *a, const struct fare *b)
{
	return a && b && jid_same_bare(a->account, b->account) &&
	       !strcmp(a->to, b->to) && !strcmp(a->trunk, b->trunk);
}

/* They were asked when the route was found. Until a call is forwarded it may
 * have rung for a while, and others have been placed. */
static bool is_within_limits(struct gateway *gateway, const struct fare *fare)
{
	/* A trunk's user or code has no prefix. */
	const char *to = *fare->to == '+' ? fare->to : NULL;
	enum limit limit;

	if (!fare->diverted || fare->emergency)
		return true;
	limit = limits_check(gateway, QUOTA_ACCOUNT, fare->account, to,
			     LIMITS_TRIED);
	if (!limit)
		limit = limits_check(gateway, QUOTA_TRUNK, fare->trunk, to,
				     LIMITS_TRIED);
	if (limit)
		log_warn("forward=refused account=%s trunk=%s to=%s limit=%s",
			 log_text(slice_of(fare->account)).s, fare->trunk,
			 log_text(slice_of(fare->to)).s, limit_name(limit));
	return !limit;
}

int fare_ask(struct question **out, struct gateway *gateway,
	     const struct fare *fare, const struct fare_asker *asker)
{
	if (!asker->transfers && !is_within_limits(gateway, fare))
		return FARE_E_LIMIT;
	if (fare->emergency || !bill_asks(gateway))
		return FARE_E_FREE;
	const struct bill_request request = {
		.kind = BILL_CALL,
		.id = asker->id,
		.part = asker->transfers ? BILL_TRANSFERRED
			: fare->diverted ? BILL_FORWARDED
					 : BILL_DIALLED,
		.account = fare->account,
		.from = asker->from ? asker->from : fare->from,
		.to = fare->to,
		.trunk = fare->trunk,
	};
	return bill_ask(out, gateway, &request, asker->fn, asker->arg);
}
