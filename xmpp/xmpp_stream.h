/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The component stream to the XMPP server (XEP-0114): connects, shakes hands,
 * reconnects with backoff and jitter for ever, keeps itself alive (whitespace
 * and XEP-0199 ping). One serializer, one write a stanza.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct event_base;
struct stanza;
struct xmpp_stream;

/* For tests; each 0: the default. */
struct xmpp_stream_timing {
	/* An idle stream gets a space; every second time a ping of our own
	 * domain through the server, which must be back by the next. */
	unsigned keepalive_ms; /* 30 s */
	unsigned connect_ms;   /* name to connection, 20 s */
	unsigned handshake_ms; /* connection to handshake, 15 s */
	/* Grows by an eighth each time from retry_min_ms to retry_max_ms, the
	 * upper half of it random; begins anew after a stream that did not end
	 * by conflict. Servers refuse who writes to us while we are away. */
	unsigned retry_min_ms; /* 100 ms */
	unsigned retry_max_ms; /* 30 s */
	/* After not-authorized, up to twice that: only an operator helps. */
	unsigned refused_ms; /* 30 s */
};

struct xmpp_stream_config { /* borrowed for the call alone */
	const char *host;   /* name or address; resolved at each attempt */
	unsigned short port;
	const char *domain;
	const char *secret;
	struct xmpp_stream_timing timing;
	/* A connection whose stream an earlier process of ours has opened, of
	 * this domain; becomes the stream's own when it is made. 0: none. */
	int resumed_fd;
	/* How many processes in a row have read in it and died before any of
	 * that was done: counted here, in memory that outlives the process; 0
	 * again when something was, or the stream is another. With a few of
	 * them connect anew. Must outlive the stream; NULL: nobody counts. */
	_Atomic uint32_t *tries;
};

enum xmpp_stream_outcome {
	XMPP_E_DOWN = 1, /* not connected: nothing was sent */
	XMPP_E_FULL = 2, /* the queue to the server is full */
	/* Cannot be made well-formed, is no stanza, lacks its addresses or an
	 * iq's id, or is not from our domain; dropped, logged. */
	XMPP_E_ILLEGAL = 3,
};

/* The stream must not be freed in them; all else is allowed. */
struct xmpp_stream_handlers {
	void (*up)(void *arg);
	/* After up. @why is borrowed: a stream error's condition or a system
	 * error. What was queued is lost, what was sent may be. */
	void (*down)(const char *why, void *arg);
	/* An attempt came to nothing, @why as of down; NULL: who cares, it is
	 * made again. */
	void (*refused)(const char *why, void *arg);
	/* Whether another process could go on with the connection @fd from here
	 * (config.resumed_fd), if we died: from the handshake on, before any
	 * stanza comes. False: also when it ends. NULL: it does not matter. */
	void (*whole)(bool whole, int fd, void *arg);
	/* @stanza is borrowed: an iq, message or presence; its from and to are
	 * valid JIDs, to is in our domain. An iq has an id and a type; a get or
	 * set has one payload and must be answered exactly once. */
	void (*stanza)(const struct stanza *stanza, void *arg);
};

/*
 * Connects from the event loop on. *@out is owned by the caller. 0, -EINVAL
 * (domain is none, no host), or -errno.
 */
CHECKED int xmpp_stream_new(struct xmpp_stream **out,
			    const struct xmpp_stream_config *config,
			    struct event_base *base,
			    const struct xmpp_stream_handlers *handlers,
			    void *arg);
/* Says goodbye, closes, frees. NULL is fine; returns NULL. */
struct xmpp_stream *xmpp_stream_free(struct xmpp_stream *stream);

/*
 * Our addresses changed: a stream from one that has gone is at its end, any
 * other gets a space, which a NAT that forgot it makes the server refuse.
 */
void xmpp_stream_moved(struct xmpp_stream *stream);
bool xmpp_stream_is_up(const struct xmpp_stream *stream);
/* Nothing waits for the socket to take more. */
bool xmpp_stream_is_flushed(const struct xmpp_stream *stream);
/* The server takes so little that nothing new should be begun with it: the rest
 * of the queue is for what goes on, ends of calls and answers. */
bool xmpp_stream_is_clogged(const struct xmpp_stream *stream);
const char *xmpp_stream_domain(const struct xmpp_stream *stream);

/*
 * @stanza stays the caller's. 0: written, or queued while the socket is full
 * (up to XMPP_OUT_MAX octets and XMPP_OUT_MAX_STANZAS). XMPP_E_*, -ENOMEM.
 */
CHECKED int xmpp_stream_send(struct xmpp_stream *stream,
			     const struct stanza *stanza);

/* Each stanza that comes or has been sent, before it is handled; borrowed. */
typedef void (*xmpp_tap_fn)(bool rx, const struct stanza *stanza, void *arg);
/* @fn NULL: nobody looks any more. */
void xmpp_stream_tap(struct xmpp_stream *stream, xmpp_tap_fn fn, void *arg);

/*
 * In the handler of a stanza: it is not done with before it is released. The
 * server does not send it again; but if we die before, who takes up the
 * connection reads it again. Returns what to release; 0 outside of it.
 */
uint64_t xmpp_stream_hold(struct xmpp_stream *stream);
/* 0, and what the stream does not know (any more), does nothing. */
void xmpp_stream_release(struct xmpp_stream *stream, uint64_t hold);
