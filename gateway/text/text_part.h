/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A text that is longer than a trunk takes at once, in parts: between words
 * where that leaves at least half of the room used, and never within what
 * people see as one character. The parts in their order are the text.
 */
#pragma once

#include "gateway/base/slice.h"

/* Of one text, when they are full; between words they are half full at least.
 */
enum { TEXT_PARTS_MAX = 20 };

/* Octets of the first part of @text (UTF-8), at most @max, which is at least
 * four; all of it when it fits. */
size_t text_part(struct slice text, size_t max);
