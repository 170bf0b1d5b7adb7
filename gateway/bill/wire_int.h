/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of gateway/bill/wire.h, for wire*.c alone.
 *
 * A reply is handed on from an event of its own: libevent's objects are not
 * freed in their own callbacks.
 */
#pragma once

#include "gateway/bill/wire.h"

struct bufferevent;
struct event;
struct evdns_base;
struct evhttp_connection;
struct ssl_ctx_st;

enum wire_kind { WIRE_HTTP, WIRE_HTTPS, WIRE_UNIX };

struct wire {
	enum wire_kind kind;
	struct event_base *base;
	char *host, *path, *token;
	unsigned short port;
	unsigned timeout_ms;
	unsigned open; /* exchanges */
	struct evdns_base *dns;
	struct ssl_ctx_st *tls; /* of https */
};

struct exchange {
	struct wire *wire;
	wire_fn fn;
	void *arg;
	struct event *timer; /* the limit; then, at once, the reply */
	struct evhttp_connection *http;
	struct bufferevent *line; /* of unix: */
	bool done;
	unsigned status;
	char *body; /* owned */
	size_t n;
};

/* What came, from a callback of libevent's; only the first counts. */
void exchange_done(struct exchange *exchange, unsigned status,
		   struct slice body);

CHECKED int wire_http_send(struct exchange *exchange, const char *name,
			   struct slice json);
CHECKED int wire_unix_send(struct exchange *exchange, struct slice json);
/* A bufferevent that speaks TLS to @wire's host. NULL without memory. */
struct bufferevent *wire_tls_new(struct wire *wire);
CHECKED int wire_tls_init(struct wire *wire);
void wire_tls_fini(struct wire *wire);
