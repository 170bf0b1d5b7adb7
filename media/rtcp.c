/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* RTCP packets; see the header. */
#include "media/rtcp.h"

#include <string.h>

#include "gateway/base/cursor.h"
#include "media/rtp.h"

enum {
	PADDING_BIT = 0x20,
	COUNT_MASK = 0x1f,
	SSRC_LEN = 4,
	CNAME_MAX = 255,
};

struct rtcp_walk rtcp_walk_over(const uint8_t *p, size_t n)
{
	return (struct rtcp_walk){ p, n };
}

int rtcp_walk_next(struct rtcp_walk *walk, struct rtcp_packet *out)
{
	if (!walk->left)
		return RTCP_E_END;
	struct cursor c = cursor_reading(walk->p, walk->left);
	uint8_t first = cursor_u8(&c);
	uint8_t type = cursor_u8(&c);
	size_t len = cursor_u16(&c) * 4u;
	const uint8_t *body = cursor_take(&c, len);
	if (!cursor_ok(&c) || first >> 6 != RTP_VERSION)
		return RTCP_E_SYNTAX;
	walk->p += RTCP_HDR_LEN + len;
	walk->left -= RTCP_HDR_LEN + len;
	if (first & PADDING_BIT) {
		/* Only the last packet has padding: RFC 3550, 6.4.1. */
		if (walk->left || !len || !body[len - 1] || body[len - 1] % 4 ||
		    body[len - 1] > len)
			return RTCP_E_SYNTAX;
		len -= body[len - 1];
	}
	*out = (struct rtcp_packet){ type, first & COUNT_MASK, body, len };
	return 0;
}

static struct rtcp_block block_get(struct cursor *c)
{
	struct rtcp_block block;

	block.ssrc = cursor_u32(c);
	block.loss = cursor_u32(c);
	block.highest = cursor_u32(c);
	block.jitter = cursor_u32(c);
	block.lsr = cursor_u32(c);
	block.dlsr = cursor_u32(c);
	return block;
}

int rtcp_report_decode(struct rtcp_report *out,
		       const struct rtcp_packet *packet)
{
	struct cursor c = cursor_reading(packet->body, packet->len);

	*out = (struct rtcp_report){ .sender = packet->type == RTCP_SR,
				     .nblocks = packet->count };
	out->ssrc = cursor_u32(&c);
	if (out->sender) {
		out->ntp = cursor_u64(&c);
		out->ts = cursor_u32(&c);
		out->packets = cursor_u32(&c);
		out->octets = cursor_u32(&c);
	}
	for (size_t i = 0; i < out->nblocks; i++)
		out->blocks[i] = block_get(&c);
	return cursor_ok(&c) ? 0 : RTCP_E_SYNTAX;
}

static void hdr_put(struct cursor *c, size_t count, enum rtcp_type type,
		    size_t len)
{
	cursor_put_u8(c, (uint8_t)(RTP_VERSION << 6 | count));
	cursor_put_u8(c, (uint8_t)type);
	cursor_put_u16(c, (uint16_t)(len / 4 - 1));
}

static void block_put(struct cursor *c, const struct rtcp_block *block)
{
	cursor_put_u32(c, block->ssrc);
	cursor_put_u32(c, block->loss);
	cursor_put_u32(c, block->highest);
	cursor_put_u32(c, block->jitter);
	cursor_put_u32(c, block->lsr);
	cursor_put_u32(c, block->dlsr);
}

int rtcp_report_encode(const struct rtcp_report *report, uint8_t *p, size_t cap,
		       size_t *n)
{
	struct cursor c = cursor_over(p, cap);
	size_t len = RTCP_HDR_LEN + SSRC_LEN +
		     (report->sender ? RTCP_SENDER_LEN : 0) +
		     report->nblocks * RTCP_BLOCK_LEN;

	hdr_put(&c, report->nblocks, report->sender ? RTCP_SR : RTCP_RR, len);
	cursor_put_u32(&c, report->ssrc);
	if (report->sender) {
		cursor_put_u64(&c, report->ntp);
		cursor_put_u32(&c, report->ts);
		cursor_put_u32(&c, report->packets);
		cursor_put_u32(&c, report->octets);
	}
	for (size_t i = 0; i < report->nblocks; i++)
		block_put(&c, &report->blocks[i]);
	*n = len;
	return cursor_ok(&c) ? 0 : -EMSGSIZE;
}

int rtcp_cname_encode(uint32_t ssrc, const char *cname, uint8_t *p, size_t cap,
		      size_t *n)
{
	struct cursor c = cursor_over(p, cap);
	size_t text = strlen(cname);
	size_t used = SSRC_LEN + 2 + text;
	size_t padding = 4 - used % 4; /* 1 to 4: one NUL ends the items */

	if (text > CNAME_MAX)
		return -EMSGSIZE;
	hdr_put(&c, 1, RTCP_SDES, RTCP_HDR_LEN + used + padding);
	cursor_put_u32(&c, ssrc);
	cursor_put_u8(&c, RTCP_SDES_CNAME);
	cursor_put_u8(&c, (uint8_t)text);
	cursor_put(&c, cname, text);
	for (size_t i = 0; i < padding; i++)
		cursor_put_u8(&c, 0);
	*n = RTCP_HDR_LEN + used + padding;
	return cursor_ok(&c) ? 0 : -EMSGSIZE;
}
