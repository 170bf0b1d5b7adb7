/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Replay window and rollover counter; see the header. */
#include "media/srtp_window.h"

#include <assert.h>
#include <string.h>

enum { SEQ_MEDIAN = 0x8000 };

static_assert(SRTP_REPLAY_WINDOW == 128, "the shift below moves two words");

bool srtp_window_is_new(const struct srtp_window *window, uint64_t index)
{
	if (!window->seen || index > window->highest)
		return true;
	uint64_t age = window->highest - index;
	if (age >= SRTP_REPLAY_WINDOW)
		return false;
	return !(window->used[age / 64] >> age % 64 & 1);
}

static void window_shift(struct srtp_window *window, uint64_t by)
{
	uint64_t *used = window->used;

	if (by >= 128) {
		used[0] = used[1] = 0;
	} else if (by >= 64) {
		used[1] = used[0] << (by - 64);
		used[0] = 0;
	} else if (by) {
		used[1] = used[1] << by | used[0] >> (64 - by);
		used[0] <<= by;
	}
}

void srtp_window_add(struct srtp_window *window, uint64_t index)
{
	if (!window->seen) {
		window->seen = true;
		window->highest = index;
	} else if (index > window->highest) {
		window_shift(window, index - window->highest);
		window->highest = index;
	}
	uint64_t age = window->highest - index;
	if (age < SRTP_REPLAY_WINDOW)
		window->used[age / 64] |= UINT64_C(1) << age % 64;
}

void srtp_window_fill(struct srtp_window *window, uint64_t index)
{
	window->seen = true;
	window->highest = index;
	memset(window->used, 0xff, sizeof(window->used));
}

uint64_t srtp_window_estimate(const struct srtp_window *window, uint16_t seq)
{
	if (!window->seen)
		return seq;
	uint64_t roc = window->highest >> 16;
	int delta = (int)seq - (int)(window->highest & 0xffff);

	/* There is nothing before the first period: appendix A's ROC - 1 would
	 * be 2^32 - 1 there, an index that nobody sends. */
	if (delta > SEQ_MEDIAN && roc)
		roc--;
	else if (delta < -SEQ_MEDIAN)
		roc++;
	return roc << 16 | seq;
}
