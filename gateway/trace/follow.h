/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How the media of a followed call fare, told as they change: by what its
 * counters say from look to look. No worker is asked.
 */
#pragma once

#include <stdbool.h>

#include "media/bridge.h"

enum { FOLLOW_TEXT_CAP = 160, FOLLOW_LOSS_MS = 1000 };

struct follow_side {
	struct media_side_stats seen;
	uint64_t lost_told_ms; /* losses are told once a second at the most */
};

struct follow_media {
	struct follow_side sides[2];
};

typedef void (*follow_fn)(enum media_side side, const char *text, void *arg);

/* What @now has that was not so at the last look, each by @fn. */
void follow_look(struct follow_media *media, enum media_side side,
		 const struct media_side_stats *now, uint64_t now_ms,
		 follow_fn fn, void *arg);
