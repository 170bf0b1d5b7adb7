/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The telephone-event that passes through a relay (RFC 4733): its clock is
 * mapped, its time put on the output's timeline, its end told once.
 */
#pragma once

#include "media/relay.h"
#include "media/rtp.h"

/*
 * A packet with the event's payload at @p, @n octets, that came as @ext. The
 * payload is rewritten, *@ts becomes the output's timestamp. 0 or RELAY_DROP.
 */
CHECKED int relay_passing_take(struct relay *relay, const struct rtp_hdr *hdr,
			       uint32_t ext, uint8_t *p, size_t n,
			       uint64_t now_us, uint32_t *ts,
			       struct relay_event *event);

/* No end will come: the source changed. */
void relay_passing_lost(struct relay_passing *passing,
			struct relay_event *event);
/* Something else came: an event that is silent for long has ended. */
void relay_passing_idle(struct relay_passing *passing, uint64_t now_us,
			struct relay_event *event);
/* Whether an event is going on, so that nothing may be put in. */
bool relay_passing_busy(const struct relay_passing *passing, uint64_t now_us);
