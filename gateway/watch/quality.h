/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How well each live call is heard, over its whole time: every QUALITY_LOOK_MS
 * the counters of its media are read (no worker is stopped for it), but not of
 * all calls in one turn of the loop: each has one of QUALITY_SLOTS times within
 * that. A side's points tell of what its peer sends, up to us.
 *
 * The points of a call fill its QUALITY_POINTS; when they are full, pairs of
 * them become one, and each stands for twice the time.
 */
#pragma once

#include <stdint.h>

#include "gateway/base/err.h"
#include "media/bridge.h"

struct call;
struct gateway;
struct quality;
struct quality_timer;

enum { QUALITY_LOOK_MS = 2000, QUALITY_SLOTS = 50, QUALITY_POINTS = 60 };

/* Of one stretch of time; all zero: nothing came (hold, silence). */
struct quality_point {
	float loss;      /* share of packets, 0 to 1 */
	float jitter_ms; /* RFC 3550 */
	float mos;       /* mos.h; 0: nothing came */
};

struct quality_side {
	struct quality_point points[QUALITY_POINTS];
	unsigned n;
};

/* Of @call; borrowed until the loop's next turn, NULL: none yet. */
const struct quality_side *quality_of(const struct call *call,
				      enum media_side side);
/* How long each of its points is. */
unsigned quality_step_ms(const struct call *call);
/* The newest point with packets in it; false: there is none. */
bool quality_now(struct quality_point *out, const struct call *call,
		 enum media_side side);

/* For call.c: @call ends, and what is known of it. */
void quality_forget(struct call *call);

/* @gateway outlives it. 0 or -ENOMEM. */
CHECKED int quality_timer_new(struct quality_timer **out,
			      struct gateway *gateway);
/* NULL is fine; returns NULL. Nobody looks at calls any more. */
struct quality_timer *quality_timer_free(struct quality_timer *timer);
/* @call has begun: it is looked at when it talks. */
void quality_timer_add(struct quality_timer *timer, struct call *call);

/* ---- for quality.c and its tests ---- */

/* What was counted until a look. */
struct quality_counts {
	uint64_t received, lost;
	uint32_t jitter_us, rtt_us;
	const char *codec;
};

/* *@out is owned by the caller: quality_free(). 0 or -ENOMEM. */
CHECKED int quality_new(struct quality **out);
/* NULL is fine; returns NULL. */
struct quality *quality_free(struct quality *quality);
/* The sides' counters now, A's and B's. @points are what came since the last
 * look. */
void quality_look(struct quality *quality,
		  const struct quality_counts counts[2],
		  struct quality_point points[2]);
const struct quality_side *quality_side_of(const struct quality *quality,
					   enum media_side side);
