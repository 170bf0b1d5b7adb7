/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The one HTTP server of a gateway (libevent's, on the loop), read-only:
 *
 *     /          the status page; /style.css goes with it
 *     /metrics   for Prometheus
 *     /healthz   200 when calls can be taken, else 503
 *
 * One request a connection; HTTP_CONNECTIONS_MAX of them, each for
 * HTTP_CONNECTION_MS at the most; further ones wait in the kernel. With a
 * token, each request needs it: "Authorization: Bearer TOKEN" (RFC 6750), or as
 * the password of any user (RFC 7617), for browsers. Without, the Host must be
 * an address or "localhost": a name that leads here may be any web site's (DNS
 * rebinding).
 */
#pragma once

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

struct gateway;
struct http;

enum {
	HTTP_CONNECTIONS_MAX = 16,
	HTTP_CONNECTION_MS = 10 * 1000,
	HTTP_HEADERS_MAX = 8192, /* octets of a request's head */
	HTTP_BODY_MAX = 1024,    /* that is read, and not used */
};

struct http_config { /* borrowed for the call alone */
	struct addr listen;
	const char *token; /* "" none: everybody who can reach it */
};

/* *@out is owned by the caller: http_free(). @gateway outlives it. 0 or -errno
 * (the address cannot be bound). */
CHECKED int http_new(struct http **out, struct gateway *gateway,
		     const struct http_config *config);
/* NULL is fine; returns NULL. */
struct http *http_free(struct http *http);
