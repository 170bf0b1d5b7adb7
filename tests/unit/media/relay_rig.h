/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One direction of a call: a source's packets go in, and what leaves is looked
 * at. The time is the test's.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "media/dtmf.h"
#include "media/relay.h"
#include "media/rtp.h"
#include "tests/test.h"

enum {
	OUT = 0x0badcafe,
	AUDIO = 0,
	EVENT = 101,
	AUDIO_OUT = 8,
	EVENT_OUT = 96,
	MS = 1000,
	FRAME_US = 20 * MS,
	NPAYLOAD = 160,
};

static struct relay relay;
static struct relay_event event;
static uint64_t now_us;
static uint8_t octets[256];
static struct rtp_hdr out; /* what left last */

static inline struct media_map simple_map(uint32_t event_rx, uint32_t event_tx)
{
	struct media_map map = { .event_pt = EVENT_OUT,
				 .event_clock = event_tx,
				 .codec_pt = AUDIO_OUT,
				 .codec_clock = 8000 };

	for (size_t i = 0; i < MEDIA_MAP_NPTS; i++)
		map.rx[i].pt = MEDIA_MAP_NONE;
	map.rx[AUDIO] =
		(struct media_map_entry){ AUDIO_OUT, false, 8000, 8000 };
	map.rx[EVENT] =
		(struct media_map_entry){ EVENT_OUT, true, event_rx, event_tx };
	return map;
}

static inline int begin(void **state)
{
	struct media_map map = simple_map(8000, 8000);

	(void)state;
	relay_init(&relay, OUT);
	relay_set_map(&relay, &map);
	now_us = UINT64_C(1000000) * MS;
	return 0;
}

static inline int take(const struct rtp_hdr *hdr, const uint8_t *payload,
		       size_t n)
{
	assert_int_equal(rtp_hdr_encode(hdr, octets, sizeof(octets)), 0);
	memcpy(octets + RTP_HDR_LEN, payload, n);
	int r = relay_rtp(&relay, octets, RTP_HDR_LEN + n, now_us, &event);
	if (!r) {
		assert_int_equal(rtp_hdr_decode(&out, octets, RTP_HDR_LEN + n),
				 0);
		assert_int_equal(out.ssrc, OUT);
	}
	return r;
}

static inline int audio(uint32_t ssrc, uint16_t seq, uint32_t ts)
{
	const struct rtp_hdr hdr = {
		.pt = AUDIO, .seq = seq, .ts = ts, .ssrc = ssrc
	};
	static const uint8_t payload[NPAYLOAD];

	return take(&hdr, payload, sizeof(payload));
}

static inline int dtmf(uint16_t seq, uint32_t ts, char digit, bool marker,
		       bool end, uint16_t duration)
{
	const struct rtp_hdr hdr = {
		.pt = EVENT, .seq = seq, .ts = ts, .ssrc = 1, .marker = marker
	};
	const struct dtmf_event e = { (uint8_t)dtmf_code(digit), end, 10,
				      duration };
	uint8_t payload[DTMF_EVENT_LEN];

	dtmf_event_encode(&e, payload);
	return take(&hdr, payload, sizeof(payload));
}

static inline struct dtmf_event event_out(void)
{
	struct dtmf_event e;

	assert_int_equal(dtmf_event_decode(&e, octets + RTP_HDR_LEN, 4), 0);
	return e;
}

static inline int comfort_noise_of(uint32_t ssrc, uint16_t seq)
{
	const struct rtp_hdr hdr = { .pt = 13, .seq = seq, .ssrc = ssrc };

	return take(&hdr, (const uint8_t *)"x", 1);
}
