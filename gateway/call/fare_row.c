/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/fare_row.h"

#include <string.h>

#include "db/session.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/call/fare_record.h"
#include "gateway/gateway.h"
#include "gateway/route/toll.h"

void fare_row_put(struct session_row *row, const struct fare *fare,
		  int64_t since_ms, unsigned part)
{
	row->payer = fare->account;
	row->paid_from = fare->from;
	row->paid_to = fare->to;
	row->paid_trunk = fare->trunk;
	row->paid_diverted = fare->diverted;
	row->paid_emergency = fare->emergency;
	row->paid_since_ms = since_ms;
	row->transfers = part;
}

/* As versions to 016 wrote them: the call's only fare in both. */
static bool are_same(const struct session_row *a, const struct session_row *b)
{
	return !strcmp(a->payer, b->payer) && !strcmp(a->paid_to, b->paid_to) &&
	       a->paid_since_ms == b->paid_since_ms;
}

/* A leg that called is paid for once it was transferred alone. */
static bool is_others(const struct session_row *own)
{
	bool caller = own->side == SESSION_SIDE_A;
	bool callers = own->inbound && !own->paid_diverted;

	return caller != callers;
}

bool fare_row_get(struct fare_past *out, const struct session_row *own,
		  const struct session_row *other)
{
	if (!*own->payer || (other && are_same(own, other) && is_others(own)))
		return false;
	*out = (struct fare_past){
		.fare = { .account = (char *)own->payer,
			  .from = (char *)own->paid_from,
			  .to = (char *)own->paid_to,
			  .trunk = (char *)own->paid_trunk,
			  .diverted = own->paid_diverted,
			  .emergency = own->paid_emergency },
		.since_ms = own->paid_since_ms,
		.part = own->transfers,
	};
	return true;
}

/* ---- of a call that is lost ---- */

static void count(struct gateway *gateway, enum toll_kind kind,
		  const char *name, int64_t talked_ms)
{
	struct toll_meter meter = { .over = NULL };

	if (toll_start(gateway, &meter, kind, name,
		       (int64_t)clock_ms() - talked_ms))
		log_error("usage=lost name=%s ms=%lld",
			  log_text(slice_of(name)).s, (long long)talked_ms);
	toll_stop(&meter);
}

static void settle(struct gateway *gateway, const struct session_row *row,
		   const struct fare_past *past, int64_t ended_ms)
{
	int64_t since_ms = past->since_ms ? past->since_ms : row->answered_ms;
	const struct fare_record record = {
		.call = row->call,
		.part = past->part,
		.fare = &past->fare,
		.started_ms = past->since_ms ? past->since_ms : row->started_ms,
		.answered_ms = since_ms,
		.ended_ms = ended_ms,
		.cause = CAUSE_LOST,
	};

	if (past->fare.diverted || past->since_ms)
		fare_record_put(gateway, &record);
	if (!since_ms || ended_ms <= since_ms)
		return;
	count(gateway, TOLL_ACCOUNT, past->fare.account, ended_ms - since_ms);
	count(gateway, TOLL_TRUNK, past->fare.trunk, ended_ms - since_ms);
}

void fare_row_lost(struct gateway *gateway, const struct session_row *a,
		   const struct session_row *b, int64_t ended_ms)
{
	struct fare_past past;
	bool paid = false;

	if (fare_row_get(&past, a, b)) {
		settle(gateway, a, &past, ended_ms);
		paid = true;
	}
	if (b && fare_row_get(&past, b, a)) {
		settle(gateway, b, &past, ended_ms);
		paid = true;
	}
	/* They stay until both sides are told, perhaps by another process. */
	if (paid && session_settle(gateway->db, a->call, NULL, NULL))
		log_warn("call=%s session=not-settled", a->call);
}
