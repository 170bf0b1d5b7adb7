/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The built-in number echo@domain: rings once, answers, and plays back what it
 * hears, so that XMPP, ICE, DTLS and SRTP can be tried without a trunk. As a
 * caller it does the same with who answers.
 */
#include "gateway/leg/leg_echo.h"

#include <stdlib.h>

#include "db/session.h"
#include "gateway/call/call.h"
#include "media/negotiate.h"

struct leg_echo {
	struct leg leg;
};

/* The other party hears itself. */
static int echo_other(const struct leg *leg)
{
	return bridge_echo(call_bridge(leg->call), leg->side == MEDIA_SIDE_A
							   ? MEDIA_SIDE_B
							   : MEDIA_SIDE_A);
}

/*
 * It agrees to what is offered; its side of the bridge stays closed. The caller
 * whose offer is not known yet hears of our own codecs.
 */
static int echo_offer(struct leg *leg, const struct media_desc *offer)
{
	int r = leg_set_local(leg, offer);

	if (!r)
		r = leg_set_remote(leg, offer);
	if (!r)
		r = echo_other(leg);
	if (r)
		return r;
	leg->offerer = true;
	leg_rings(leg);
	leg_answers(leg);
	return 0;
}

static int echo_nothing(struct leg *leg)
{
	(void)leg;
	return 0;
}

static int echo_answer(struct leg *leg, const struct media_desc *answer)
{
	return leg_set_local(leg, answer);
}

static int echo_hold(struct leg *leg, bool on)
{
	(void)leg;
	(void)on;
	return 0;
}

static int echo_digit(struct leg *leg, char digit, unsigned duration_ms)
{
	(void)leg;
	(void)digit;
	(void)duration_ms;
	return 0;
}

static void echo_hangup(struct leg *leg, enum cause cause, const char *text)
{
	(void)leg;
	(void)cause;
	(void)text;
}

static int echo_store(struct leg *leg, struct session_row *row)
{
	row->kind = SESSION_ECHO;
	return call_record_put(leg->call, row);
}

static int echo_resumed(struct leg *leg)
{
	return echo_other(leg);
}

static struct leg *echo_free(struct leg *leg)
{
	leg_fini(leg);
	free(leg);
	return NULL;
}

static const struct leg_ops echo_ops = {
	.name = "echo",
	.echoes = true,
	.offer = echo_offer,
	.ring = echo_nothing,
	.proceed = echo_nothing,
	.answer = echo_answer,
	.hold = echo_hold,
	.digit = echo_digit,
	.restart = echo_nothing,
	.hangup = echo_hangup,
	.store = echo_store,
	.resumed = echo_resumed,
	.free = echo_free,
};

int leg_echo_new(struct leg **out)
{
	struct leg_echo *echo = calloc(1, sizeof(*echo));

	if (!echo)
		return -ENOMEM;
	echo->leg.ops = &echo_ops;
	*out = &echo->leg;
	return 0;
}

void leg_echo_begin(struct leg *leg)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	int r = negotiate_caps(&offer);

	if (!r)
		r = leg_set_remote(leg, offer);
	if (!r)
		r = echo_other(leg);
	if (r)
		leg_ends(leg, CAUSE_FAILED, NULL);
	else
		leg_offers(leg);
}
