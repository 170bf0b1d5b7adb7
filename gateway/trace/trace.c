/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/trace.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/trace/hep.h"
#include "gateway/trace/trace_int.h"

int64_t trace_now_us(void)
{
	enum { US_PER_S = 1000000, NS_PER_US = 1000 };
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / NS_PER_US;
}

void trace_put(struct trace *trace, struct entry *entry)
{
	if (!entry)
		return;
	if (trace->hep)
		hep_send(trace->traces->hep, entry);
	if (trace->fn && !trace->traces->telling)
		trace->fn(entry, trace->arg);
	ring_put(&trace->ring, entry); /* which may free it, if it is old */
}

/* ---- life ---- */

static void set_tick(struct traces *traces)
{
	const struct timeval tv = clock_timeval(TRACE_TICK_MS);

	evtimer_add(traces->tick, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct traces *traces = arg;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	trace_look(traces);
	for (size_t i = 0; i < TRACE_MAX; i++) {
		if (traces->v[i].running && now >= traces->v[i].until_ms)
			trace_stop(&traces->v[i]);
	}
	if (traces->running)
		set_tick(traces);
}

int traces_new(struct gateway *gateway)
{
	struct traces *traces = calloc(1, sizeof(*traces));

	if (!traces)
		return -ENOMEM;
	gateway->traces = traces;
	traces->gateway = gateway;
	LIST_INIT(&traces->calls);
	ring_init(&traces->orphans, ORPHAN_OCTETS_MAX);
	traces->tick = evtimer_new(gateway->base, on_tick, traces);
	return traces->tick ? 0 : -ENOMEM;
}

static void clear(struct trace *trace)
{
	struct followed *followed;

	trace_stop(trace);
	LIST_FOREACH(followed, &trace->traces->calls, link)
		followed->by[trace - trace->traces->v] = false;
	match_fini(&trace->match);
	ring_fini(&trace->ring);
	trace->id = 0;
}

void traces_free(struct gateway *gateway)
{
	struct traces *traces = gateway->traces;

	if (!traces)
		return;
	for (size_t i = 0; i < TRACE_MAX; i++) {
		if (traces->v[i].id)
			clear(&traces->v[i]);
	}
	if (traces->tick)
		event_free(traces->tick);
	hep_free(traces->hep);
	free(traces);
	gateway->traces = NULL;
}

/* A free place, or that of the oldest that has stopped. */
static struct trace *place(struct traces *traces)
{
	struct trace *best = NULL;

	for (size_t i = 0; i < TRACE_MAX; i++) {
		struct trace *trace = &traces->v[i];

		if (!trace->id)
			return trace;
		if (!trace->running && (!best || trace->id < best->id))
			best = trace;
	}
	if (best)
		clear(best);
	return best;
}

static int open_hep(struct traces *traces)
{
	if (!addr_is_set(&traces->gateway->config->hep.server))
		return TRACE_E_HEP;
	return traces->hep ? 0 : hep_new(&traces->hep, traces->gateway);
}

static void begin(struct trace *trace, const struct trace_config *config)
{
	struct traces *traces = trace->traces;

	ring_init(&trace->ring, RING_OCTETS_MAX);
	trace->id = ++traces->last_id;
	trace->running = true;
	trace->hep = config->hep;
	trace->started_ms = clock_wall_ms();
	trace->until_ms = clock_ms() + (uint64_t)config->last_s * MS_PER_S;
	traces->looked_ms = 0;
	if (!traces->running++)
		trace_taps_set(traces, true);
	log_info("trace=%u event=started what=%s seconds=%u hep=%d", trace->id,
		 log_text(slice_of(trace->what)).s, config->last_s, trace->hep);
	set_tick(traces);
}

int trace_start(unsigned *id, struct gateway *gateway,
		const struct trace_config *config)
{
	struct traces *traces = gateway->traces;
	struct match match;
	struct trace *trace;
	int r = match_init(&match, gateway, config->what);

	if (r)
		return r == -EINVAL ? TRACE_E_WHAT : r;
	if (config->hep)
		r = open_hep(traces);
	trace = r ? NULL : place(traces);
	if (!r && !trace)
		r = TRACE_E_FULL;
	if (!r && text_set(trace->what, sizeof(trace->what), config->what))
		r = TRACE_E_WHAT;
	if (r) {
		match_fini(&match);
		return r;
	}
	trace->traces = traces;
	trace->match = match;
	begin(trace, config);
	*id = trace->id;
	return 0;
}

/* Nobody wants any of it any more. */
static void rest(struct traces *traces)
{
	trace_taps_set(traces, false);
	trace_forget_calls(traces);
	ring_fini(&traces->orphans);
	evtimer_del(traces->tick);
	traces->hep = hep_free(traces->hep);
}

void trace_stop(struct trace *trace)
{
	trace_entry_fn fn = trace->fn;

	if (!trace->running)
		return;
	trace->running = false;
	trace->fn = NULL;
	log_info("trace=%u event=stopped", trace->id);
	if (!--trace->traces->running)
		rest(trace->traces);
	if (fn)
		fn(NULL, trace->arg);
}

/* ---- who looks ---- */

struct trace *trace_find(const struct gateway *gateway, unsigned id)
{
	struct trace *found = NULL;

	for (size_t i = 0; i < TRACE_MAX; i++) {
		struct trace *trace = &gateway->traces->v[i];

		if (trace->id &&
		    (id ? trace->id == id : !found || trace->id > found->id))
			found = trace;
	}
	return found;
}

void trace_view(const struct trace *trace, struct trace_view *out)
{
	uint64_t now = clock_ms();
	uint64_t left = trace->until_ms > now ? trace->until_ms - now : 0;

	*out = (struct trace_view){
		.id = trace->id,
		.what = trace->what,
		.started_ms = trace->started_ms,
		.left_s = trace->running ? (unsigned)(left / MS_PER_S) + 1 : 0,
		.hep = trace->hep,
		.ring = &trace->ring,
	};
}

void trace_each(const struct gateway *gateway, trace_fn fn, void *arg)
{
	const struct traces *traces = gateway->traces;
	unsigned last = 0;

	for (size_t n = 0; n < TRACE_MAX; n++) {
		const struct trace *next = NULL;

		for (size_t i = 0; i < TRACE_MAX; i++) {
			const struct trace *trace = &traces->v[i];

			if (trace->id > last && (!next || trace->id < next->id))
				next = trace;
		}
		if (!next)
			return;
		last = next->id;
		fn(next, arg);
	}
}

void trace_follow(struct trace *trace, trace_entry_fn fn, void *arg)
{
	trace->fn = fn;
	trace->arg = arg;
}

void trace_telling(struct gateway *gateway, bool on)
{
	gateway->traces->telling = on;
}

bool trace_is_on(const struct gateway *gateway)
{
	return gateway->traces && gateway->traces->running;
}
