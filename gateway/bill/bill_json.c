/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/bill/bill_json.h"

#include <jansson.h>

#include "db/cdr.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"

/* What a peer wrote may be no UTF-8, and is made so. */
static json_t *text(const char *from)
{
	enum { CAP = 3072 };
	char clean[CAP];

	text_clean(clean, sizeof(clean), slice_of(from));
	return json_string(clean);
}

/* @json is taken. */
static char *dump(json_t *json)
{
	char *out = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return out;
}

char *bill_json_request(const struct bill_request *request)
{
	static const char *const kinds[] = {
		[BILL_CALL] = "call", [BILL_TEXT] = "text"
	};
	static const char *const parts[] = {
		[BILL_DIALLED] = "dialled",
		[BILL_FORWARDED] = "forwarded",
		[BILL_TRANSFERRED] = "transferred",
	};

	return dump(json_pack(
		"{s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "request",
		"authorise", "kind", kinds[request->kind], "id",
		text(request->id), "direction",
		request->inbound ? "inbound" : "outbound", "part",
		parts[request->part], "account", text(request->account), "from",
		text(request->from), "to", text(request->to), "trunk",
		text(request->trunk)));
}

static json_t *media(const struct cdr_media *m)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			 "s:o, s:o}",
			 "rx_packets", (json_int_t)m->rx_packets, "rx_octets",
			 (json_int_t)m->rx_octets, "tx_packets",
			 (json_int_t)m->tx_packets, "tx_octets",
			 (json_int_t)m->tx_octets, "lost", (json_int_t)m->lost,
			 "dropped", (json_int_t)m->dropped, "jitter_us",
			 (json_int_t)m->jitter_us, "rtt_us",
			 (json_int_t)m->rtt_us, "ice_ms", (json_int_t)m->ice_ms,
			 "dtls_ms", (json_int_t)m->dtls_ms, "codec",
			 text(m->codec), "srtp", text(m->srtp_profile));
}

/* What is counted: from the answer to the end. */
static json_int_t talked_ms(const struct cdr *cdr)
{
	return cdr->answered_ms && cdr->ended_ms > cdr->answered_ms
		       ? cdr->ended_ms - cdr->answered_ms
		       : 0;
}

char *bill_json_record(const struct cdr *cdr)
{
	json_t *json = json_pack(
		"{s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, "
		"s:I, s:I, s:o, s:o, s:i, s:i, s:s, s:o, s:o, s:o}",
		"request", "record", "id", text(cdr->call), "node",
		text(cdr->node_id), "boot", text(cdr->boot_id), "direction",
		cdr_direction_name(cdr->direction), "account",
		text(cdr->account), "from", text(cdr->caller), "to",
		text(cdr->callee), "trunk", text(cdr->trunk), "started_ms",
		(json_int_t)cdr->started_ms, "ringing_ms",
		(json_int_t)cdr->ringing_ms, "answered_ms",
		(json_int_t)cdr->answered_ms, "ended_ms",
		(json_int_t)cdr->ended_ms, "talked_ms", talked_ms(cdr), "cause",
		text(cdr->cause), "reason", text(cdr->end_text), "sip_status",
		cdr->sip_status, "q850", cdr->q850, "ended_by",
		cdr_end_name(cdr->ended_by), "caller_name",
		text(cdr->caller_name), "caller_media",
		media(&cdr->caller_media), "callee_media",
		media(&cdr->callee_media));

	return dump(json);
}
