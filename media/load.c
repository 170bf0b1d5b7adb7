/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/load.h"

#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "media/media.h"

enum load_change load_look(struct load *load, uint64_t cpu_us, uint64_t packets,
			   uint64_t now_us)
{
	uint64_t us = now_us - load->at_us;
	bool first = !load->at_us;

	if (!first && us) {
		load->busy_permille =
			(unsigned)((cpu_us - load->cpu_us) * 1000 / us);
		load->packets_s = (packets - load->packets) * 1000000 / us;
	}
	load->cpu_us = cpu_us;
	load->packets = packets;
	load->at_us = now_us;
	if (load->busy_permille >= LOAD_HIGH_PERMILLE && !load->high) {
		load->high = true;
		return LOAD_HIGH;
	}
	if (load->busy_permille < LOAD_LOW_PERMILLE && load->high) {
		load->high = false;
		return LOAD_LOW;
	}
	return LOAD_SAME;
}

size_t load_choose(const struct load_place *places, size_t n)
{
	size_t idlest = 0;

	for (size_t i = 1; i < n; i++)
		if (places[i].busy_permille < places[idlest].busy_permille)
			idlest = i;
	size_t best = idlest;
	for (size_t i = 0; i < n; i++)
		if (places[i].busy_permille < places[idlest].busy_permille +
						      LOAD_MARGIN_PERMILLE &&
		    places[i].calls < places[best].calls)
			best = i;
	return best;
}

static void say(const struct media_worker *worker, unsigned index,
		enum load_change change)
{
	const struct load *load = &worker->busy;
	static const char *const results[] = {
		[LOAD_SAME] = "ok",
		[LOAD_HIGH] = "high",
		[LOAD_LOW] = "ok",
	};

	if (change == LOAD_HIGH)
		log_warn("event=media-load worker=%u result=high busy=%u.%u%% "
			 "calls=%u packets_s=%llu late=%llu advice=fewer-calls",
			 index, load->busy_permille / 10,
			 load->busy_permille % 10, worker->load,
			 (unsigned long long)load->packets_s,
			 (unsigned long long)worker_late(worker->worker));
	else
		log_info("event=media-load worker=%u result=%s busy=%u.%u%% "
			 "calls=%u packets_s=%llu late=%llu lost=%llu",
			 index, results[change], load->busy_permille / 10,
			 load->busy_permille % 10, worker->load,
			 (unsigned long long)load->packets_s,
			 (unsigned long long)worker_late(worker->worker),
			 (unsigned long long)worker_lost(worker->worker));
}

/*
 * A thread that does not turn any more (a bug, a driver, a debugger) serves
 * nobody, and nothing but another process helps: its calls go on there.
 */
static void look_alive(struct media_worker *worker, unsigned index)
{
	if (worker_has_answered(worker->worker)) {
		worker->unanswered = 0;
		worker_ask(worker->worker);
		return;
	}
	if (++worker->unanswered < LOAD_STUCK_LOOKS)
		return;
	log_error("event=media-stuck worker=%u calls=%u: the process ends, and "
		  "all calls go on in the next one",
		  index, worker->load);
	abort();
}

static bool look_at_all(struct media *media, bool due)
{
	uint64_t now_us = clock_us();
	bool any = false;

	for (unsigned i = 0; i < media->nworkers; i++) {
		struct media_worker *w = &media->workers[i];
		enum load_change change =
			load_look(&w->busy, worker_cpu_us(w->worker),
				  worker_packets(w->worker), now_us);

		look_alive(w, i);
		if (change != LOAD_SAME || (due && w->load))
			say(w, i, change);
		any |= w->load > 0;
	}
	return any;
}

uint64_t load_still_ms(uint64_t last_ms, uint64_t now_ms)
{
	uint64_t due_ms = last_ms + LOAD_LOOK_MS;

	return now_ms >= due_ms + LOAD_STILL_MS ? now_ms - due_ms : 0;
}

static void tell_still(uint64_t ms)
{
	if (ms)
		log_warn("event=stood-still ms=%llu: the process was stopped, "
			 "or had no processor or disk; calls go on, and what "
			 "came meanwhile is answered late",
			 (unsigned long long)ms);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct media *media = arg;
	uint64_t now_ms = clock_ms();
	bool due = now_ms >= media->say_load_ms;

	(void)fd;
	(void)what;
	tell_still(load_still_ms(media->looked_ms, now_ms));
	media->looked_ms = now_ms;
	if (due)
		media->say_load_ms = now_ms + LOAD_SAY_MS;
	/* What was measured while there were calls says nothing of later. */
	if (!look_at_all(media, due)) {
		event_del(media->load_timer);
		for (unsigned i = 0; i < media->nworkers; i++)
			media->workers[i].busy = (struct load){ 0 };
	}
}

void load_watch(struct media *media)
{
	const struct timeval tv = { LOAD_LOOK_MS / 1000,
				    LOAD_LOOK_MS % 1000 * 1000 };

	if (media->load_timer &&
	    event_pending(media->load_timer, EV_TIMEOUT, NULL))
		return;
	if (!media->load_timer)
		media->load_timer =
			event_new(media->base, -1, EV_PERSIST, on_look, media);
	/* Without it calls are placed by their number. */
	if (!media->load_timer || event_add(media->load_timer, &tv))
		return;
	media->looked_ms = clock_ms();
	media->say_load_ms = media->looked_ms + LOAD_SAY_MS;
}
