/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The RTP header (RFC 3550, 5.1 and 5.3.1) as a plain value, and what kind of
 * packet a datagram on a shared port is (RFC 7983, RFC 5761).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

enum {
	RTP_HDR_LEN = 12, /* without CSRCs and extension */
	RTP_VERSION = 2,
	RTP_MAX_CSRCS = 15,
};

enum rtp_outcome {
	RTP_E_SYNTAX = 1, /* version, or a length that does not fit */
};

struct rtp_hdr {
	bool padding;
	bool extension;
	bool marker;
	uint8_t ncsrcs;
	uint8_t pt;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	size_t len; /* octets of the header with CSRCs and extension */
};

/*
 * Read the header of the @n octets at @p. The padding is not looked at: under
 * SRTP it is still encrypted. 0 or RTP_E_SYNTAX.
 */
CHECKED int rtp_hdr_decode(struct rtp_hdr *out, const uint8_t *p, size_t n);

/*
 * The octets of payload, without header and padding, of a packet whose header
 * is @hdr. 0 or RTP_E_SYNTAX (padding of 0 octets or longer than the payload).
 */
CHECKED int rtp_payload_len(size_t *out, const struct rtp_hdr *hdr,
			    const uint8_t *p, size_t n);

/*
 * Write marker, pt, seq, ts and ssrc of @hdr over the header that stands at @p
 * (RTP_HDR_LEN octets at least); all else stays as it is.
 */
void rtp_hdr_patch(const struct rtp_hdr *hdr, uint8_t *p);

/*
 * Write a header of RTP_HDR_LEN octets: no padding, no CSRC, no extension.
 * 0 or -EMSGSIZE.
 */
CHECKED int rtp_hdr_encode(const struct rtp_hdr *hdr, uint8_t *p, size_t cap);

/* RFC 7983, section 7: by the first octet. */
enum rtp_demux {
	RTP_DEMUX_UNKNOWN, /* drop */
	RTP_DEMUX_STUN,
	RTP_DEMUX_DTLS,
	RTP_DEMUX_TURN, /* channel data: we use none */
	RTP_DEMUX_RTP,  /* or RTCP: rtp_is_rtcp() */
};
enum rtp_demux rtp_demux(const uint8_t *p, size_t n);

/* RFC 5761, section 4: packet types 192 to 223 are RTCP. */
bool rtp_is_rtcp(const uint8_t *p, size_t n);
