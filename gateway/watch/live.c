/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/live.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/cdr.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/watch/quality.h"
#include "gateway/watch/watch.h"
#include "gateway/watch/why.h"

enum { S_PER_MIN = 60 };

struct live {
	LIST_ENTRY(live) link; /* of gateway->watch->lives */
	struct gateway *gateway;
	const struct live_handlers *handlers;
	void *arg;
	struct event *timer;
	unsigned every_s;
	uint64_t until_ms;
	char call[CALL_NAME_CAP]; /* "" all */
	const char *why;          /* said at the end; NULL: it goes on */
	char ended[WHY_CAP];      /* how the call did */
};

/* ---- figures ---- */

struct live_text live_codec(const struct call *call, enum media_side side)
{
	struct live_text out;

	static_assert(sizeof(out.s) >= CALL_CODEC_CAP, "it fits");
	call_codec_text(out.s, call->legs[side]);
	return out;
}

static double loss_percent(const struct media_side_stats *stats)
{
	static const double PERCENT = 100;
	uint64_t all = stats->rx_packets + stats->lost;

	return all ? (double)stats->lost * PERCENT / (double)all : 0;
}

struct live_text live_quality(const struct call *call, enum media_side side)
{
	struct live_text out = { "" };
	struct media_side_stats stats;
	struct quality_point point;

	if (!bridge_is_open(call->bridge, side))
		return out;
	bridge_stats(call->bridge, side, &stats);
	int r = text_format(out.s, sizeof(out.s), "%.1f %% lost, jitter %u ms",
			    loss_percent(&stats), stats.jitter_us / US_PER_MS);
	size_t n = strlen(out.s);
	if (!r && quality_now(&point, call, side))
		r = text_format(out.s + n, sizeof(out.s) - n, ", MOS %.1f",
				(double)point.mos);
	if (r)
		out.s[n] = '\0';
	return out;
}

/* ---- what is told ---- */

static void write_side(FILE *out, const struct call *call, enum media_side side)
{
	struct live_text codec = live_codec(call, side);
	struct live_text quality = live_quality(call, side);

	fprintf(out, "  %s (%s%s%s): %s\n",
		side == MEDIA_SIDE_A ? "caller" : "called",
		call->legs[side]->ops->name, *codec.s ? ", " : "", codec.s,
		*quality.s ? quality.s : "nothing heard yet");
}

static void write_call(FILE *out, const struct call *call)
{
	uint64_t s = call_lasts_ms(call) / MS_PER_S;

	fprintf(out, "%s %" PRIu64 ":%02u %s > %s%s%s\n", call_state_name(call),
		s / S_PER_MIN, (unsigned)(s % S_PER_MIN), call->from, call->to,
		*call->trunk ? " by " : "", call->trunk);
	write_side(out, call, MEDIA_SIDE_A);
	write_side(out, call, MEDIA_SIDE_B);
}

static const struct call *find(const struct gateway *gateway, const char *name)
{
	const struct call *call;

	LIST_FOREACH(call, &gateway->calls, link) {
		if (call->state != CALL_CLOSED && !strcmp(call->name, name))
			break;
	}
	return call;
}

static void write_all(FILE *out, const struct gateway *gateway)
{
	const struct call *call;
	unsigned n = 0;

	LIST_FOREACH(call, &gateway->calls, link) {
		if (call->state != CALL_CLOSED && n++ < LIVE_CALLS_MAX)
			write_call(out, call);
	}
	if (!n)
		fputs("No call now.\n", out);
	if (n > LIVE_CALLS_MAX)
		fprintf(out, "and %u more\n", n - LIVE_CALLS_MAX);
}

static void tell(const struct live *live)
{
	const struct call *call =
		*live->call ? find(live->gateway, live->call) : NULL;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return;
	if (call)
		write_call(out, call);
	else if (!*live->call)
		write_all(out, live->gateway);
	if (!fclose(out) && n)
		live->handlers->tell(text, n, live->arg);
	free(text);
}

/* ---- its life ---- */

static void set_timer(struct live *live, unsigned s)
{
	const struct timeval tv = { s, 0 };

	evtimer_add(live->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct live *live = arg;

	(void)fd;
	(void)what;
	if (!live->why && *live->call && !find(live->gateway, live->call))
		live->why = "The call has ended.";
	if (!live->why && clock_ms() >= live->until_ms)
		live->why = "The time is over.";
	if (live->why) {
		live->handlers->done(live->why, live->arg);
		return;
	}
	tell(live);
	set_timer(live, live->every_s);
}

void live_call_ended(const struct call *call, const struct cdr *cdr)
{
	struct live *live;

	LIST_FOREACH(live, &call->gateway->watch->lives, link) {
		if (strcmp(live->call, call->name) != 0 ||
		    why_text(live->ended, cdr))
			continue;
		live->why = live->ended;
		set_timer(live, 0);
	}
}

int live_new(struct live **out, struct gateway *gateway,
	     const struct live_config *config,
	     const struct live_handlers *handlers, void *arg)
{
	struct live *live;
	unsigned n = 0;

	LIST_FOREACH(live, &gateway->watch->lives, link)
		n++;
	if (n >= LIVE_MAX)
		return LIVE_E_FULL;
	if (*config->call && !find(gateway, config->call))
		return LIVE_E_NONE;
	live = calloc(1, sizeof(*live));
	if (!live)
		return -ENOMEM;
	LIST_INSERT_HEAD(&gateway->watch->lives, live, link);
	live->gateway = gateway;
	live->handlers = handlers;
	live->arg = arg;
	live->every_s = config->every_s;
	live->until_ms = clock_ms() + (uint64_t)config->last_s * MS_PER_S;
	live->timer = evtimer_new(gateway->base, on_timer, live);
	int r = live->timer
			? text_set(live->call, sizeof(live->call), config->call)
			: -ENOMEM;
	if (r) {
		live_free(live);
		return r;
	}
	set_timer(live, 0);
	*out = live;
	return 0;
}

struct live *live_free(struct live *live)
{
	if (!live)
		return NULL;
	LIST_REMOVE(live, link);
	if (live->timer)
		event_free(live->timer);
	free(live);
	return NULL;
}
