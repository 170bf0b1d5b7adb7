/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Two pools of media workers in one process, joined over loopback as two
 * gateways would be:
 *
 *   phone A == RTP == left bridge == ICE, DTLS-SRTP == right bridge == RTP ==
 *                     side A | side B           side A | side B     phone B
 *
 * The phones are plain sockets of the test. Nothing sleeps: the main loop runs
 * until a condition holds or RIG_TIMEOUT_MS has passed.
 */
#pragma once

#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/addr.h"
#include "gateway/base/clock.h"
#include "gateway/base/cursor.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "media/bridge.h"
#include "media/negotiate.h"
#include "tests/test.h"

enum {
	RIG_TIMEOUT_MS = 15000,
	RIG_PT = 0,
	RIG_EVENT_PT = 101,
	RIG_CLOCK = 8000,
	RIG_SAMPLES = 160,
	RIG_PAYLOAD = 160,
};

struct rig {
	struct event_base *base;
	struct media *left, *right;
	const char *ip;
	bool public_auto;
	bool any; /* all interfaces, both IP versions */
	unsigned priority;
	const char *keep; /* of the left one */
};

/* What the handlers of one bridge saw. */
struct rig_seen {
	unsigned ready[2], failed[2], moved[2], digits[2], candidates[2];
	enum media_failure why[2];
	char digit;
	unsigned duration_ms;
	struct media_cand candidate;
	struct bridge **free_on_ready; /* freed inside the handler */
};

struct rig_phone {
	int fd;
	struct addr local, remote; /* its own, and the gateway's port */
	uint16_t seq;
	uint32_t ts, ssrc;
};

struct rig_call {
	struct rig *rig;
	struct bridge *left, *right;
	struct rig_seen seen_left, seen_right;
	struct rig_phone a, b;
	struct media_content left_ice, right_ice;
};

static inline void rig_on_ready(enum media_side side, void *arg)
{
	struct rig_seen *seen = arg;

	seen->ready[side]++;
	if (seen->free_on_ready)
		*seen->free_on_ready = bridge_free(*seen->free_on_ready);
}

static inline void rig_on_failed(enum media_side side, enum media_failure why,
				 void *arg)
{
	struct rig_seen *seen = arg;

	seen->failed[side]++;
	seen->why[side] = why;
}

static inline void rig_on_moved(enum media_side side, void *arg)
{
	struct rig_seen *seen = arg;

	seen->moved[side]++;
}

static inline void rig_on_digit(enum media_side side, char digit,
				unsigned duration_ms, void *arg)
{
	struct rig_seen *seen = arg;

	seen->digits[side]++;
	seen->digit = digit;
	seen->duration_ms = duration_ms;
}

static inline void rig_on_candidate(enum media_side side,
				    const struct media_cand *cand, void *arg)
{
	struct rig_seen *seen = arg;

	seen->candidates[side]++;
	seen->candidate = *cand;
}

static const struct bridge_handlers rig_handlers = {
	.ready = rig_on_ready,
	.failed = rig_on_failed,
	.moved = rig_on_moved,
	.digit = rig_on_digit,
	.candidate = rig_on_candidate,
};

/* Ports */

static inline struct addr rig_addr(const char *ip, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, slice_of(ip), port), 0);
	return a;
}

static inline int rig_socket(const char *ip, struct addr *local)
{
	struct sockaddr_storage name;
	socklen_t n = sizeof(name);
	struct addr any = rig_addr(ip, 0);
	int fd = socket(any.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &any.sa, addr_len(&any)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &n), 0);
	assert_int_equal(addr_from(local, (struct sockaddr *)&name), 0);
	return fd;
}

enum { RIG_SERVICE_PORT = 5060 }; /* where no media goes */

