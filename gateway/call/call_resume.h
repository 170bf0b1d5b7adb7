/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A call that was up when its process died goes on: same media, same dialog,
 * same session. Neither party is told.
 */
#pragma once

#include "gateway/base/err.h"

struct gateway;
struct session_row;

/*
 * @a and @b are the rows of its legs. 0, or why it cannot be: -ENOENT (it was
 * not up, nothing was kept of its media, its trunk is no more), -errno; nothing
 * was said to anybody then.
 */
CHECKED int call_resume(struct gateway *gateway, const struct session_row *a,
			const struct session_row *b);
