/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The ping that shows that the server is alive (XEP-0199): of our own domain,
 * so its way leads through the server's router and back to us. One is out at a
 * time. No I/O.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct stanza;

enum { XMPP_PING_ID_CAP = 32 };

struct xmpp_ping {
	char id[XMPP_PING_ID_CAP]; /* "": none is out */
};

/* The ping to send, now the one that is out; the caller's. 0 or -ENOMEM, and
 * none is out. */
CHECKED int xmpp_ping_new(struct xmpp_ping *ping, const char *domain,
			  struct stanza **out);
/* None is out any more. */
void xmpp_ping_forget(struct xmpp_ping *ping);
bool xmpp_ping_is_out(const struct xmpp_ping *ping);
/*
 * Whether @stanza is our own ping, or the answer to it: nobody else's from is
 * our domain. Then none is out any more.
 */
bool xmpp_ping_came_back(struct xmpp_ping *ping, const char *domain,
			 const struct stanza *stanza);
