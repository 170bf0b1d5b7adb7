/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/quality.h"

#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/watch/metric.h"
#include "gateway/watch/mos.h"
#include "gateway/watch/watch.h"

/* Looks that have not become a point yet. */
struct sum {
	struct quality_point total;
	unsigned n; /* of those with packets */
};

struct quality {
	struct quality_side sides[2];
	struct quality_counts before[2];
	struct sum sums[2];
	unsigned looks; /* in sums */
	unsigned every; /* looks that make a point */
};

struct quality_timer {
	struct gateway *gateway;
	struct event *event;
	LIST_HEAD(, call) slots[QUALITY_SLOTS];
	unsigned now, next; /* the slot that is looked at, and for who begins */
};

int quality_new(struct quality **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->every = 1;
	return 0;
}

struct quality *quality_free(struct quality *quality)
{
	free(quality);
	return NULL;
}

/* ---- points ---- */

static struct quality_point mean(struct quality_point total, unsigned n)
{
	if (!n)
		return (struct quality_point){ 0 };
	return (struct quality_point){ total.loss / (float)n,
				       total.jitter_ms / (float)n,
				       total.mos / (float)n };
}

static void add(struct sum *sum, const struct quality_point *point)
{
	if (point->mos <= 0)
		return;
	sum->total.loss += point->loss;
	sum->total.jitter_ms += point->jitter_ms;
	sum->total.mos += point->mos;
	sum->n++;
}

static void halve(struct quality_side *side)
{
	for (unsigned i = 0; i < QUALITY_POINTS / 2; i++) {
		struct sum sum = { .n = 0 };

		add(&sum, &side->points[2 * i]);
		add(&sum, &side->points[2 * i + 1]);
		side->points[i] = mean(sum.total, sum.n);
	}
	side->n = QUALITY_POINTS / 2;
}

static void push_points(struct quality *quality)
{
	if (quality->sides[0].n == QUALITY_POINTS) {
		halve(&quality->sides[0]);
		halve(&quality->sides[1]);
		quality->every *= 2;
		/* The sums of now are half of a new point. */
		return;
	}
	for (int i = 0; i < 2; i++) {
		struct quality_side *side = &quality->sides[i];
		struct sum *sum = &quality->sums[i];

		side->points[side->n++] = mean(sum->total, sum->n);
		*sum = (struct sum){ .n = 0 };
	}
	quality->looks = 0;
}

/* @delay_ms: to the other party, one way, as far as it is known. */
static struct quality_point compare(const struct quality_counts *before,
				    const struct quality_counts *now,
				    double delay_ms)
{
	uint64_t received = now->received - before->received;
	/* What was lost and came late is lost no more. */
	uint64_t lost = now->lost > before->lost ? now->lost - before->lost : 0;

	if (!received)
		return (struct quality_point){ 0 };
	const struct mos_path path = {
		.loss = (double)lost / (double)(received + lost),
		.jitter_ms = (double)now->jitter_us / US_PER_MS,
		.delay_ms = delay_ms,
		.codec = now->codec,
	};
	return (struct quality_point){ .loss = (float)path.loss,
				       .jitter_ms = (float)path.jitter_ms,
				       .mos = (float)mos_estimate(&path) };
}

void quality_look(struct quality *quality,
		  const struct quality_counts counts[2],
		  struct quality_point points[2])
{
	/* Half of the way there and back, to either party. */
	double delay_ms =
		(double)(counts[0].rtt_us + counts[1].rtt_us) / 2 / US_PER_MS;

	for (int i = 0; i < 2; i++) {
		points[i] = compare(&quality->before[i], &counts[i], delay_ms);
		add(&quality->sums[i], &points[i]);
		quality->before[i] = counts[i];
	}
	if (++quality->looks >= quality->every)
		push_points(quality);
}

const struct quality_side *quality_side_of(const struct quality *quality,
					   enum media_side side)
{
	return &quality->sides[side];
}

const struct quality_side *quality_of(const struct call *call,
				      enum media_side side)
{
	return call->quality ? &call->quality->sides[side] : NULL;
}

