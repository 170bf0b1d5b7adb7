/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Many jobs as one of the writer's queue: nobody hears how each of them went.
 *
 * Private to db/.
 */
#pragma once

#include <stddef.h>

#include "db/writer.h"

enum { BUNDLE_MAX = 1000 };

struct bundle;

/* An empty one; the queue's with bundle_job(). NULL: no memory. */
struct bundle *bundle_new(void);
/* @job, which nobody hears of, is the bundle's from then on. How many it has,
 * BUNDLE_MAX at the most. */
size_t bundle_add(struct bundle *bundle, struct job *job);
/* It as a job, which frees it. */
struct job *bundle_job(struct bundle *bundle);
