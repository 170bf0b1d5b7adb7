/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Events that are longer than 16 bits of ticks: 1.4 s at 48 kHz (RFC 4733,
 * 2.5.1.3).
 */
#pragma once

#include <stdint.h>

#include "media/dtmf.h"

/*
 * Set the duration in @event to what of @ticks lies in its last segment;
 * returns where that segment begins.
 */
static inline uint32_t relay_segment(struct dtmf_event *event, uint64_t ticks)
{
	uint64_t full = ticks ? (ticks - 1) / DTMF_DURATION_MAX : 0;

	event->duration = (uint16_t)(ticks - full * DTMF_DURATION_MAX);
	return (uint32_t)(full * DTMF_DURATION_MAX);
}
