/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One direction of a call: numbered packets of 20 ms of G.711 whose every octet
 * is known, and the judge of what arrives. A packet's payload is the stream's
 * name, the packet's number, the time it was sent and a pattern made of these.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STREAM_PACKET_LEN = 172,
	STREAM_PACKET_MS = 20,
	STREAM_SAMPLES = 160,
};

/* Delays up to 200 ms in steps of 5 us; longer ones in the last. */
enum { DELAY_STEP_US = 5, DELAY_STEPS = 40001 };
struct delays {
	uint64_t n;
	uint32_t steps[DELAY_STEPS];
};
void delays_add(struct delays *delays, uint64_t us);
/* 0 < @share <= 1; 0 when there are none. */
uint64_t delays_quantile(const struct delays *delays, double share);

/* Of all streams. */
struct verdict {
	uint64_t sent; /* in the time that was measured */
	uint64_t delivered, corrupt, reordered, duplicated, rebased;
	uint64_t unsent; /* the kernel refused them */
	struct delays delays;
};

struct stream {
	uint32_t name; /* call and direction */
	uint32_t next; /* number of the packet sent next */
	uint32_t ssrc;
	/* what arrived */
	bool heard;
	uint32_t highest;
	uint64_t window; /* bit i: highest - i has come */
	uint32_t rx_ssrc;
	uint16_t rx_seq; /* of packet number 0, as the relay numbers */
	uint32_t rx_ts;
	/* what is measured: packets first <= number < last */
	uint32_t first, last;
	uint64_t got;
};

void stream_init(struct stream *stream, uint32_t name);
/* Write the next packet; @sent_ns goes into it. */
void stream_write(struct stream *stream, uint8_t p[static STREAM_PACKET_LEN],
		  uint64_t sent_ns);
/* A packet in plain that arrived at @at_ns. */
void stream_read(struct stream *stream, const uint8_t *p, size_t n,
		 uint64_t at_ns, struct verdict *verdict);
