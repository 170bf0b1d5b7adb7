/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What comes in on one direction: which source speaks, in which order, how much
 * was lost and how unevenly it came (RFC 3550, A.1, A.3, A.8).
 */
#pragma once

#include "media/relay.h"
#include "media/rtp.h"

enum relay_source_outcome {
	RELAY_SOURCE_NEW =
		1, /* the first packet of a source, or after a jump */
	RELAY_SOURCE_BAD = 2, /* a straggler, or perhaps the first of a jump */
};

/*
 * Count a packet; *@ext becomes its extended sequence number. 0 or
 * RELAY_SOURCE_*; of a bad one *@ext is not set.
 */
CHECKED int relay_source_take(struct relay_source *source,
			      const struct rtp_hdr *hdr, uint64_t now_us,
			      uint32_t *ext);
/* Audio alone: the timestamps of events stand still. */
void relay_source_time(struct relay_source *source, uint32_t ts, uint32_t clock,
		       uint64_t now_us);
uint64_t relay_source_lost(const struct relay_source *source);
