/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Calls of a process that died. First the media, as most of what can go wrong
 * does so there (ports, addresses, keys), then the legs, SIP last: a dialog
 * that is given up says BYE.
 *
 * What memory is refused for is tried once more, or goes a rung down as what is
 * lost for another reason: no call ends for one allocation that failed.
 */
#include "gateway/call/call_resume.h"

#include <stdlib.h>

#include "db/session.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/call/fare_row.h"
#include "gateway/call/past.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_echo.h"
#include "gateway/leg/leg_sip.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/origin.h"

/* ---- the call ---- */

static int copy_origin(struct call *call, const struct session_row *row)
{
	struct origin origin = { .is_signed = false };

	if (!*row->caller_name && !*row->verstat && !*row->attestation &&
	    !*row->first_called && !*row->diversion)
		return 0;
	int r = text_set(origin.display, sizeof(origin.display),
			 row->caller_name);
	if (!r)
		r = text_set(origin.verstat, sizeof(origin.verstat),
			     row->verstat);
	if (!r)
		r = text_set(origin.attestation, sizeof(origin.attestation),
			     row->attestation);
	if (!r)
		r = text_set(origin.first_called, sizeof(origin.first_called),
			     row->first_called);
	if (!r)
		r = text_set(origin.diversion, sizeof(origin.diversion),
			     row->diversion);
	return r ? r : origin_copy(&call->origin, &origin);
}

/* Nothing is asked again. */
static int set_fare(struct call *call, enum media_side side,
		    const struct past_side past[2])
{
	struct call_fare *of = &call->fares[side];
	const struct session_row *row = past[side].row;
	struct fare_past paid;
	int r;

	of->credit_ms = row->credit_ms;
	if (!fare_row_get(&paid, row, past[!side].row))
		return 0;
	of->said = CALL_FARE_ALLOWED;
	of->since_ms = paid.since_ms;
	of->part = paid.part;
	if (paid.part > call->transfers)
		call->transfers = paid.part;
	r = fare_copy(&of->fare, &paid.fare);
	return r ? r : call_fare_count(call, side);
}

static int set_fares(struct call *call, const struct past_side past[2])
{
	int r = set_fare(call, MEDIA_SIDE_A, past);

	return r ? r : set_fare(call, MEDIA_SIDE_B, past);
}

static int start_both(struct call *call)
{
	int r = call_fare_start(call, MEDIA_SIDE_A);

	return r ? r : call_fare_start(call, MEDIA_SIDE_B);
}

/* Once it goes on for certain: of one that does not, what it has cost is
 * counted by whoever finds it lost (fare_row.h). */
