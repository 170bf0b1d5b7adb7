/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What all legs share: the events they raise and the descriptions they keep.
 */
#include "gateway/leg/leg.h"

#include <stdlib.h>

#include "gateway/base/text.h"
#include "gateway/call/call_state.h"

/* A callee that was given up for the next says nothing more. */
static void tell(struct leg *leg, const struct call_event *event)
{
	if (leg->call->legs[leg->side] == leg)
		call_raise(leg->call, event);
	else
		free(event->text);
}

static void raise_event(struct leg *leg, enum call_event_type type)
{
	tell(leg, &(struct call_event){ .type = type, .side = leg->side });
}

void leg_calls(struct leg *leg)
{
	raise_event(leg, CALL_EV_CALL);
}

void leg_rings(struct leg *leg)
{
	raise_event(leg, CALL_EV_RING);
}

void leg_proceeds(struct leg *leg)
{
	raise_event(leg, CALL_EV_PICK_UP);
}

void leg_rings_early(struct leg *leg)
{
	raise_event(leg, leg->call->early_answer ? CALL_EV_RING_EARLY
						 : CALL_EV_RING);
}

void leg_answers(struct leg *leg)
{
	raise_event(leg, CALL_EV_ANSWER);
}

void leg_offers(struct leg *leg)
{
	bool first = leg->side == MEDIA_SIDE_A && !leg->answered;

	raise_event(leg, first ? CALL_EV_OFFER : CALL_EV_REOFFER);
}

void leg_agrees(struct leg *leg)
{
	raise_event(leg, CALL_EV_AGREE);
}

void leg_holds(struct leg *leg, bool on)
{
	tell(leg, &(struct call_event){
			  .type = CALL_EV_HOLD, .side = leg->side, .on = on });
}

void leg_digit(struct leg *leg, char digit, unsigned duration_ms)
{
	tell(leg, &(struct call_event){ .type = CALL_EV_DIGIT,
					.side = leg->side,
					.digit = digit,
					.duration_ms = duration_ms });
}

void leg_ends(struct leg *leg, enum cause cause, const char *text)
{
	bool next = leg->side == MEDIA_SIDE_B &&
		    call_hunt_goes_on(leg->call, cause);
	struct call_event event = { .type = next ? CALL_EV_NEXT : CALL_EV_END,
				    .side = leg->side,
				    .cause = cause };
	char clean[CALL_TEXT_CAP];

	text_clean(clean, sizeof(clean), slice_of(text));
	if (*clean) /* without memory the call ends all the same */
		event.text = text_dup(slice_of(clean));
	tell(leg, &event);
}

static int replace(struct media_desc **kept, const struct media_desc *desc)
{
	struct media_desc *copy = NULL;
	int r = media_desc_copy(&copy, desc);

	if (r)
		return r;
	media_desc_free(*kept);
	*kept = copy;
	return 0;
}

int leg_set_local(struct leg *leg, const struct media_desc *desc)
{
	return replace(&leg->local, desc);
}

int leg_set_remote(struct leg *leg, const struct media_desc *desc)
{
	return replace(&leg->remote, desc);
}

static struct media_content *audio(const struct media_desc *desc)
{
	return desc ? media_desc_first(desc, MEDIA_AUDIO) : NULL;
}

struct media_content *leg_local_audio(const struct leg *leg)
{
	return audio(leg->local);
}

struct media_content *leg_remote_audio(const struct leg *leg)
{
	return audio(leg->remote);
}

const struct media_content *leg_tx_audio(const struct leg *leg)
{
	/* Payload types in an answer are the offerer's (RFC 3264, 5.1): what
	 * we answered is what the peer takes, and less than it offered. */
	return audio(leg->offerer ? leg->remote : leg->local);
}

static const struct leg *opposite(const struct leg *leg)
{
	return call_leg(leg->call, leg->side == MEDIA_SIDE_A ? MEDIA_SIDE_B
							     : MEDIA_SIDE_A);
}

const struct media_codec *leg_heard(const struct leg *leg)
{
	const struct leg *other = opposite(leg);
	const struct media_content *told = leg_local_audio(other);
	const struct media_content *knows = leg_remote_audio(other);

	if (other->recalled || other->ops->echoes || !told || !knows)
		return NULL;
	for (size_t i = 0; i < told->ncodecs; i++) {
		const struct media_codec *codec = &told->codecs[i];

		if (!media_codec_is_event(codec) &&
		    media_content_same(knows, codec))
			return codec;
	}
	return NULL;
}

const struct media_desc *leg_agreed(const struct leg *leg)
{
	const struct leg *other = opposite(leg);

	if (other->recalled)
		return leg->local;
	return other->offerer ? other->remote : other->local;
}

void leg_fini(struct leg *leg)
{
	leg->local = media_desc_free(leg->local);
	leg->remote = media_desc_free(leg->remote);
}
