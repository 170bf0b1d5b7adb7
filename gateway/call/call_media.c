/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a call does with descriptions (RFC 3264 on both sides of the gateway)
 * and with its bridge.
 */
#include <assert.h>

#include "gateway/base/log.h"
#include "gateway/call/call_state.h"
#include "gateway/trace/trace.h"
#include "gateway/watch/watch.h"
#include "media/negotiate.h"

/* Consent lasts 30 s (RFC 7675, 5.1). */
enum { TAKEN_UP_MS = 60000 };

static const char side_names[] = "AB";

static struct leg *opposite(const struct call *call, enum media_side side)
{
	return call->legs[side == MEDIA_SIDE_A ? MEDIA_SIDE_B : MEDIA_SIDE_A];
}

int call_media_offer(struct call *call)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	const struct leg *caller = call->legs[MEDIA_SIDE_A];
	struct leg *callee = call->legs[MEDIA_SIDE_B];
	int r = caller->remote ? negotiate_offer(&offer, caller->remote)
			       : negotiate_caps(&offer);

	if (r)
		return r;
	/* Who calls with nothing to hear yet (RFC 3725, 4.2), or holds, will
	 * want all of it later: clients take no new direction then. */
	for (size_t i = 0; i < offer->ncontents; i++)
		offer->contents[i]->dir = MEDIA_SENDRECV;
	return callee->ops->offer(callee, offer);
}

int call_media_map(struct call *call)
{
	if (call->legs[MEDIA_SIDE_A]->recalled ||
	    call->legs[MEDIA_SIDE_B]->recalled)
		return 0;
	for (int side = 0; side < 2; side++) {
		const struct leg *from = call->legs[side];
		const struct leg *other = opposite(call, from->side);
		const struct leg *to = other->ops->echoes ? from : other;
		const struct media_content *rx = leg_local_audio(from);
		const struct media_content *tx = leg_tx_audio(to);
		struct media_map map;

		if (!rx || !tx)
			return NEGOTIATE_E_MEDIA;
		int r = negotiate_map(&map, rx, tx);
		if (r)
			return r;
		r = bridge_map(call->bridge, from->side, &map);
		if (r)
			return r;
	}
	return 0;
}

/* What it will send: the first that is no event. */
static const struct media_codec *first_codec(const struct media_content *audio)
{
	for (size_t i = 0; audio && i < audio->ncodecs; i++)
		if (!media_codec_is_event(&audio->codecs[i]))
			return &audio->codecs[i];
	return NULL;
}

static void keep_codec(struct media_content *audio,
		       const struct media_codec *codec)
{
	size_t kept = 0;

	for (size_t i = 0; i < audio->ncodecs; i++)
		if (media_codec_is_event(&audio->codecs[i]) ||
		    media_codec_same(&audio->codecs[i], codec))
			audio->codecs[kept++] = audio->codecs[i];
	audio->ncodecs = kept;
}

/*
 * A callee that was offered all we can relay, because the caller had not made
 * its offer yet (XEP-0353), may have chosen what the caller does not speak.
 * Where the two have another codec in common, that one alone is offered in its
 * place (RFC 3264, 8.3.2).
 */
int call_media_narrow(struct call *call)
{
	struct leg *callee = call->legs[MEDIA_SIDE_B];
	struct media_content *audio = leg_local_audio(callee);
	const struct media_codec *chosen = first_codec(leg_tx_audio(callee));
	const struct media_codec *common =
		first_codec(leg_local_audio(call->legs[MEDIA_SIDE_A]));

	if (!callee->answered || !callee->ops->reoffer || !audio || !chosen ||
	    !common || media_codec_same(chosen, common))
		return 0;
	log_info("call=%s side=B event=reoffer codec=%s instead=%s", call->name,
		 common->name, chosen->name);
	keep_codec(audio, common);
	return callee->ops->reoffer(callee);
}

/* What the party on @side lets flow, from its own view. */
static enum media_dir party_dir(const struct call *call, enum media_side side)
{
	const struct media_content *said = leg_remote_audio(call->legs[side]);

