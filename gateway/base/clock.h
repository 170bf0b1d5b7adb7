/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The two clocks. Everything that is timed uses the monotonic one; wall time
 * is for call records and logs alone (a step of the wall clock must end no
 * call).
 */
#pragma once

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

enum { MS_PER_S = 1000, US_PER_MS = 1000 };

static inline uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static inline uint64_t clock_ms(void)
{
	return clock_us() / US_PER_MS;
}

/* @ms, which are not negative, as timers take them. */
static inline struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){ (time_t)(ms / MS_PER_S),
				 (suseconds_t)(ms % MS_PER_S * US_PER_MS) };
}

/* Milliseconds since 1970, UTC. */
static inline int64_t clock_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * MS_PER_S + ts.tv_nsec / 1000000;
}
