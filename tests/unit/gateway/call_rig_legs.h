/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Legs that only note what they are told. */
#pragma once

#include <stdlib.h>

#include "gateway/call/call.h"
#include "gateway/call/call_state.h"
#include "gateway/leg/leg.h"
#include "tests/unit/gateway/call_rig_said.h"

static const char *word(const struct leg *leg, const char *what)
{
	static char text[64];

	snprintf(text, sizeof(text), "%c-%s",
		 leg->side == MEDIA_SIDE_A ? 'a' : 'b', what);
	return text;
}

static inline int fake_offer(struct leg *leg, const struct media_desc *offer)
{
	say(word(leg, "offer"));
	leg->offerer = true;
	return leg_set_local(leg, offer);
}

static inline int fake_ring(struct leg *leg)
{
	say(word(leg, "ring"));
	return 0;
}

static inline int fake_proceed(struct leg *leg)
{
	say(word(leg, "proceed"));
	return 0;
}

static inline int fake_answer(struct leg *leg, const struct media_desc *answer)
{
	say(word(leg, "answer"));
	return leg_set_local(leg, answer);
}

static inline int fake_reoffer(struct leg *leg)
{
	say(word(leg, "reoffer"));
	return 0;
}

static inline int fake_hold(struct leg *leg, bool on)
{
	say(word(leg, on ? "hold" : "resume"));
	return 0;
}

static inline int fake_digit(struct leg *leg, char digit, unsigned duration_ms)
{
	(void)digit;
	(void)duration_ms;
	say(word(leg, "digit"));
	return 0;
}

static inline int fake_restart(struct leg *leg)
{
	say(word(leg, "restart"));
	return 0;
}

static inline void fake_hangup(struct leg *leg, enum cause cause,
			       const char *text)
{
	(void)text;
	say(word(leg, cause_name(cause)));
}

static inline int fake_store(struct leg *leg, struct session_row *row)
{
	return leg->side == MEDIA_SIDE_A ? call_record_put(leg->call, row) : 0;
}

static inline struct leg *fake_free(struct leg *leg)
{
	leg_fini(leg);
	free(leg);
	return NULL;
}

static const struct leg_ops fake_ops = {
	.name = "fake",
	.offer = fake_offer,
	.ring = fake_ring,
	.proceed = fake_proceed,
	.answer = fake_answer,
	.reoffer = fake_reoffer,
	.hold = fake_hold,
	.digit = fake_digit,
	.restart = fake_restart,
	.hangup = fake_hangup,
	.store = fake_store,
	.free = fake_free,
};

static inline struct leg *new_leg(void)
{
	struct leg *leg = calloc(1, sizeof(*leg));

	assert_non_null(leg);
	leg->ops = &fake_ops;
	return leg;
}