	/* A direction of its own says it more exactly than a hold. */
	if (said && said->dir != MEDIA_SENDRECV)
		return said->dir;
	return call->held[side] ? MEDIA_INACTIVE : MEDIA_SENDRECV;
}

void call_media_direct(struct call *call)
{
	for (int side = 0; side < 2; side++) {
		enum media_side s = (enum media_side)side;
		enum media_dir dir = media_dir_reverse(party_dir(call, s));
		int r;

		if (!bridge_is_open(call->bridge, s))
			continue;
		r = bridge_direction(call->bridge, s, dir);
		if (call_tries_again(call->name, r))
			r = bridge_direction(call->bridge, s, dir);
		if (r)
			call_fail(call, CAUSE_FAILED);
	}
}

/* The answer to the offer on @side that the other side has agreed to. */
static int answer_side(struct call *call, enum media_side side)
{
	AUTO(media_desc_freep) struct media_desc *answer = NULL;
	struct leg *leg = call->legs[side];
	const struct leg *other = opposite(call, side);
	int r = negotiate_answer(&answer, leg->remote, leg_agreed(leg));

	if (r)
		return r;
	struct media_content *audio = media_desc_first(answer, MEDIA_AUDIO);
	if (audio)
		audio->dir = media_dir_reverse(party_dir(call, side)) &
			     party_dir(call, other->side);
	leg->offerer = false;
	r = leg->ops->answer(leg, answer);
	if (r)
		return r;
	r = call_media_map(call);
	call_media_direct(call);
	return r;
}

/* Answer the offer on @side, and tell the other whether it holds the call. */
static int answer_and_tell(struct call *call, enum media_side side)
{
	struct leg *other = opposite(call, side);
	const struct media_content *said = leg_remote_audio(call->legs[side]);
	bool was = call->held[side];
	bool holds = said && said->dir != MEDIA_SENDRECV;

	call->held[side] = holds;
	int r = answer_side(call, side);
	if (r || holds == was)
		return r;
	log_info("call=%s side=%c hold=%d", call->name, side_names[side],
		 holds);
	return other->ops->hold(other, holds);
}

int call_media_answer(struct call *call)
{
	return answer_and_tell(call, MEDIA_SIDE_A);
}

/* Early media of one direction is no hold: it ends by the answer. */
int call_media_take_hold(struct call *call)
{
	struct leg *caller = call->legs[MEDIA_SIDE_A];
	const struct leg *callee = call->legs[MEDIA_SIDE_B];
	const struct media_content *said = leg_remote_audio(callee);
	bool holds = said && said->dir != MEDIA_SENDRECV;

	if (!callee->answered || holds == call->held[MEDIA_SIDE_B])
		return 0;
	call->held[MEDIA_SIDE_B] = holds;
	log_info("call=%s side=B hold=%d", call->name, holds);
	return caller->ops->hold(caller, holds);
}

int call_media_reoffer(struct call *call, enum media_side side)
{
	return answer_and_tell(call, side);
}

static void on_ready(enum media_side side, void *arg)
{
	struct call *call = arg;
	bool callee_answered = call->legs[MEDIA_SIDE_B]->answered;
	bool blind = !call->legs[MEDIA_SIDE_A]->remote;
	enum call_event_type type;

	call->ready[side] = true;
	/* A peer that has come to the running call: now it can outlive us. */
	call_record_refresh(call);
	trace_media_changed(call, side, "media may flow");
	if (side == MEDIA_SIDE_B)
		type = blind ? CALL_EV_READY_CALLEE_BLIND
			     : CALL_EV_READY_CALLEE;
	else
		type = callee_answered ? CALL_EV_READY_CALLER
				       : CALL_EV_READY_CALLER_EARLY;
	call_raise(call, &(struct call_event){ .type = type, .side = side });
}

int call_recall(struct call *call, enum media_side side, int why)
{
	struct leg *leg = call->legs[side];

	if (!leg->ops->recall)
		return -ENOTSUP;
	log_warn("call=%s side=%c event=media-lost r=%d: its client is called "
		 "anew",
		 call->name, side_names[side], why);
	int r = bridge_close(call->bridge, side);
	return r ? r : leg->ops->recall(leg);
}

/* A trunk's side, whose keys are not those of its indices (media/keep.h): it is
 * offered others (RFC 4568) by another port. */
