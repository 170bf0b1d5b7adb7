/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* RTP header and demultiplexing; see the header. */
#include "media/rtp.h"

#include "gateway/base/cursor.h"

enum {
	RTP_PADDING_BIT = 0x20,
	RTP_EXTENSION_BIT = 0x10,
	RTP_CSRC_MASK = 0x0f,
	RTP_MARKER_BIT = 0x80,
	RTP_PT_MASK = 0x7f,
	RTCP_PT_FIRST = 192,
	RTCP_PT_LAST = 223,
};

int rtp_hdr_decode(struct rtp_hdr *out, const uint8_t *p, size_t n)
{
	struct cursor c = cursor_reading(p, n);
	uint8_t first = cursor_u8(&c);
	uint8_t second = cursor_u8(&c);

	*out = (struct rtp_hdr){
		.padding = first & RTP_PADDING_BIT,
		.extension = first & RTP_EXTENSION_BIT,
		.ncsrcs = first & RTP_CSRC_MASK,
		.marker = second & RTP_MARKER_BIT,
		.pt = second & RTP_PT_MASK,
	};
	out->seq = cursor_u16(&c);
	out->ts = cursor_u32(&c);
	out->ssrc = cursor_u32(&c);
	cursor_take(&c, out->ncsrcs * 4u);
	if (out->extension) {
		cursor_u16(&c);
		uint16_t words = cursor_u16(&c);
		cursor_take(&c, words * 4u);
	}
	if (!cursor_ok(&c) || first >> 6 != RTP_VERSION)
		return RTP_E_SYNTAX;
	out->len = n - cursor_left(&c);
	return 0;
}

int rtp_payload_len(size_t *out, const struct rtp_hdr *hdr, const uint8_t *p,
		    size_t n)
{
	if (n < hdr->len)
		return RTP_E_SYNTAX;
	size_t len = n - hdr->len;
	if (hdr->padding) {
		if (!len || !p[n - 1] || p[n - 1] > len)
			return RTP_E_SYNTAX;
		len -= p[n - 1];
	}
	*out = len;
	return 0;
}

void rtp_hdr_patch(const struct rtp_hdr *hdr, uint8_t *p)
{
	struct cursor c = cursor_over(p + 1, RTP_HDR_LEN - 1);

	cursor_put_u8(&c, (uint8_t)((hdr->marker ? RTP_MARKER_BIT : 0) |
				    (hdr->pt & RTP_PT_MASK)));
	cursor_put_u16(&c, hdr->seq);
	cursor_put_u32(&c, hdr->ts);
	cursor_put_u32(&c, hdr->ssrc);
}

int rtp_hdr_encode(const struct rtp_hdr *hdr, uint8_t *p, size_t cap)
{
	if (cap < RTP_HDR_LEN)
		return -EMSGSIZE;
	p[0] = RTP_VERSION << 6;
	rtp_hdr_patch(hdr, p);
	return 0;
}

enum rtp_demux rtp_demux(const uint8_t *p, size_t n)
{
	if (!n)
		return RTP_DEMUX_UNKNOWN;
	if (p[0] <= 3)
		return RTP_DEMUX_STUN;
	if (p[0] >= 20 && p[0] <= 63)
		return RTP_DEMUX_DTLS;
	if (p[0] >= 64 && p[0] <= 79)
		return RTP_DEMUX_TURN;
	if (p[0] >= 128 && p[0] <= 191)
		return RTP_DEMUX_RTP;
	return RTP_DEMUX_UNKNOWN;
}

bool rtp_is_rtcp(const uint8_t *p, size_t n)
{
	return n >= 2 && p[1] >= RTCP_PT_FIRST && p[1] <= RTCP_PT_LAST;
}
