/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A worker's shared sockets against floods: when (media/siege.h) they get which
 * filter (media/sieve.h). Belongs to the worker's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/bucket.h"
#include "media/batch.h"
#include "media/siege.h"
#include "media/sieve.h"

struct worker;

enum {
	/* A new address is known after so long: to learn takes 2 ms beside a
	 * thousand others. */
	DEFENCE_LEARN_MS = 50,
	DEFENCE_LOG_MS = 60000, /* lines of one kind are no closer */
};

struct defence {
	struct siege siege;
	struct sieve_secret secret;
	unsigned changes;    /* of the tuples that the filters know */
	uint64_t learned_ms; /* they were told */
	uint64_t foreign;    /* of no call, at the shared sockets */
	uint64_t dropped;    /* by the kernel; it counts in 32 bits, */
	uint32_t counted[BATCH_NSOCKETS]; /* for each socket */
	/* of the flood that was told of */
	bool told;
	uint64_t since_ms, dropped_before;
	struct bucket floods, failures; /* lines in the log */
};

/* The worker begins to listen. */
void defence_begin(struct worker *worker);
/* At the end of a turn; @foreign packets at the shared sockets were of no call.
 */
void defence_turn(struct worker *worker, uint64_t foreign);
/* When a turn is wanted though nothing comes: a new address is not known yet.
 * UINT64_MAX: never. */
uint64_t defence_due_ms(const struct worker *worker);
