/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A TCP connection to the XMPP server: its name looked up, each of its
 * addresses tried in order, nothing waited for.
 */
#pragma once

#include <stdint.h>

#include "gateway/base/err.h"

struct event_base;
struct xmpp_dial;

enum {
	XMPP_DIAL_TRY_MS = 5000, /* for one address */
	/* RFC 5482: how long sent octets may stay unacknowledged. */
	XMPP_TCP_USER_TIMEOUT_MS = 30000,
};

/*
 * @fd, connected, non-blocking and owned by the callee; -1: none of the
 * addresses, @why (borrowed) says what the last one did. Called once, from the
 * loop; the dial may be freed in it.
 */
typedef void (*xmpp_dial_fn)(int fd, const char *why, void *arg);

/* *@out is owned by the caller. 0 or -errno. */
CHECKED int xmpp_dial_start(struct xmpp_dial **out, struct event_base *base,
			    const char *host, uint16_t port, xmpp_dial_fn fn,
			    void *arg);
/* @fn is not called any more. NULL is fine; returns NULL. */
struct xmpp_dial *xmpp_dial_free(struct xmpp_dial *dial);
DEFINE_AUTO(struct xmpp_dial *, xmpp_dial_free)
