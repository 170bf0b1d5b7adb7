/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Resolving as its own files see it: resolver.c (c-ares' channel on our loop),
 * resolve.c (what is asked for one URI, and in which order).
 */
#pragma once

#include "sip/resolve.h"

struct ares_channeldata;
struct event;

enum { RESOLVER_SOCKETS = 16 }; /* c-ares' ARES_GETSOCK_MAXNUM */

struct resolver_socket {
	int fd;
	struct event *event; /* NULL: free */
};

struct sip_resolver {
	struct ares_channeldata *channel;
	struct event_base *base;
	struct event *timer;
	struct resolver_socket sockets[RESOLVER_SOCKETS];
	struct sip_resolver_config config;
};

/* Something was asked: wait for it. */
void resolver_arm(struct sip_resolver *resolver);
