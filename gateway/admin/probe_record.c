/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/probe_record.h"

#include "db/cdr.h"
#include "gateway/admin/probe_call.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/bill/bill.h"
#include "gateway/call/cause.h"
#include "gateway/gateway.h"

static bool is_answered(const struct probe_call_result *result)
{
	return result->codec != NULL;
}

/* Who gives up before an answer is us. */
static enum cause cause_of(const struct probe_call_result *result)
{
	if (is_answered(result))
		return CAUSE_NORMAL;
	return result->status ? cause_of_status(result->status)
	       : result->over ? CAUSE_NO_ANSWER
			      : CAUSE_CANCEL;
}

void probe_record_put(struct gateway *gateway,
		      const struct probe_record *record,
		      const struct probe_call_result *result)
{
	enum cause cause = cause_of(result);
	char name[RAND_UUID_CAP];
	struct cdr cdr = {
		.call = name,
		.direction = CDR_OUTBOUND,
		.caller = record->from,
		.callee = record->to,
		.trunk = record->trunk,
		.started_ms = record->started_ms,
		.ended_ms = clock_wall_ms(),
		.cause = cause_name(cause),
		.end_text = PROBE_RECORD_TEXT,
		.sip_status =
			(uint16_t)(result->status ? result->status
						  : cause_sip_status(cause)),
		.q850 = (uint16_t)cause_q850(cause),
		.ended_by = result->status && !is_answered(result)
				    ? CDR_END_CALLEE
				    : CDR_END_GATEWAY,
		.push = bill_pushes(gateway),
		.callee_media = { .rx_packets = result->received,
				  .tx_packets = result->sent,
				  .lost = result->lost,
				  .codec = result->codec },
	};

	rand_uuid(name);
	if (result->ring_ms)
		cdr.ringing_ms = record->started_ms + result->ring_ms;
	if (is_answered(result))
		cdr.answered_ms = record->started_ms + result->answer_ms;
	log_info("call=%s event=ended cause=%s trunk=%s to=%s text=%s", name,
		 cdr.cause, record->trunk, log_text(slice_of(record->to)).s,
		 PROBE_RECORD_TEXT);
	if (cdr_put(gateway->db, &cdr, NULL, NULL))
		log_error("call=%s cdr=lost: the database takes no more", name);
	bill_record_written(gateway);
}
