/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/call_view.h"

#include "gateway/call/call_state.h"
#include "gateway/gateway.h"

static void view_side(const struct call *call, enum media_side side,
		      struct call_view *out)
{
	const struct leg *leg = call->legs[side];

	out->sides[side].leg = leg->ops->name;
	out->sides[side].held = call->held[side];
	call_codec_text(out->sides[side].codec, leg);
	bridge_stats(call->bridge, side, &out->sides[side].stats);
}

void call_view(const struct call *call, struct call_view *out)
{
	*out = (struct call_view){ .name = call->name,
				   .state = call_states[call->state].name,
				   .inbound = call->inbound,
				   .account = call->account,
				   .from = call->from,
				   .to = call->to,
				   .trunk = call->trunk,
				   .started_ms = call->started_ms,
				   .answered_ms = call->answered_ms };
	view_side(call, MEDIA_SIDE_A, out);
	view_side(call, MEDIA_SIDE_B, out);
}

uint64_t call_lasts_ms(const struct call *call)
{
	int64_t since_ms =
		call->answered_ms ? call->answered_ms : call->started_ms;

	return (uint64_t)(call_now_ms(call) - since_ms);
}

void call_view_each(const struct gateway *gateway, call_view_fn fn, void *arg)
{
	const struct call *call;

	LIST_FOREACH(call, &gateway->calls, link) {
		if (call->state != CALL_CLOSED)
			fn(call, arg);
	}
}
