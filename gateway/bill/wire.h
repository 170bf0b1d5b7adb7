/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The way to the billing system: one request, one reply, each on a connection
 * of its own, with a time limit for the whole.
 *
 *     http://host[:port]/path   POST /path/NAME, application/json (wire_http.c)
 *     https://…                 the same over TLS; the certificate must be the
 *                               host's and from the system's store
 *     unix:/run/billing.sock    a line of JSON each way (wire_unix.c); a reply
 *                               stands for 200
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

struct event_base;
struct wire;
struct exchange;

enum {
	WIRE_OPEN_MAX = 256,        /* requests that wait for replies */
	WIRE_REPLY_MAX = 64 * 1024, /* octets */
	WIRE_URL_MAX = 1024,
};

struct wire_config { /* borrowed for the call alone */
	const char *url;
	const char *token; /* as Authorization: Bearer; "" none */
	unsigned timeout_ms;
};

/* Whether @url is one of the three. */
bool wire_is_url(const char *url);

/* *@out is owned by the caller: wire_free(). @base outlives it.
 * 0, -EINVAL (the url), -ENOMEM, -EIO (TLS cannot be set up). */
CHECKED int wire_new(struct wire **out, const struct wire_config *config,
		     struct event_base *base);
/* All exchanges were freed. NULL is fine; returns NULL. */
struct wire *wire_free(struct wire *wire);

/* @status 0: none came, @body then says why. From the loop, once. */
typedef void (*wire_fn)(unsigned status, struct slice body, void *arg);

/* Whether requests go by a local socket, without HTTP. */
bool wire_is_local(const struct wire *wire);

/*
 * Send @json as the request @name. *@out is owned by the caller:
 * exchange_free(), also in @fn. 0, -EAGAIN (WIRE_OPEN_MAX), -ENOMEM.
 */
CHECKED int wire_send(struct exchange **out, struct wire *wire,
		      const char *name, struct slice json, wire_fn fn,
		      void *arg);
/* @fn is not called any more. NULL is fine; returns NULL. */
struct exchange *exchange_free(struct exchange *exchange);