/* Others may test on this machine at the same time: look for free ports. */
static inline struct media *rig_media(struct rig *rig, unsigned workers,
				      unsigned nth)
{
	struct media_config config = {
		.port_min = 40000,
		.port_max = 49999,
		.services = { RIG_SERVICE_PORT },
		.nservices = 1,
		.workers = workers,
		.allow_loopback = true,
		.public_auto = rig->public_auto,
		.priority = rig->priority,
		.keep = nth ? NULL : rig->keep,
	};
	struct media *media = NULL;
	int r = -EADDRINUSE;

	if (!rig->any)
		config.address = rig_addr(rig->ip, 0);
	for (unsigned i = 0; i < 200 && r == -EADDRINUSE; i++) {
		config.ice_port = (uint16_t)(20000 + ((unsigned)getpid() * 16 +
						      nth * 8 + i * 97) %
							     19000);
		r = media_new(&media, &config, rig->base);
	}
	assert_int_equal(r, 0);
	return media;
}

static inline void rig_open_at(struct rig *rig, const char *ip,
			       unsigned workers, bool any)
{
	memset(rig, 0, sizeof(*rig));
	rig->any = any;
	/* Failures are what is tested; RIG_LOG=1 shows what happens. */
	log_set_level(getenv("RIG_LOG") ? LOG_LEVEL_DEBUG : (enum log_level)0);
	rig->ip = ip;
	rig->base = event_base_new();
	assert_non_null(rig->base);
	rig->left = rig_media(rig, workers, 0);
	rig->right = rig_media(rig, workers, 1);
}

static inline void rig_open(struct rig *rig, const char *ip, unsigned workers)
{
	rig_open_at(rig, ip, workers, false);
}

static inline void rig_close(struct rig *rig)
{
	rig->left = media_free(rig->left);
	rig->right = media_free(rig->right);
	event_base_free(rig->base);
}

/* One turn of the main loop, 5 ms at most. */
static inline void rig_turn(struct rig *rig)
{
	struct timeval tv = { 0, 5000 };

	event_base_loopexit(rig->base, &tv);
	event_base_loop(rig->base, EVLOOP_ONCE);
}

