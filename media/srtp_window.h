/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which packet indices were used: the replay window of SRTP and SRTCP (RFC
 * 3711, 3.3.2) and the estimate of the rollover counter (3.3.1, appendix A).
 * A plain value, for the sender as well: there it refuses what was sent.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "media/srtp.h"

struct srtp_window {
	bool seen; /* any index */
	uint64_t highest;
	/* Bit i: index highest - i was used; the low word first. */
	uint64_t used[SRTP_REPLAY_WINDOW / 64];
};

/* Whether @index is new. What is older than the window is not. */
bool srtp_window_is_new(const struct srtp_window *window, uint64_t index);

/* @index was used. */
void srtp_window_add(struct srtp_window *window, uint64_t index);

/* All indices up to @index were used: after a restart. */
void srtp_window_fill(struct srtp_window *window, uint64_t index);

/* The 48-bit index that the packet with @seq most likely has. */
uint64_t srtp_window_estimate(const struct srtp_window *window, uint16_t seq);
