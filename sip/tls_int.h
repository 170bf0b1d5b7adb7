/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * TLS as its own files see it: tls.c (listeners, inner side), tls_conn.c (one
 * connection), tls_pass.c (what passes through it).
 */
#pragma once

#include <bsd/sys/queue.h>

#include "sip/agent_int.h"
#include "sip/frame.h"
#include "sip/tls.h"
#include "sip/tls_context.h"

struct bufferevent;
struct event;
struct evconnlistener;

struct tls_conn {
	TAILQ_ENTRY(tls_conn) entry;
	struct sip_tls *tls;
	struct addr peer;
	struct addr inner_at; /* sofia's end if dialled, else ours; unset */
	struct bufferevent *outer, *inner;
	struct event *timer;
	char *name;    /* who it must be; NULL: the peer connected */
	unsigned side; /* which sofia uses for it */
	bool stranger;
	bool open;    /* the handshake is done */
	bool closing; /* when all is sent */
	bool failed;  /* before sofia's end was here: it gets a reset */
	struct sip_frame in, out;
	bool partial; /* the timer is for a message that has begun */
};

TAILQ_HEAD(tls_conns, tls_conn);

/*
 * sofia knows connections by address alone. Where two trunks are at one address
 * under different names, each has an inner side of its own, on a loopback
 * address of its own. IPv6 has one such address: there the name that was used
 * last holds.
 */
enum {
	TLS_SIDES_4 = 4,
	TLS_SIDE_6 = TLS_SIDES_4,
	TLS_NSIDES,
};

struct tls_name {
	struct addr peer;
	char *name;
	unsigned side;
};

/* An inner side: sofia's listener, and ours that sofia connects to. */
struct tls_inner {
	struct addr sofia, ours;
	struct evconnlistener *listener;
};

struct sip_tls {
	struct sip_agent *agent;
	struct sip_tls_context *context;
	struct evconnlistener *listeners[SIP_BOUNDS_MAX];
	size_t nlisteners;
	struct tls_inner inner[TLS_NSIDES];
	struct tls_conns conns;
	struct tls_name names[SIP_TLS_NAMES_MAX];
	size_t next_name; /* to be forgotten */
};

/* ---- tls_conn.c ---- */

/* @fd is taken over, also on failure. */
void tls_conn_accepted(struct sip_tls *tls, int fd, const struct addr *peer,
		       bool stranger);
/* Connect with @name->peer, for sofia's end @inner_at. */
CHECKED int tls_conn_dial(struct sip_tls *tls, const struct tls_name *name,
			  const struct addr *inner_at);
/* sofia has connected: its stream is @fd, taken over. */
void tls_conn_inner(struct tls_conn *c, int fd);
void tls_conn_free(struct tls_conn *c);
/* It broke, or is of no use: sofia gets what was said before. */
void tls_conn_fail(struct tls_conn *c);
void tls_conn_set_timer(struct tls_conn *c, unsigned ms);
/* For the next octets; @partial: a message has begun. */
void tls_conn_wait(struct tls_conn *c, bool partial);

/* ---- tls_pass.c ---- */

void tls_pass_watch_outer(struct tls_conn *c,
			  void (*on_event)(struct bufferevent *bev, short what,
					   void *arg));
/* sofia's end @fd, taken over; false: it could not be. */
CHECKED bool tls_pass_watch_inner(struct tls_conn *c, int fd);
/* What sofia has said goes out, once it may. */
void tls_pass_outwards(struct tls_conn *c);
