/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * NOTIFY outside any subscription. RFC 6665, 4.1.3 wants 481; but what PBXs and
 * carriers send unasked for is taken from a trunk that may (RFC 3842 as it was
 * used before): some end a registration at an error.
 */
#include "sip/server.h"

#include <string.h>

#include <sofia-sip/sip_header.h>

#include "gateway/base/clock.h"
#include "sip/agent_int.h"
#include "sip/body.h"
#include "sip/identity.h"
#include "sip/odd.h"
#include "sip/waiting.h"

static bool is_one_of(const char *event, const char *const *list)
{
	for (; *list; list++)
		if (!strcasecmp(event, *list))
			return true;
	return false;
}

static void tell_waiting(const struct sip_incoming *in)
{
	const sip_payload_t *pl = in->sip->sip_payload;
	char type[SIP_TYPE_CAP], user[SIP_USER_CAP], to_user[SIP_USER_CAP];
	const struct sip_invite request = { .source = in->source,
					    .request_user = user,
					    .called_user = "",
					    .to_user = to_user,
					    .message = in->sip };
	struct sip_waiting waiting;
	struct slice body =
		pl ? (struct slice){ pl->pl_data, pl->pl_len } : SLICE_NONE;

	sip_body_type(type, in->sip);
	if (strcmp(type, SIP_WAITING_TYPE) ||
	    sip_waiting_parse(&waiting, body)) {
		sip_odd(in->agent->odds, &in->source.addr, "NOTIFY", "type",
			type, clock_ms());
		return;
	}
	sip_url_user(user, in->sip->sip_request->rq_url);
	sip_url_user(to_user, in->sip->sip_to->a_url);
	if (in->agent->handlers->waiting)
		in->agent->handlers->waiting(&request, &waiting,
					     in->agent->arg);
}

void sip_server_notify(const struct sip_incoming *in)
{
	static const char *const unasked[] = { "message-summary", "keep-alive",
					       "check-sync", NULL };
	static const char *const known[] = { "message-summary", "refer", NULL };
	const char *event = in->sip->sip_event && in->sip->sip_event->o_type
				    ? in->sip->sip_event->o_type
				    : "";

	if (!in->policy.refuse_notify && is_one_of(event, unasked)) {
		if (!strcasecmp(event, "message-summary"))
			tell_waiting(in);
		sip_server_end(in, 200);
	} else if (is_one_of(event, known)) {
		sip_server_end(in, 481);
	} else {
		sip_server_refuse_event(in);
	}
}