static int start_fares(struct call *call)
{
	int r = start_both(call);

	return call_tries_again(call->name, r) ? start_both(call) : r;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The machine was started anew, and perhaps with a clock that is wrong: no call
 * was answered after it ended. */
int64_t call_begun_ms(const struct session_row *row, int64_t now_ms,
		      int64_t wall_ms)
{
	int64_t known_ms = later(row->started_ms,
				 later(row->ringing_ms, row->answered_ms));

	if (row->same_boot)
		return row->begun_ms;
	return now_ms - (later(wall_ms, known_ms) - row->started_ms);
}

static int set_past(struct call *call, const struct past_side past[2])
{
	const struct session_row *row = past[0].row;

	call->state = CALL_UP;
	call->inbound = row->inbound;
	call->started_ms = row->started_ms;
	call->rang_ms = row->ringing_ms;
	call->answered_ms = row->answered_ms;
	call->begun_ms =
		call_begun_ms(row, (int64_t)clock_ms(), clock_wall_ms());
	call->resumed_ms = call_now_ms(call);
	call->account = text_dup(slice_of(row->account));
	call->from = text_dup(slice_of(row->caller));
	call->to = text_dup(slice_of(row->callee));
	call->trunk = text_dup(slice_of(row->trunk));
	for (int side = 0; side < 2; side++) {
		call->held[side] = past[side].row->held;
		call->ready[side] = true;
	}
	if (!call->account || !call->from || !call->to || !call->trunk)
		return -ENOMEM;
	int r = text_set(call->name, sizeof(call->name), row->call);
	if (!r)
		r = call_count_begin(call);
	if (!r)
		r = set_fares(call, past);
	return r ? r : copy_origin(call, row);
}

/* ---- its media ---- */

/* What we say of it from now on has our port and keys in it, which the table's
 * description has not. */
static int describe(struct call *call, enum media_side side,
		    const struct past_side *past)
{
	struct media_content *audio =
		media_desc_first(past->local, MEDIA_AUDIO);
	int r = past_may_move(past) ? bridge_local(call->bridge, side, audio)
				    : 0;

	return call_tries_again(call->name, r)
		       ? bridge_local(call->bridge, side, audio)
		       : r;
}

/* Its port is another program's now, the address is gone, or nobody knows what
 * was sent under its keys: it gets others of all, which an offer tells. */
static int open_elsewhere(struct call *call, enum media_side side,
			  struct past_side *past, int why)
{
	past->elsewhere = true;
	log_warn("call=%s side=%c event=port-lost r=%d keys=%s: another one is "
		 "offered",
		 call->name, side == MEDIA_SIDE_A ? 'A' : 'B', why,
		 past->saved.keys.profile ? "others" : "none");
	int r = bridge_open(call->bridge, side, MEDIA_RTP, true,
			    &past->saved.remote);
	return r ? r : describe(call, side, past);
}

static int resume_as_saved(struct call *call, enum media_side side,
			   const struct past_side *past)
{
	return bridge_resume(call->bridge, side, &past->saved,
			     media_desc_first(past->local, MEDIA_AUDIO),
			     media_desc_first(past->remote, MEDIA_AUDIO));
}

static int resume_side(struct call *call, enum media_side side,
		       struct past_side *past)
{
	if (past->row->kind == SESSION_ECHO)
		return 0;
	if (past->elsewhere)
		return open_elsewhere(call, side, past, -ESTALE);
	int r = resume_as_saved(call, side, past);
	if (call_tries_again(call->name, r))
		r = resume_as_saved(call, side, past);
	if (!r)
		return describe(call, side, past);
	bool gone = r == -EADDRINUSE || r == -EADDRNOTAVAIL || r == -ENOMEM;
	return gone && past_may_move(past) ? open_elsewhere(call, side, past, r)
					   : r;
}

/* One worker has both sides: that of the shared port, where there is one. */
static int revive(struct call *call, const struct past_side past[2])
{
	bool first = past[0].row->kind != SESSION_ECHO &&
		     past[0].saved.transport == MEDIA_ICE;
	int shared = first ? 0 : 1;

	return bridge_revive(&call->bridge, call->gateway->media, call->name,
			     past[shared].saved.worker, &call_bridge_handlers,
			     call);
}

/* Without what the worker noted of it no side may go on with its keys: a
 * keystream would be used twice. */
static int begin_anew(struct call *call, struct past_side past[2], int why)
{
	for (int side = 0; side < 2; side++) {
		if (past_may_lose(&past[side]) && past_may_move(&past[!side]))
			past[side].lost =
				past[side].lost ? past[side].lost : why;
		else if (!past_may_move(&past[side]))
			return why;
		else
			past[side].elsewhere = past[side].saved.keys.profile;
	}
	call->bridge = bridge_free(call->bridge);
	return bridge_new(&call->bridge, call->gateway->media, call->name,
			  &call_bridge_handlers, call);
}

static int resume_or_lose(struct call *call, enum media_side side,
			  struct past_side *past)
{
	return past->lost ? 0 : resume_side(call, side, past);
}

/* The client's side first: when that fails, no port of the telephone's has been
 * opened yet, and would have to rest. */
static int resume_media(struct call *call, struct past_side past[2])
{
	enum media_side client =
		past_may_lose(&past[0]) ? MEDIA_SIDE_A : MEDIA_SIDE_B;
	int r = past[client].lost ? past[client].lost : revive(call, past);

	if (call_tries_again(call->name, r))
		r = revive(call, past);
	if (!r)
		r = resume_side(call, client, &past[client]);
	if (r) {
		r = begin_anew(call, past, r);
		if (!r)
			r = resume_or_lose(call, client, &past[client]);
	}
	return r ? r : resume_or_lose(call, !client, &past[!client]);
}

/* ---- its legs ---- */

static int make_leg(struct leg **out, struct gateway *gateway,
		    const struct session_row *row)
{
	static int (*const makers[])(struct leg **, struct gateway *,
				     const struct session_row *) = {
		[SESSION_SIP] = leg_sip_resume,
		[SESSION_JINGLE] = leg_xmpp_resume,
	};

	return row->kind == SESSION_ECHO ? leg_echo_new(out)
					 : makers[row->kind](out, gateway, row);
}

static int tell_resumed(struct leg *leg)
{
	return leg->ops->resumed ? leg->ops->resumed(leg) : 0;
}

static int take_leg(struct call *call, enum media_side side,
		    struct past_side *past)
{
	struct leg *leg;
	int r = make_leg(&leg, call->gateway, past->row);

	if (call_tries_again(call->name, r))
		r = make_leg(&leg, call->gateway, past->row);
	if (r)
		return r;
	call->legs[side] = leg;
	leg->call = call;
	leg->side = side;
	leg->answered = true;
	leg->offerer = past->row->offerer;
	if (!past->lost) {
		leg->local = past->local;
		leg->remote = past->remote;
		past->local = past->remote = NULL;
	}
	r = tell_resumed(leg);
	return call_tries_again(call->name, r) ? tell_resumed(leg) : r;
}

static int make_legs(struct call *call, struct past_side past[2])
{
	bool first_is_sip = past[0].row->kind == SESSION_SIP;
	enum media_side first = first_is_sip ? MEDIA_SIDE_B : MEDIA_SIDE_A;
	int r = take_leg(call, first, &past[first]);

	return r ? r : take_leg(call, !first, &past[!first]);
}

static bool was_up(const struct session_row *row)
{
	bool known = row->kind == SESSION_SIP || row->kind == SESSION_JINGLE;

	return row->state == SESSION_UP && row->answered_ms &&
	       (row->kind == SESSION_ECHO || known);
}

/* What its peers have to be told, once all else stands. */
static int tell_peers(struct call *call, const struct past_side past[2])
{
	int r = 0;

	for (int side = 0; !r && side < 2; side++) {
		struct leg *leg = call->legs[side];

		if (past[side].lost)
			r = call_recall(call, (enum media_side)side,
					past[side].lost);
		else if (past[side].elsewhere)
			r = leg->ops->restart(leg);
	}
	return r;
}

/* All that memory is needed for before anything is taken up. */
static int prepare(struct call **out, struct gateway *gateway,
		   struct past_side past[2])
{
	struct call *call;
	int r = call_alloc(&call, gateway);

	if (r)
		return r;
	r = set_past(call, past);
	if (!r)
		r = call_make_timer(call);
	if (r)
		call_free(call);
	else
		*out = call;
	return r;
}

static int map_media(struct call *call, const struct past_side past[2])
{
	int r = 0;

	if (!past[0].lost && !past[1].lost)
		r = call_media_map(call);
	return call_tries_again(call->name, r) ? call_media_map(call) : r;
}

static int take_up(struct call *call, struct past_side past[2])
{
	int r = resume_media(call, past);

	if (!r)
		r = make_legs(call, past);
	if (!r)
		r = map_media(call, past);
	if (!r)
		r = start_fares(call);
	if (r)
		return r < 0 ? r : -EINVAL;
	call_arm(call);
	call_media_direct(call);
	if (call->state != CALL_UP)
		return 0; /* it has ended, and frees itself */
	/* They are of this process now, and so is their end. */
	call_record_store(call);
	if (tell_peers(call, past))
		call_fail(call, CAUSE_LOST);
	return 0;
}

static int resume(struct gateway *gateway, struct past_side past[2])
{
	struct call *call;
	int r = prepare(&call, gateway, past);

	if (call_tries_again(past[0].row->call, r))
		r = prepare(&call, gateway, past);
	if (r)
		return r;
	r = take_up(call, past);
	if (r)
		call_free(call);
	return r;
}

static int read_both(struct past_side past[2], const struct session_row *a,
		     const struct session_row *b)
{
	int r = past_read(&past[0], a);

	return r ? r : past_read(&past[1], b);
}

static void fini_both(struct past_side past[2])
{
	past_fini(&past[0]);
	past_fini(&past[1]);
}

int call_resume(struct gateway *gateway, const struct session_row *a,
		const struct session_row *b)
{
	struct past_side past[2] = { { .row = a }, { .row = b } };

	if (!was_up(a) || !was_up(b))
		return -ENOENT;
	int r = read_both(past, a, b);
	if (call_tries_again(a->call, r)) {
		fini_both(past);
		r = read_both(past, a, b);
	}
	if (!r)
		r = resume(gateway, past);
	fini_both(past);
	return r;
}
