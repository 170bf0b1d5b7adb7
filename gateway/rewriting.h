/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The database was damaged, and is another file (db_on_replaced()): all that
 * this process knows of its rows is written to that one, as what could be read
 * of the old one may not be all, nor the last. Some in each turn of the loop,
 * and no more before the disk has taken most of those.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct gateway;
struct rewriting;

enum {
	REWRITING_EACH = 100,      /* rows in a turn, of what there are many */
	REWRITING_EACH_CALLS = 20, /* each two rows with descriptions */
	REWRITING_WAIT_MS = 20,    /* for a disk that is not done yet */
};

/* A turn's share of what there may be many of: the first at @begin, then the
 * next. True: there are more. *@r: -errno when one could not be written. */
typedef bool (*rewriting_some_fn)(struct gateway *gateway, bool begin, int *r);

/* The last part to start: from then on it is told. 0 or -ENOMEM. */
CHECKED int rewriting_new(struct gateway *gateway);
void rewriting_free(struct gateway *gateway);
