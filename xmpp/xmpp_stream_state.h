/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of the component stream: xmpp_stream.c (its states) and
 * xmpp_stream_stanza.c (what passes through it). Nobody else includes it.
 */
#pragma once

#include "xmpp/xmpp_ping.h"
#include "xmpp/xmpp_retry.h"
#include "xmpp/xmpp_stream.h"

struct event;

enum { XMPP_STREAM_WHY_CAP = 160 };

enum xmpp_stream_state {
	XMPP_STREAM_DOWN, /* waits to connect */
	XMPP_STREAM_CONNECTING,
	XMPP_STREAM_OPENING,   /* our stream header is sent */
	XMPP_STREAM_HANDSHAKE, /* and our hash */
	XMPP_STREAM_UP,
	XMPP_STREAM_NSTATES,
};

struct xmpp_stream {
	struct event_base *base;
	char *host, *domain, *secret;
	unsigned short port;
	struct xmpp_stream_timing timing;
	const struct xmpp_stream_handlers *handlers;
	void *arg;
	xmpp_tap_fn tap; /* NULL: nobody looks */
	void *tap_arg;

	enum xmpp_stream_state state;
	struct xmpp_retry retry;
	char why[XMPP_STREAM_WHY_CAP]; /* of the failure that is under way, or
					  "" */
	bool refused;                  /* not-authorized */

	int resumed_fd; /* to go on with at first; 0: none */
	_Atomic uint32_t *tries;
	uint64_t last_hold;
	struct xmpp_dial *dial; /* in XMPP_STREAM_CONNECTING */
	struct xmpp_link *link; /* afterwards */
	char *id;               /* of the server's stream header */
	struct xmpp_ping ping;
	bool ping_next;

	struct event *timer;     /* of the state */
	struct event *keepalive; /* in XMPP_STREAM_UP */
	struct event *broken;    /* why is set: end the connection */
};

/* xmpp_stream.c: the connection ends at the end of the loop's turn. The first
 * thing that went wrong counts. */
void xmpp_stream_fail(struct xmpp_stream *stream, const char *why);

/* xmpp_stream_stanza.c */

/* In any state that has a link. 0, XMPP_E_FULL, XMPP_E_ILLEGAL or -ENOMEM. */
CHECKED int xmpp_stream_put(struct xmpp_stream *stream,
			    const struct stanza *stanza);
/* Our own ping, one of RFC 6120, 8, or answered there, or dropped. */
void xmpp_stream_take(struct xmpp_stream *stream, const struct stanza *stanza);
/* One that was too large, of which only @head is left, or NULL. */
void xmpp_stream_refuse(struct xmpp_stream *stream, const struct stanza *head);
/* Due while it is up: a space or a ping, in turns. */
void xmpp_stream_keep_alive(struct xmpp_stream *stream);
