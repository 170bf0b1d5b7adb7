/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/defence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "media/worker.h"

/* The keys of one family's addresses. */
struct known {
	const struct sieve_secret *secret;
	bool v6;
	size_t n;
	uint32_t keys[SIEVE_KNOWN_MAX];
};

static void note(const struct tuple *tuple, void *arg)
{
	struct known *known = arg;

	if (addr_is_v6(&tuple->remote) == known->v6 &&
	    known->n < SIEVE_KNOWN_MAX)
		known->keys[known->n++] =
			sieve_key(known->secret, &tuple->remote);
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* With more addresses than it can know a filter would refuse calls' own. */
static bool knows_all(const struct known *known)
{
	return known->n < SIEVE_KNOWN_MAX;
}

static int attach(struct worker *worker, int which)
{
	const struct defence *defence = &worker->defence;
	struct known known = { .secret = &defence->secret,
			       .v6 = which == BATCH_V6 };

	if (defence->siege.flooded)
		tuple_each(&worker->tuples, note, &known);
	qsort(known.keys, known.n, sizeof(known.keys[0]), compare);
	const struct sieve sieve = {
		.v6 = known.v6,
		.flooded = defence->siege.flooded && knows_all(&known),
		.secret = &defence->secret,
		.share = defence->siege.share,
		.known = known.keys,
		.nknown = known.n,
	};
	return sieve_attach(worker->shared[which].fd, &sieve);
}

static void attach_all(struct worker *worker)
{
	worker->defence.changes = worker->tuples.changes;
	worker->defence.learned_ms = worker->now_ms;
	for (int i = 0; i < BATCH_NSOCKETS; i++) {
		int r = worker->shared[i].fd < 0 ? 0 : attach(worker, i);
		if (r)
			log_warn("event=media-filter worker=%u result=none "
				 "reason=\"%s\"",
				 worker->config.index, strerror(-r));
	}
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
		defence->since_ms = worker->now_ms;
		defence->dropped_before = defence->dropped;
		log_warn("event=media-flood worker=%u result=filtered",
			 worker->config.index);
		return;
	}
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

void defence_turn(struct worker *worker, uint64_t foreign)
{
	struct defence *defence = &worker->defence;

	defence->foreign += foreign;
	if (!worker->listening)
		return;
	if (siege_is_due(&defence->siege, worker->now_ms))
		look(worker);
	if (defence->siege.flooded &&
	    defence->changes != worker->tuples.changes &&
	    worker->now_ms - defence->learned_ms >= DEFENCE_LEARN_MS)
		attach_all(worker);
}
