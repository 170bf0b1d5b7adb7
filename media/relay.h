/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What happens to a packet between one side and the other, without I/O: one
 * direction of a call. The worker receives and unprotects, relay_rtp() rewrites
 * the RTP header (one SSRC for the whole call, continuous sequence and
 * timestamp, mapped payload type and telephone-event clock), the worker
 * protects and sends.
 *
 * The output is the source plus an offset, so that the source's losses and
 * reordering stay visible in it. When the source changes (another SSRC, a
 * sequence that jumps), when a packet is kept back or one of ours is put in,
 * the offset is based anew, forwards; what then comes from before is dropped:
 * no sequence number leaves twice.
 *
 * RFC 3550, RFC 4733. A plain value without pointers that belongs to one thread
 * and allocates nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "media/map.h"

enum relay_outcome {
	/* Not RTP, no such payload type, from before a change, displaced by a
	 * digit; of RTCP: malformed, or nothing left to be said. */
	RELAY_DROP = 1,
};

enum {
	RELAY_MAX_QUEUED_DIGITS = 32,
	RELAY_DIGIT_DEFAULT_MS = 100, /* when no duration is said */
	RELAY_DIGIT_MIN_MS = 40,
	RELAY_DIGIT_MAX_MS = 8000,
	RELAY_DIGIT_GAP_MS = 40,    /* at least, between two */
	RELAY_DIGIT_PACKET_MS = 20, /* between two packets of a digit */
	RELAY_MAX_STEP_MS = 120,    /* of audio in one packet */
	RELAY_OLD_SOURCE_MS = 500,  /* stragglers of the source before */
	/* A digit whose end was lost ends when nothing more came of it. */
	RELAY_EVENT_LOST_MS = 200,
	RELAY_CNAME_LEN = 16,
	RELAY_INSERT_LEN = 16, /* octets of a packet that relay_insert writes */
};

/* The fields of these are private; they stand here to be embedded. */

/* RFC 3550, A.1, A.3 and A.8: what came in. */
struct relay_source {
	bool seen;
	uint32_t ssrc;
	uint32_t base, highest; /* extended sequence numbers */
	uint32_t bad_seq;       /* the next after a jump; > 0xffff: none */
	uint64_t received;
	uint64_t lost_before; /* of earlier sources */
	uint32_t old_ssrc;    /* the source before */
	uint64_t changed_us;  /* when; 0: there was none */
	uint32_t clock;       /* of the jitter */
	bool timed;
	uint32_t transit;
	uint32_t jitter; /* timestamp units, scaled by 16 */
};

/* What goes out. */
struct relay_output {
	uint32_t ssrc;
	bool sent;
	uint16_t seq;   /* the highest sent; at first one less than the first */
	uint32_t ts;    /* the output's time ... */
	uint64_t ts_us; /* ... at this time of ours */
	uint32_t step;  /* ticks in a packet of audio; 0: unknown */
	bool after_audio; /* what set the time last was audio */
	uint16_t seq_offset;
	uint32_t from; /* the offset's first extended number of the source */
	bool based;    /* source and output correspond: */
	bool fresh;    /* the next audio is the first of its source */
	uint32_t source_ts, output_ts;
	uint32_t source_clock, clock; /* Hz */
	uint32_t audio_ts;            /* the source's, of its newest audio */
	uint64_t audio_us;            /* when that came */
};

/* The telephone-event that passes through. */
struct relay_passing {
	bool on; /* one was seen: the fields below are of it */
	bool ended, reported;
	bool displaced; /* kept back: the receiver takes none, or we
			 * played a digit when it began */
	uint8_t code;
	uint32_t first;     /* source's extended number of its first packet */
	uint32_t source_ts; /* of the segment */
	uint32_t output_ts;
	uint32_t before;   /* ticks of earlier segments */
	uint32_t duration; /* ticks with them, of the source's clock */
	uint32_t clock;
	uint64_t last_us;
};

/* Digits we put in. */
struct relay_digit {
	uint8_t code;
	uint16_t duration_ms;
};
struct relay_inserting {
	bool on; /* queue[0] is being played */
	uint8_t n;
	uint8_t ends;
	uint32_t ts;
	uint64_t start_us, next_us;
	struct relay_digit queue[RELAY_MAX_QUEUED_DIGITS];
};

struct relay {
	/* What each packet needs stands first: relay_near(). */
	struct relay_source source;
	struct relay_output output;
	struct relay_passing passing;
	struct relay_inserting inserting;
	struct media_map map;
	bool mapped;
	char cname[RELAY_CNAME_LEN + 1]; /* RFC 7022 */
	/* The last sender report that went out: RFC 3550, 6.4.1. */
	uint32_t sr_ntp;
	uint64_t sr_us;
	uint32_t rtt_us; /* between us and the source */
};

/* Have what relay_rtp() needs for a packet of payload type @pt come into the
 * cache. */
void relay_near(const struct relay *relay, uint8_t pt);

/* Output under @ssrc; sequence and timestamp begin at random. */
void relay_init(struct relay *relay, uint32_t ssrc);
/*
 * It is of another process, that died in the middle of anything: what does not
 * fit together is begun anew, and the output's sequence goes on.
 */
void relay_resume(struct relay *relay);
/*
 * May come again at any time: the output stays continuous. An entry that is an
 * event and has no pt is told of, but not sent.
 */
void relay_set_map(struct relay *relay, const struct media_map *map);

/* A digit that passed through, when it has ended; digit 0 when none did. */
struct relay_event {
	char digit;
	unsigned duration_ms;
};

/*
 * Rewrite the RTP packet @p of @n octets in place. @event tells of a digit that
 * ended, also when the packet is dropped. 0 or RELAY_DROP.
 */
CHECKED int relay_rtp(struct relay *relay, uint8_t *p, size_t n,
		      uint64_t now_us, struct relay_event *event);

/*
 * Queue a digit [0-9*#A-Da-d] for this direction; 0 ms is the default duration,
 * others are brought within the limits. 0, -EINVAL, -ENOBUFS, -ENOTSUP (the
 * receiver takes no telephone-event).
 */
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
 * timestamps and reception reports translated; the CNAME is ours; BYE, APP, XR
 * and feedback are left out. @back is the relay of the opposite direction. @n
 * is the length before and after, @cap the room at @p. 0 or RELAY_DROP.
 */
CHECKED int relay_rtcp(struct relay *relay, const struct relay *back,
		       uint8_t *p, size_t *n, size_t cap, uint64_t now_us);

/* What the other side knows the output by. */
uint32_t relay_ssrc(const struct relay *relay);
uint64_t relay_lost(const struct relay *relay);
uint32_t relay_jitter_us(const struct relay *relay);
/* Between us and the source, from its RTCP; 0: unknown. */
uint32_t relay_rtt_us(const struct relay *relay);
