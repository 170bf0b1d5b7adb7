/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/fare_record.h"

#include "db/cdr.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"
#include "gateway/call/call.h"
#include "gateway/call/fare.h"
#include "gateway/gateway.h"

void fare_record_put(struct gateway *gateway, const struct fare_record *record)
{
	enum { FIRST = 2, NAME_CAP = CALL_NAME_CAP + 8 };
	const struct fare *fare = record->fare;
	char name[NAME_CAP];
	const struct cdr cdr = {
		.call = name,
		.direction = CDR_OUTBOUND,
		.caller = fare->from,
		.callee = fare->to,
		.account = fare->account,
		.trunk = fare->trunk,
		.started_ms = record->started_ms,
		.answered_ms = record->answered_ms,
		.ended_ms = record->ended_ms,
		.cause = cause_name(record->cause),
		.push = bill_pushes(gateway),
		.sip_status = (uint16_t)cause_sip_status(record->cause),
		.q850 = (uint16_t)cause_q850(record->cause),
	};

	if (text_format(name, sizeof(name), "%s-%u", record->call,
			record->part + FIRST) ||
	    cdr_put(gateway->db, &cdr, NULL, NULL))
		log_error("call=%s cdr=lost what=\"a leg to a trunk\"",
			  record->call);
	bill_record_written(gateway);
}
