/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A call that was up when its process died goes on: same media, same dialog,
 * same session. Neither party is told.
 */
#pragma once

#include <stdint.h>

#include "gateway/base/err.h"

struct gateway;
struct session_row;

/* When the call of @row began by the clock_ms() of this machine's run, which is
 * @now_ms when the wall clock says @wall_ms: from then on it has lasted. Where
 * that was set back, or is not set yet, at least until it was answered. */
int64_t call_begun_ms(const struct session_row *row, int64_t now_ms,
		      int64_t wall_ms);

/*
 * @a and @b are the rows of its legs. 0, or why it cannot be: -ENOENT (it was
 * not up, nothing was kept of its media, its trunk is no more), -errno; nothing
 * was said to anybody then.
 */
CHECKED int call_resume(struct gateway *gateway, const struct session_row *a,
			const struct session_row *b);
