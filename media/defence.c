/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/defence.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "media/worker.h"

/* What one family's filter is to know. */
struct lesson {
	const struct sieve_secret *secret;
	bool v6;
	size_t n;
	struct sieve_known known;
};

static bool is_of(const struct lesson *lesson, const struct tuple *tuple)
{
	return addr_is_v6(&tuple->remote) == lesson->v6;
}

static void count_one(const struct tuple *tuple, void *arg)
{
	struct lesson *lesson = arg;

	lesson->n += is_of(lesson, tuple);
}

static void add_one(const struct tuple *tuple, void *arg)
{
	struct lesson *lesson = arg;

	if (is_of(lesson, tuple))
		sieve_known_add(&lesson->known, lesson->secret, &tuple->remote);
}

static int attach_flooded(const struct worker *worker, int which)
{
	const struct defence *defence = &worker->defence;
	struct lesson lesson = { .secret = &defence->secret,
				 .v6 = which == BATCH_V6 };

	tuple_each(&worker->tuples, count_one, &lesson);
	sieve_known_init(&lesson.known, lesson.n);
	tuple_each(&worker->tuples, add_one, &lesson);
	const struct sieve sieve = {
		.v6 = lesson.v6,
		.flooded = true,
		.secret = &defence->secret,
		.share = defence->siege.share,
		.known = &lesson.known,
	};
	return sieve_attach(worker->shared[which].fd, &sieve);
}

static int attach_calm(const struct worker *worker, int which)
{
	const struct sieve sieve = { .v6 = which == BATCH_V6 };

	return sieve_attach(worker->shared[which].fd, &sieve);
}

static bool may_log(const struct worker *worker, struct bucket *lines)
{
	return bucket_take(lines, worker->now_us,
			   (uint64_t)DEFENCE_LOG_MS * US_PER_MS, 1);
}

static void attach_all(struct worker *worker)
{
	struct defence *defence = &worker->defence;
	int failed = 0;

	defence->changes = worker->tuples.changes;
	defence->learned_ms = worker->now_ms;
	for (int i = 0; i < BATCH_NSOCKETS; i++) {
		if (worker->shared[i].fd < 0)
			continue;
		int r = defence->siege.flooded ? attach_flooded(worker, i)
					       : attach_calm(worker, i);
		failed = r ? r : failed;
	}
	if (failed && may_log(worker, &defence->failures))
		log_warn("event=media-filter worker=%u result=none "
			 "reason=\"%s\"",
			 worker->config.index, strerror(-failed));
}

void defence_begin(struct worker *worker)
{
	sieve_secret_init(&worker->defence.secret);
	attach_all(worker);
}

static void count(struct worker *worker)
{
	struct defence *defence = &worker->defence;

	for (int i = 0; i < BATCH_NSOCKETS; i++) {
		if (worker->shared[i].fd < 0)
			continue;
		uint32_t now = sieve_dropped(worker->shared[i].fd);
		defence->dropped += (uint32_t)(now - defence->counted[i]);
		defence->counted[i] = now;
	}
}

static void tell(struct worker *worker)
{
	struct defence *defence = &worker->defence;

	if (defence->siege.flooded) {
		defence->told = may_log(worker, &defence->floods);
		defence->since_ms = worker->now_ms;
		defence->dropped_before = defence->dropped;
		if (defence->told)
			log_warn("event=media-flood worker=%u result=filtered",
				 worker->config.index);
		return;
	}
	if (!defence->told)
		return;
	log_info("event=media-flood worker=%u result=over seconds=%" PRIu64
		 " dropped=%" PRIu64,
		 worker->config.index,
		 (worker->now_ms - defence->since_ms) / 1000,
		 defence->dropped - defence->dropped_before);
}

static void look(struct worker *worker)
{
	struct defence *defence = &worker->defence;
	bool was = defence->siege.flooded;

	count(worker);
	if (siege_look(&defence->siege, worker->now_ms, defence->dropped,
		       defence->foreign))
		attach_all(worker);
	if (defence->siege.flooded != was)
		tell(worker);
}

/* Where the filters know other addresses than are in use. */
uint64_t defence_due_ms(const struct worker *worker)
{
	const struct defence *defence = &worker->defence;

	if (!defence->siege.flooded ||
	    defence->changes == worker->tuples.changes)
		return UINT64_MAX;
	return defence->learned_ms + DEFENCE_LEARN_MS;
}

void defence_turn(struct worker *worker, uint64_t foreign)
{
	struct defence *defence = &worker->defence;

	defence->foreign += foreign;
	if (!worker->listening)
		return;
	if (siege_is_due(&defence->siege, worker->now_ms))
		look(worker);
	if (worker->now_ms >= defence_due_ms(worker))
		attach_all(worker);
}
