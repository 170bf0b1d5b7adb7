/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How much of something in how much time: a bucket that holds @burst, and gets
 * one more every @each_us. A plain value, full when it is all zero; the time is
 * given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Its field is private: when it is full again. */
struct bucket {
	uint64_t full_us;
};

static inline bool bucket_is_empty(const struct bucket *bucket, uint64_t now_us,
				   uint64_t each_us, unsigned burst)
{
	return bucket->full_us > now_us &&
	       bucket->full_us - now_us > (burst - 1) * each_us;
}

/* Whether there was one to take. */
static inline bool bucket_take(struct bucket *bucket, uint64_t now_us,
			       uint64_t each_us, unsigned burst)
{
	if (bucket_is_empty(bucket, now_us, each_us, burst))
		return false;
	if (bucket->full_us < now_us)
		bucket->full_us = now_us;
	bucket->full_us += each_us;
	return true;
}
