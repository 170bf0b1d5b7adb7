/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The component stream to the XMPP server (XEP-0114): connects, shakes hands,
 * reconnects with backoff and jitter for ever, keeps itself alive (whitespace
 * and XEP-0199 ping). One serializer, one write a stanza.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"

struct event_base;
struct stanza;
struct xmpp_stream;

struct xmpp_stream_config { /* borrowed for the call alone */
	const char *host;
	unsigned short port;
	const char *domain;
	const char *secret;
};

enum xmpp_stream_outcome {
	XMPP_E_DOWN = 1,    /* not connected: nothing was sent */
	XMPP_E_FULL = 2,    /* the queue to the server is full */
	XMPP_E_ILLEGAL = 3, /* cannot be made well-formed; dropped, logged */
};

struct xmpp_stream_handlers {
	void (*up)(void *arg);
	/* @why is borrowed: a stream error's condition or a system error. */
	void (*down)(const char *why, void *arg);
	/* @stanza is borrowed; its from and to are valid JIDs, to is in our
	 * domain. Every iq get or set must be answered exactly once. */
	void (*stanza)(const struct stanza *stanza, void *arg);
};

/* Connects from the event loop on. *@out is owned by the caller. */
CHECKED int xmpp_stream_new(struct xmpp_stream **out,
			    const struct xmpp_stream_config *config,
			    struct event_base *base,
			    const struct xmpp_stream_handlers *handlers,
			    void *arg);
/* Says goodbye, closes, frees. NULL is fine. */
struct xmpp_stream *xmpp_stream_free(struct xmpp_stream *stream);

bool xmpp_stream_is_up(const struct xmpp_stream *stream);
const char *xmpp_stream_domain(const struct xmpp_stream *stream);

/* @stanza stays the caller's. 0 or XMPP_E_*. */
CHECKED int xmpp_stream_send(struct xmpp_stream *stream,
			     const struct stanza *stanza);
