/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What happens to a packet between one side and the other, without I/O: one
 * direction of a call. The worker receives and unprotects, relay_rtp() rewrites
 * the RTP header (one SSRC for the whole call, continuous sequence and
 * timestamp, mapped payload type and telephone-event clock), the worker
 * protects and sends.
 *
 * RFC 3550, RFC 4733 (2.5.1.3: clock of events). Belongs to one thread and
 * allocates nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "media/map.h"

enum relay_outcome {
	RELAY_DROP = 1, /* not RTP, no such payload type, muted */
};

enum { RELAY_MAX_QUEUED_DIGITS = 32 };

/* Embedded in the worker's session; treat the fields as private. */
struct relay_source { /* RFC 3550, A.1 and A.8: what came in */
	uint32_t ssrc;
	bool seen;
	uint16_t max_seq, base_seq;
	uint32_t cycles;
	uint64_t received;
	uint64_t lost_before; /* of earlier sources */
	int64_t transit;
	uint32_t jitter; /* timestamp units, scaled by 16 */
	uint32_t clock;
};

struct relay_digit {
	char digit;
	uint16_t duration_ms;
};

struct relay {
	struct media_map map;
	struct relay_source source;
	uint32_t ssrc; /* outgoing */
	uint16_t seq_offset, last_seq;
	uint32_t ts_offset, last_ts;
	uint64_t last_us; /* when last_ts was sent */
	bool sent;
	/* the event that passes through now */
	uint32_t event_rx_ts, event_tx_ts;
	bool event_on;
	uint8_t event_code;
	uint16_t event_duration;
	bool event_reported;
	/* digits we insert */
	struct relay_digit digits[RELAY_MAX_QUEUED_DIGITS];
	uint8_t ndigits;
	bool inserting;
	uint8_t insert_ends;
	uint32_t insert_ts;
	uint64_t insert_start_us, insert_next_us;
};

void relay_init(struct relay *relay, uint32_t ssrc);
void relay_set_map(struct relay *relay, const struct media_map *map);

/* A digit that passed through, when it has ended; 0 when none did. */
struct relay_event {
	char digit;
	unsigned duration_ms;
};

/*
 * Rewrite the RTP packet @p of @n octets in place. @event tells of a digit that
 * ended. 0 or RELAY_DROP.
 */
CHECKED int relay_rtp(struct relay *relay, uint8_t *p, size_t n,
		      uint64_t now_us, struct relay_event *event);

/* Queue a digit for this direction. 0, -EINVAL, -ENOBUFS. */
CHECKED int relay_digit(struct relay *relay, char digit, unsigned duration_ms);
/*
 * While digits are queued: call when due; writes at most one packet of
 * telephone-event into @p and its length into @n (0: none now). Audio of the
 * source is dropped meanwhile. Returns when to be called again, UINT64_MAX when
 * no digit waits.
 */
uint64_t relay_insert(struct relay *relay, uint8_t *p, size_t cap, size_t *n,
		      uint64_t now_us);

/*
 * The peer's compound RTCP, rewritten for the other side: SSRCs, sender
 * timestamps and reception reports translated, BYE left out. @back is the relay
 * of the opposite direction. @n is the length before and after. 0 or
 * RELAY_DROP.
 */
CHECKED int relay_rtcp(struct relay *relay, const struct relay *back,
		       uint8_t *p, size_t *n);

uint64_t relay_lost(const struct relay *relay);
uint32_t relay_jitter_us(const struct relay *relay);