unsigned quality_step_ms(const struct call *call)
{
	return QUALITY_LOOK_MS * (call->quality ? call->quality->every : 1);
}

bool quality_now(struct quality_point *out, const struct call *call,
		 enum media_side side)
{
	const struct quality_side *points = quality_of(call, side);

	for (unsigned i = points ? points->n : 0; i-- > 0;) {
		*out = points->points[i];
		if (out->mos > 0)
			return true;
	}
	return false;
}

/* ---- calls ---- */

static void observe(struct gateway *gateway, const struct call *call, int side,
		    const struct quality_point *point)
{
	struct metrics *m = gateway->watch->metrics;
	const struct metric_labels *labels =
		METRIC_LABELS(call->legs[side]->ops->name, call->trunk);

	if (point->mos <= 0)
		return;
	metric_observe(m, METRIC_JITTER, (double)point->jitter_ms / MS_PER_S,
		       labels);
	metric_observe(m, METRIC_LOSS, point->loss, labels);
	metric_observe(m, METRIC_MOS, point->mos, labels);
}

static void look_at(struct gateway *gateway, struct call *call)
{
	char codecs[2][CALL_CODEC_CAP];
	struct quality_counts counts[2];
	struct quality_point points[2];

	if (!call_talks(call))
		return;
	/* Without memory the call is only not watched. */
	if (!call->quality && quality_new(&call->quality))
		return;
	for (int i = 0; i < 2; i++) {
		struct media_side_stats stats;

		call_codec_text(codecs[i], call->legs[i]);
		bridge_stats(call->bridge, (enum media_side)i, &stats);
		counts[i] =
			(struct quality_counts){ .received = stats.rx_packets,
						 .lost = stats.lost,
						 .jitter_us = stats.jitter_us,
						 .rtt_us = stats.rtt_us,
						 .codec = codecs[i] };
	}
	quality_look(call->quality, counts, points);
	for (int i = 0; i < 2; i++)
		observe(gateway, call, i, &points[i]);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct quality_timer *timer = arg;
	struct call *call;

	(void)fd;
	(void)what;
	LIST_FOREACH(call, &timer->slots[timer->now], looked)
		look_at(timer->gateway, call);
	timer->now = (timer->now + 1) % QUALITY_SLOTS;
	if (!timer->gateway->ncalls)
		evtimer_del(timer->event);
}

void quality_timer_add(struct quality_timer *timer, struct call *call)
{
	const struct timeval often =
		clock_timeval(QUALITY_LOOK_MS / QUALITY_SLOTS);

	LIST_INSERT_HEAD(&timer->slots[timer->next], call, looked);
	timer->next = (timer->next + 1) % QUALITY_SLOTS;
	/* without memory calls are only not watched */
	if (!evtimer_pending(timer->event, NULL))
		evtimer_add(timer->event, &often);
}

static void unlist(struct call *call)
{
	LIST_REMOVE(call, looked);
	call->looked.le_prev = NULL;
}

void quality_forget(struct call *call)
{
	if (call->looked.le_prev)
		unlist(call);
	call->quality = quality_free(call->quality);
}

int quality_timer_new(struct quality_timer **out, struct gateway *gateway)
{
	struct quality_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	timer->gateway = gateway;
	for (unsigned i = 0; i < QUALITY_SLOTS; i++)
		LIST_INIT(&timer->slots[i]);
	timer->event = event_new(gateway->base, -1, EV_PERSIST, on_look, timer);
	if (!timer->event) {
		free(timer);
		return -ENOMEM;
	}
	*out = timer;
	return 0;
}

struct quality_timer *quality_timer_free(struct quality_timer *timer)
{
	struct call *call;

	if (!timer)
		return NULL;
	for (unsigned i = 0; i < QUALITY_SLOTS; i++)
		while ((call = LIST_FIRST(&timer->slots[i])))
			unlist(call);
	event_free(timer->event);
	free(timer);
	return NULL;
}
