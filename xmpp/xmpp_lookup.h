/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The XMPP server's host name to addresses, without waiting: literals at once,
 * else /etc/hosts and DNS by c-ares.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

struct event_base;
struct xmpp_lookup;

enum { XMPP_LOOKUP_MAX = 8 }; /* addresses of a name that are used */

/*
 * @addrs, borrowed, in the order in which to try them; none: @why says what is
 * wrong. Called once, from the loop; the lookup may be freed in it.
 */
typedef void (*xmpp_lookup_fn)(const struct addr *addrs, size_t n,
			       const char *why, void *arg);

/* *@out is owned by the caller. 0 or -errno. */
CHECKED int xmpp_lookup_start(struct xmpp_lookup **out, struct event_base *base,
			      const char *host, uint16_t port,
			      xmpp_lookup_fn fn, void *arg);
/* @fn is not called any more. NULL is fine; returns NULL. */
struct xmpp_lookup *xmpp_lookup_free(struct xmpp_lookup *lookup);
DEFINE_AUTO(struct xmpp_lookup *, xmpp_lookup_free)
