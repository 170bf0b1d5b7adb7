/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/pace.h"

void pace_turn(struct pace *pace, size_t received, size_t foreign, bool behind)
{
	pace->moved += received;
	pace->received += received;
	pace->foreign += foreign;
	pace->behind = behind;
	if (!behind || foreign * 2 > received)
		pace->late_us = 0;
}

static uint64_t apart_us(uint64_t packets, uint64_t us)
{
	if (packets * PACE_US < us * PACE_FROM)
		return 0;
	return packets * PACE_US < us * PACE_LESS ? PACE_LESS_US : PACE_US;
}

bool pace_is_many(struct pace *pace, uint64_t now_us)
{
	uint64_t us = now_us - pace->looked_us;

	if (us >= PACE_LOOK_US) {
		pace->apart_us = apart_us(pace->moved, us);
		pace->looked_us = now_us;
		pace->moved = 0;
	}
	return pace->apart_us;
}

bool pace_is_late(struct pace *pace, uint64_t now_us)
{
	if (!pace->behind)
		return false;
	if (!pace->late_us)
		pace->late_us = now_us;
	return now_us - pace->late_us >= PACE_LATE_US;
}

static void count_from(struct pace *pace, uint64_t behind_us)
{
	pace->behind_us = behind_us;
	pace->received = pace->foreign = 0;
}

uint64_t pace_next_us(struct pace *pace, uint64_t turn_us, uint64_t now_us)
{
	if (!pace->behind) {
		count_from(pace, 0);
		return pace->apart_us ? turn_us + pace->apart_us : 0;
	}
	if (!pace->behind_us) {
		count_from(pace, now_us);
		return 0;
	}
	bool flood = pace->foreign * 2 > pace->received;
	if (now_us - pace->behind_us < (flood ? PACE_FLOOD_US : PACE_BEHIND_US))
		return 0;
	count_from(pace, 0);
	return now_us + PACE_REST_US;
}
