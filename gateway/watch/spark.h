/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A small picture of how well one side of a call was heard over its time: a
 * line for the estimated MOS, and bars from below for loss. Inline SVG, whose
 * colours are the style sheet's.
 */
#pragma once

#include "gateway/watch/html.h"
#include "gateway/watch/quality.h"

/* @side NULL: an empty one. @step_ms: how long a point is. */
void spark_write(struct html *h, const struct quality_side *side,
		 unsigned step_ms);