#define RIG_UNTIL(rig, condition)                                \
	do {                                                     \
		uint64_t end_ms = clock_ms() + RIG_TIMEOUT_MS;   \
		while (!(condition) && clock_ms() < end_ms)      \
			rig_turn(rig);                           \
		if (!(condition))                                \
			fail_msg("not in time: %s", #condition); \
	} while (0)

static inline void rig_wait(struct rig *rig, uint64_t ms)
{
	uint64_t end_ms = clock_ms() + ms;

	while (clock_ms() < end_ms)
		rig_turn(rig);
}

/* Descriptions */

static inline struct media_map rig_map(void)
{
	struct media_map map;

	memset(&map, 0, sizeof(map));
	for (int i = 0; i < MEDIA_MAP_NPTS; i++)
		map.rx[i].pt = MEDIA_MAP_NONE;
	map.rx[RIG_PT] = (struct media_map_entry){ .pt = RIG_PT,
						   .rx_clock = RIG_CLOCK,
						   .tx_clock = RIG_CLOCK };
	map.rx[RIG_EVENT_PT] =
		(struct media_map_entry){ .pt = RIG_EVENT_PT,
					  .event = true,
					  .rx_clock = RIG_CLOCK,
					  .tx_clock = RIG_CLOCK };
	map.event_pt = RIG_EVENT_PT;
	map.event_clock = RIG_CLOCK;
	map.codec_pt = RIG_PT;
	map.codec_clock = RIG_CLOCK;
	return map;
}

static inline void rig_map_both(struct bridge *bridge)
{
	struct media_map map = rig_map();

	assert_int_equal(bridge_map(bridge, MEDIA_SIDE_A, &map), 0);
	assert_int_equal(bridge_map(bridge, MEDIA_SIDE_B, &map), 0);
}

static inline void rig_phone_open(struct rig *rig, struct rig_phone *phone)
{
	memset(phone, 0, sizeof(*phone));
	phone->fd = rig_socket(rig->ip, &phone->local);
	phone->seq = 65530; /* wraps soon */
	phone->ts = 4294967000u;
	phone->ssrc = rand_u32();
}

/* The RTP side of @bridge towards @phone, as after offer and answer. */
static inline void rig_join_phone(struct bridge *bridge, enum media_side side,
				  struct rig_phone *phone)
{
	AUTO(media_content_fini)
	struct media_content ours = { .profile = MEDIA_RTP_AVP };
	struct media_content theirs = { .profile = MEDIA_RTP_AVP,
					.rtp = phone->local,
					.rtcp_mux = true };

	assert_int_equal(
		bridge_open(bridge, side, MEDIA_RTP, false, &phone->local), 0);
	assert_int_equal(bridge_remote(bridge, side, &theirs), 0);
	assert_int_equal(bridge_local(bridge, side, &ours), 0);
	assert_true(ours.rtcp_mux);
	phone->remote = ours.rtp;
}

/* What the tests change on the way from one gateway to the other. */
typedef void rig_tamper_fn(struct media_content *content);

static inline void rig_join_ice(struct rig_call *call, rig_tamper_fn *tamper)
{
	AUTO(media_content_fini) struct media_content offer = { 0 };
	AUTO(media_content_fini) struct media_content answer = { 0 };

	assert_int_equal(
		bridge_open(call->left, MEDIA_SIDE_B, MEDIA_ICE, true, NULL),
		0);
	assert_int_equal(bridge_local(call->left, MEDIA_SIDE_B, &offer), 0);
	assert_int_equal(offer.setup, MEDIA_SETUP_ACTPASS);
	assert_int_equal(media_content_copy(&call->left_ice, &offer), 0);
	if (tamper)
		tamper(&offer);
	assert_int_equal(
		bridge_open(call->right, MEDIA_SIDE_A, MEDIA_ICE, false, NULL),
		0);
	assert_int_equal(bridge_remote(call->right, MEDIA_SIDE_A, &offer), 0);
	assert_int_equal(bridge_local(call->right, MEDIA_SIDE_A, &answer), 0);
	assert_int_equal(answer.setup, MEDIA_SETUP_ACTIVE);
	assert_int_equal(media_content_copy(&call->right_ice, &answer), 0);
	assert_int_equal(bridge_remote(call->left, MEDIA_SIDE_B, &answer), 0);
}

static inline void rig_call_open(struct rig_call *call, struct rig *rig,
				 rig_tamper_fn *tamper)
{
	memset(call, 0, sizeof(*call));
	call->rig = rig;
	rig_phone_open(rig, &call->a);
	rig_phone_open(rig, &call->b);
	assert_int_equal(bridge_new(&call->left, rig->left, "left",
				    &rig_handlers, &call->seen_left),
			 0);
	assert_int_equal(bridge_new(&call->right, rig->right, "right",
				    &rig_handlers, &call->seen_right),
			 0);
	rig_join_phone(call->left, MEDIA_SIDE_A, &call->a);
	rig_join_phone(call->right, MEDIA_SIDE_B, &call->b);
	rig_map_both(call->left);
	rig_map_both(call->right);
	rig_join_ice(call, tamper);
}

static inline bool rig_call_is_up(const struct rig_call *call)
{
	return call->seen_left.ready[MEDIA_SIDE_A] &&
	       call->seen_left.ready[MEDIA_SIDE_B] &&
	       call->seen_right.ready[MEDIA_SIDE_A] &&
	       call->seen_right.ready[MEDIA_SIDE_B];
}

static inline void rig_call_close(struct rig_call *call)
{
	call->left = bridge_free(call->left);
	call->right = bridge_free(call->right);
	media_content_fini(&call->left_ice);
	media_content_fini(&call->right_ice);
	close(call->a.fd);
	close(call->b.fd);
}

/* Packets */

static inline void rig_fill(uint8_t *p, uint16_t seq)
{
	for (int i = 0; i < RIG_PAYLOAD; i++)
		p[i] = (uint8_t)(seq * 31 + i);
}

static inline size_t rig_rtp(struct rig_phone *phone, uint8_t *p, size_t cap,
			     uint8_t pt, const uint8_t *payload, size_t n)
{
	struct cursor c = cursor_over(p, cap);

	cursor_put_u8(&c, 0x80);
	cursor_put_u8(&c, pt);
	cursor_put_u16(&c, phone->seq);
	cursor_put_u32(&c, phone->ts);
	cursor_put_u32(&c, phone->ssrc);
	cursor_put(&c, payload, n);
	assert_true(cursor_ok(&c));
	return (size_t)(c.p - p);
}

static inline void rig_send_from(int fd, const struct addr *to,
				 const uint8_t *p, size_t n)
{
	assert_int_equal(sendto(fd, p, n, 0, &to->sa, addr_len(to)), n);
}

/* One packet of audio; returns its sequence number, which fixes the payload. */
static inline uint16_t rig_speak(struct rig_phone *phone)
{
	uint8_t payload[RIG_PAYLOAD], p[256];
	uint16_t seq = phone->seq;

	rig_fill(payload, seq);
	size_t n =
		rig_rtp(phone, p, sizeof(p), RIG_PT, payload, sizeof(payload));
	rig_send_from(phone->fd, &phone->remote, p, n);
	phone->seq++;
	phone->ts += RIG_SAMPLES;
	return seq;
}

struct rig_heard {
	size_t n;
	uint8_t p[2048];
	struct addr from;
	uint8_t pt;
	uint16_t seq;
	uint32_t ts, ssrc;
	const uint8_t *payload;
	size_t payload_len;
};

/* One RTP packet within @wait_ms; RTCP is skipped. Whether one came. */
static inline bool rig_hear(struct rig_phone *phone, struct rig_heard *out,
			    int wait_ms)
{
	struct pollfd pollfd = { .fd = phone->fd, .events = POLLIN };
	uint64_t end_ms = clock_ms() + (uint64_t)wait_ms;

	for (;;) {
		int left = (int)(end_ms - clock_ms());
		struct sockaddr_storage name;
		socklen_t name_len = sizeof(name);

		if (left < 0 || poll(&pollfd, 1, left) <= 0)
			return false;
		ssize_t n = recvfrom(phone->fd, out->p, sizeof(out->p), 0,
				     (struct sockaddr *)&name, &name_len);
		if (n < 12 || (out->p[1] >= 192 && out->p[1] < 224))
			continue;
		out->n = (size_t)n;
		assert_int_equal(
			addr_from(&out->from, (struct sockaddr *)&name), 0);
		struct cursor c = cursor_reading(out->p, out->n);
		assert_int_equal(cursor_u8(&c), 0x80);
		out->pt = cursor_u8(&c) & 0x7f;
		out->seq = cursor_u16(&c);
		out->ts = cursor_u32(&c);
		out->ssrc = cursor_u32(&c);
		out->payload = out->p + 12;
		out->payload_len = out->n - 12;
		return true;
	}
}

static inline void rig_assert_heard(const struct rig_heard *heard,
				    uint16_t spoken)
{
	uint8_t payload[RIG_PAYLOAD];

	rig_fill(payload, spoken);
	assert_int_equal(heard->pt, RIG_PT);
	assert_int_equal(heard->payload_len, RIG_PAYLOAD);
	assert_memory_equal(heard->payload, payload, RIG_PAYLOAD);
}

/* @n packets one after the other, each heard at the other end octet by octet,
 * in one stream. */
static inline void rig_talk(struct rig_phone *from, struct rig_phone *to, int n)
{
	struct rig_heard heard = { 0 }, last = { 0 };

	for (int i = 0; i < n; i++) {
		uint16_t spoken = rig_speak(from);

		if (!rig_hear(to, &heard, 2000))
			fail_msg("packet %d of %d was not heard", i, n);
		rig_assert_heard(&heard, spoken);
		assert_true(addr_equal(&heard.from, &to->remote));
		if (i) {
			assert_int_equal(heard.ssrc, last.ssrc);
			assert_int_equal((uint16_t)(heard.seq - last.seq), 1);
			assert_int_equal(heard.ts - last.ts, RIG_SAMPLES);
		}
		last = heard;
	}
}

static inline void rig_assert_silent(struct rig_phone *phone, int ms)
{
	struct rig_heard heard;

	assert_false(rig_hear(phone, &heard, ms));
}
