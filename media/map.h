/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How the payload types of one side become those of the other: a plain value,
 * fixed between two negotiations.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { MEDIA_MAP_NONE = 0xff, MEDIA_MAP_NPTS = 128 };

/* Small, as a call has four maps: no clock of what is relayed is above 48 kHz.
 */
struct media_map_entry {
	uint8_t pt;        /* outgoing; MEDIA_MAP_NONE: drop the packet */
	bool event;        /* telephone-event (RFC 4733) */
	uint16_t rx_clock; /* Hz, of the incoming RTP timestamps */
	uint16_t tx_clock; /* Hz, of the outgoing ones */
};

struct media_map {
	struct media_map_entry rx[MEDIA_MAP_NPTS]; /* by incoming pt */
	/*
	 * For what we insert ourselves: telephone-event towards the receiver
	 * (pt MEDIA_MAP_NONE: it takes none), and the agreed codec.
	 */
	uint8_t event_pt;
	uint32_t event_clock;
	uint8_t codec_pt;
	uint32_t codec_clock;
};
