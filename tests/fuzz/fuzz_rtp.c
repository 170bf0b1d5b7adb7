/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RTP of a peer through a relay, with digits of ours, changed maps and time.
 * Input: an octet of command, an octet of length, so many octets, and so on.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "media/relay.h"
#include "media/rtp.h"

enum { OUT = 0x01020304, AUDIO = 0, EVENT = 101, CAP = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_map(struct relay *relay, uint8_t kind)
{
	static const uint32_t clocks[] = { 8000, 48000, 16000, 0 };
	uint32_t rx = clocks[kind & 3], tx = clocks[kind >> 2 & 3];
	struct media_map map = { .event_pt = kind & 16 ? MEDIA_MAP_NONE : EVENT,
				 .event_clock = tx,
				 .codec_pt = AUDIO,
				 .codec_clock = 8000 };

	for (size_t i = 0; i < MEDIA_MAP_NPTS; i++)
		map.rx[i].pt = MEDIA_MAP_NONE;
	map.rx[AUDIO] =
		(struct media_map_entry){ kind & 32 ? MEDIA_MAP_NONE : AUDIO,
					  false, 8000, 8000 };
	map.rx[9] = (struct media_map_entry){ 9, false, rx, tx };
	map.rx[EVENT] = (struct media_map_entry){ map.event_pt, true, rx, tx };
	relay_set_map(relay, &map);
}

static void take(struct relay *relay, const uint8_t *data, size_t n,
		 uint64_t now_us)
{
	uint8_t p[CAP];
	struct relay_event event;
	struct rtp_hdr hdr;

	memcpy(p, data, n);
	relay_near(relay, n > 1 ? p[1] : 0);
	int r = relay_rtp(relay, p, n, now_us, &event);
	/* nothing but RTP's first octets is taken for it (RFC 7983, 7) */
	assert(r || rtp_demux(data, n) == RTP_DEMUX_RTP);
	assert(!event.digit || strchr("0123456789*#ABCD", event.digit));
	if (r)
		return;
	/* What leaves is RTP, and ours. */
	assert(!rtp_hdr_decode(&hdr, p, n));
	assert(hdr.ssrc == OUT);
	assert(hdr.pt == AUDIO || hdr.pt == 9 || hdr.pt == EVENT);
}

static void insert(struct relay *relay, uint64_t now_us)
{
	uint8_t p[RELAY_INSERT_LEN];
	struct rtp_hdr hdr;
	size_t n;

	relay_insert(relay, p, sizeof(p), &n, now_us);
	assert(!n || (n == sizeof(p) && !rtp_hdr_decode(&hdr, p, n)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct relay relay;
	uint64_t now_us = 1000000;

	relay_init(&relay, OUT);
	set_map(&relay, 0);
	while (size >= 2) {
		uint8_t command = data[0];
		size_t n = data[1] < size - 2 ? data[1] : size - 2;
		const uint8_t *p = data + 2;
		now_us += 5000u * (command >> 4);
		if ((command & 15) < 10)
			take(&relay, p, n, now_us);
		else if ((command & 15) < 12 && n >= 3)
			(void)!relay_digit(&relay, (char)p[0],
					   (unsigned)(p[1] << 8 | p[2]));
		else if ((command & 15) < 14 && n)
			set_map(&relay, p[0]);
		else if (n)
			now_us += (uint64_t)p[0] << (p[0] & 31);
		insert(&relay, now_us);
		data += 2 + n;
		size -= 2 + n;
	}
	assert(relay_ssrc(&relay) == OUT);
	relay_jitter_us(&relay);
	relay_rtt_us(&relay);
	relay_lost(&relay);
	return 0;
}
