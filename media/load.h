/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How busy workers are, as the main thread sees it by their threads' processor
 * time: no worker is asked. New calls go where there is room, an administrator
 * is told how much there is, and warned before it ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

enum {
	LOAD_LOOK_MS = 1000,  /* between two looks, while there are calls */
	LOAD_SAY_MS = 60000,  /* and two lines of log for each worker */
	LOAD_STUCK_LOOKS = 5, /* without a sign of life */
	LOAD_STILL_MS = 3000, /* a look so much late: the loop stood still */
	/* Less apart than this, workers are equally busy. */
	LOAD_MARGIN_PERMILLE = 100,
	/* More: delay grows soon, and it is said once until it is less than the
	 * second. */
	LOAD_HIGH_PERMILLE = 800,
	LOAD_LOW_PERMILLE = 600,
};

struct media;

/* Of one worker; all zero at first. */
struct load {
	uint64_t cpu_us, at_us; /* at the last look; 0: none */
	uint64_t packets;
	unsigned busy_permille; /* of a processor, between the last two */
	uint64_t packets_s;
	bool high; /* said so */
};

enum load_change {
	LOAD_SAME,
	LOAD_HIGH = 1,
	LOAD_LOW = 2,
};

/*
 * Look: it had used @cpu_us and received @packets at @now_us. 0 or what is to
 * be said.
 */
CHECKED enum load_change load_look(struct load *load, uint64_t cpu_us,
				   uint64_t packets, uint64_t now_us);

/* A worker that may take a call. */
struct load_place {
	unsigned busy_permille, calls;
};
/*
 * Which of @n (at least one) takes it: the one with the fewest calls of those
 * that are less than LOAD_MARGIN_PERMILLE busier than the least busy one.
 */
size_t load_choose(const struct load_place *places, size_t n);

/* For how long the loop has stood still when the look after that of @last_ms
 * comes at @now_ms; 0: it has not. */
uint64_t load_still_ms(uint64_t last_ms, uint64_t now_ms);

/* Begin to look, if that has not begun; ends by itself without calls. */
void load_watch(struct media *media);
