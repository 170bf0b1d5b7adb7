/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Digits that a leg tells, towards the other: kept until both sides talk, and
 * played one after the other, as fast as a key can be pressed. Who has no
 * telephone-event gets each in a message of its own, which may overtake
 * another.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"

enum {
	DIGITS_MAX = 128,
	GAP_MS = 70, /* ITU-T Q.24: at least 65 are told apart everywhere */
};

struct kept_digit {
	enum media_side side; /* who pressed it */
	char digit;
	unsigned duration_ms;
};

struct call_digits {
	struct event *timer; /* pending: one is being played */
	size_t n;
	struct kept_digit queue[DIGITS_MAX];
};

static int play(struct call *call, const struct kept_digit *d)
{
	struct leg *other = call->legs[d->side == MEDIA_SIDE_A ? MEDIA_SIDE_B
							       : MEDIA_SIDE_A];

	if (!bridge_digit(call->bridge, other->side, d->digit, d->duration_ms))
		return 0;
	return other->ops->digit(other, d->digit, d->duration_ms);
}

static void play_next(struct call *call)
{
	struct call_digits *digits = call->digits;
	struct kept_digit d;

	if (!digits->n)
		return;
	d = digits->queue[0];
	digits->n--;
	memmove(digits->queue, digits->queue + 1,
		digits->n * sizeof(digits->queue[0]));
	explicit_bzero(&digits->queue[digits->n], sizeof(digits->queue[0]));

	unsigned ms = d.duration_ms + GAP_MS;
	const struct timeval tv = clock_timeval(ms);
	evtimer_add(digits->timer, &tv);
	if (play(call, &d) < 0)
		call_fail(call, CAUSE_FAILED);
}

static void on_played(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	call_digits_play(arg);
}

void call_digits_play(struct call *call)
{
	if (call->digits && call_talks(call) &&
	    !evtimer_pending(call->digits->timer, NULL))
		play_next(call);
}

static struct call_digits *make(struct call *call)
{
	struct call_digits *digits = calloc(1, sizeof(*digits));

	if (!digits)
		return NULL;
	digits->timer = evtimer_new(call->gateway->base, on_played, call);
	if (digits->timer)
		return digits;
	free(digits);
	return NULL;
}

void call_digits_take(struct call *call, const struct call_event *event)
{
	if (!call->digits)
		call->digits = make(call);
	struct call_digits *digits = call->digits;
	if (!digits || digits->n == DIGITS_MAX) {
		log_warn("call=%s digit=lost: %s", call->name,
			 digits ? "too many" : "no memory");
		return;
	}
	digits->queue[digits->n++] =
		(struct kept_digit){ event->side, event->digit,
				     event->duration_ms };
	call_digits_play(call);
}

/* They may be part of a secret. */
void call_digits_free(struct call *call)
{
	struct call_digits *digits = call->digits;

	call->digits = NULL;
	if (!digits)
		return;
	event_free(digits->timer);
	explicit_bzero(digits, sizeof(*digits));
	free(digits);
}
