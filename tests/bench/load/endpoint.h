/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Where a call's media ends, at an address of its own (wire.h): a telephone
 * (plain RTP), or a WebRTC client as libwebrtc is one: a full ICE agent, the
 * DTLS client, SRTP. The protocols are those of media/, on the other side.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "media/desc.h"
#include "tests/bench/load/wire.h"

struct ice;
struct dtls;
struct dtls_cert;
struct srtp;
struct endpoint;

struct endpoint_handlers {
	/* Media can flow. */
	void (*ready)(struct endpoint *endpoint);
	void (*failed)(struct endpoint *endpoint, const char *why);
	/* RTP in plain; the kernel had it at @at_ns (wall clock). */
	void (*packet)(struct endpoint *endpoint, const uint8_t *p, size_t n,
		       uint64_t at_ns);
};

struct endpoint {
	struct wire_end end;
	const struct endpoint_handlers *handlers;
	void *arg; /* the owner's */
	struct addr remote;
	bool web, ready;
	/* web */
	struct ice *ice;
	struct dtls *dtls;
	struct srtp *tx, *rx;
	enum srtp_profile profile;
	uint64_t due_ms;
};

/* One certificate for all clients, and the one suite they know. */
void endpoint_set_up(enum srtp_profile profile);
void endpoint_tear_down(void);

/* @number is its own on @wire. */
void endpoint_open(struct endpoint *endpoint, struct wire *wire,
		   unsigned number, bool web,
		   const struct endpoint_handlers *handlers, void *arg);
/* Fine when it is closed. */
void endpoint_close(struct endpoint *endpoint);

/* A telephone's offer or answer. */
void endpoint_describe(const struct endpoint *endpoint,
		       struct media_content *out);
/* A telephone: where it sends to. */
void endpoint_send_to(struct endpoint *endpoint, const struct addr *remote);
/* A client answers @offer and begins; false: @offer is not for it. */
bool endpoint_answer(struct endpoint *endpoint,
		     const struct media_content *offer,
		     struct media_content *answer);

/* RTP in plain that stands in wire_room(); it leaves with wire_flush(). */
void endpoint_send(struct endpoint *endpoint, uint8_t *p, size_t n);
/* Do what ICE and DTLS have to do. */
void endpoint_tick(struct endpoint *endpoint, uint64_t now_ms);