static bool takes_other_keys(struct call *call, enum media_side side,
			     enum media_failure why)
{
	struct leg *leg = call->legs[side];
	const struct media_content *audio = leg_local_audio(leg);
	struct media_side_stats stats;

	if (why != MEDIA_FAIL_WORKER || !audio || !audio->osrtp)
		return false;
	bridge_stats(call->bridge, side, &stats);
	log_warn("call=%s side=%c event=keys-lost: others are offered",
		 call->name, side_names[side]);
	int r = bridge_close(call->bridge, side);
	if (!r)
		r = bridge_open(call->bridge, side, MEDIA_RTP, true,
				&stats.remote);
	return !r && !leg->ops->restart(leg);
}

/* What another process began has lost its way while nobody answered STUN, or
 * its keys are not those of its indices (media/keep.h). */
static bool goes_on_anew(struct call *call, enum media_side side,
			 enum media_failure why)
{
	bool lost = why == MEDIA_FAIL_ICE || why == MEDIA_FAIL_CONSENT ||
		    why == MEDIA_FAIL_WORKER;
	bool just = call->resumed_ms &&
		    call_now_ms(call) - call->resumed_ms < TAKEN_UP_MS;

	if (!lost || !just || call->state != CALL_UP ||
	    call->legs[side]->recalled || opposite(call, side)->ops->echoes)
		return false;
	return takes_other_keys(call, side, why) ||
	       !call_recall(call, side, -ENOTCONN);
}

static void on_failed(enum media_side side, enum media_failure why, void *arg)
{
	static const struct {
		const char *name, *said;
		enum cause cause;
	} failures[] = {
		[MEDIA_FAIL_ICE] = { "ice", "no way was found by ICE",
				     CAUSE_MEDIA_LOST },
		[MEDIA_FAIL_CONSENT] = { "consent",
					 "the peer answers no checks any more",
					 CAUSE_MEDIA_LOST },
		[MEDIA_FAIL_DTLS] = { "dtls", "DTLS came to nothing",
				      CAUSE_SECURITY },
		[MEDIA_FAIL_FINGERPRINT] = { "fingerprint",
					     "the certificate is not the one "
					     "that was promised",
					     CAUSE_SECURITY },
		[MEDIA_FAIL_SILENCE] = { "silence", "nothing came for too long",
					 CAUSE_MEDIA_LOST },
		[MEDIA_FAIL_WORKER] = { "worker", "the worker failed",
					CAUSE_FAILED },
	};
	struct call *call = arg;

	if (goes_on_anew(call, side, why))
		return;
	log_warn("call=%s side=%c media=failed why=%s: the call is ended",
		 call->name, side_names[side], failures[why].name);
	watch_media_failed(call, side, failures[why].name);
	trace_media_changed(call, side, failures[why].said);
	call_fail(call, failures[why].cause);
}

static void on_moved(enum media_side side, void *arg)
{
	call_raise(arg,
		   &(struct call_event){ .type = CALL_EV_MOVED, .side = side });
}

/* Legs that cannot trickle leave it out: our checks tell the peer as well. */
static void on_candidate(enum media_side side, const struct media_cand *cand,
			 void *arg)
{
	struct call *call = arg;
	struct leg *leg = call->legs[side];

	if (call->state != CALL_CLOSED && leg->ops->candidate &&
	    leg->ops->candidate(leg, cand) < 0)
		call_fail(call, CAUSE_FAILED);
}

static void on_digit(enum media_side side, char digit, unsigned duration_ms,
		     void *arg)
{
	const struct call *call = arg;

	(void)digit; /* never in a log: it may be part of a secret */
	log_debug("call=%s side=%c digit duration_ms=%u", call->name,
		  side_names[side], duration_ms);
}

/* Another pair, other keys: what is in the table would not do any more. */
static void on_changed(enum media_side side, void *arg)
{
	(void)side;
	call_record_refresh(arg);
}

const struct bridge_handlers call_bridge_handlers = {
	.ready = on_ready,
	.failed = on_failed,
	.moved = on_moved,
	.candidate = on_candidate,
	.changed = on_changed,
	.digit = on_digit,
};
