/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/bill/wire.h"

#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <sys/un.h>

#include "gateway/base/addr.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/bill/wire_int.h"

static const char unix_scheme[] = "unix:";

static bool is_unix(const char *url)
{
	size_t n = sizeof(unix_scheme) - 1;

	return !strncmp(url, unix_scheme, n) && url[n] == '/' &&
	       strlen(url + n) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

static void free_uri(struct evhttp_uri **uri)
{
	if (*uri)
		evhttp_uri_free(*uri);
}

static bool is_http(const struct evhttp_uri *uri)
{
	const char *scheme = uri ? evhttp_uri_get_scheme(uri) : NULL;
	const char *host = uri ? evhttp_uri_get_host(uri) : NULL;

	return scheme && host && *host && !evhttp_uri_get_userinfo(uri) &&
	       !evhttp_uri_get_query(uri) && !evhttp_uri_get_fragment(uri) &&
	       (!strcmp(scheme, "http") || !strcmp(scheme, "https"));
}

bool wire_is_url(const char *url)
{
	AUTO(free_uri) struct evhttp_uri *uri = NULL;

	if (strlen(url) > WIRE_URL_MAX)
		return false;
	if (is_unix(url))
		return true;
	uri = evhttp_uri_parse(url);
	return is_http(uri);
}

/* ---- life ---- */

/* evhttp wants an IPv6 address without its brackets, and so does TLS. */
static char *host_of(const struct evhttp_uri *uri)
{
	struct slice host = slice_of(evhttp_uri_get_host(uri));

	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct slice){ host.p + 1, host.n - 2 };
	return text_dup(host);
}

static int read_http(struct wire *wire, const struct evhttp_uri *uri)
{
	enum { HTTP_PORT = 80, HTTPS_PORT = 443 };
	const char *path = evhttp_uri_get_path(uri);
	int port = evhttp_uri_get_port(uri);
	size_t n = path ? strlen(path) : 0;

	while (n && path[n - 1] == '/')
		n--;
	wire->kind = strcmp(evhttp_uri_get_scheme(uri), "https") != 0
			     ? WIRE_HTTP
			     : WIRE_HTTPS;
	if (port <= 0)
		port = wire->kind == WIRE_HTTPS ? HTTPS_PORT : HTTP_PORT;
	wire->port = (unsigned short)port;
	wire->host = host_of(uri);
	wire->path = text_dup((struct slice){ path, n });
	return wire->host && wire->path ? 0 : -ENOMEM;
}

static int read_url(struct wire *wire, const char *url)
{
	AUTO(free_uri) struct evhttp_uri *uri = NULL;

	if (is_unix(url)) {
		wire->kind = WIRE_UNIX;
		wire->path = text_dup(slice_of(url + sizeof(unix_scheme) - 1));
		return wire->path ? 0 : -ENOMEM;
	}
	uri = evhttp_uri_parse(url);
	return is_http(uri) ? read_http(wire, uri) : -EINVAL;
}

/* Names are asked for without holding up the loop. */
static int open_dns(struct wire *wire)
{
	struct addr addr;

	if (wire->kind == WIRE_UNIX ||
	    !addr_parse(&addr, slice_of(wire->host), 0))
		return 0;
	wire->dns = evdns_base_new(wire->base,
				   EVDNS_BASE_INITIALIZE_NAMESERVERS |
					   EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	return wire->dns ? 0 : -EIO;
}

int wire_new(struct wire **out, const struct wire_config *config,
	     struct event_base *base)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	if (!wire)
		return -ENOMEM;
	wire->base = base;
	wire->timeout_ms = config->timeout_ms;
	wire->token = text_dup(slice_of(config->token));
	int r = wire->token ? read_url(wire, config->url) : -ENOMEM;
	if (!r)
		r = open_dns(wire);
	if (!r && wire->kind == WIRE_HTTPS)
		r = wire_tls_init(wire);
	if (r) {
		wire_free(wire);
		return r;
	}
	*out = wire;
	return 0;
}

struct wire *wire_free(struct wire *wire)
{
	if (!wire)
		return NULL;
	wire_tls_fini(wire);
	if (wire->dns)
		evdns_base_free(wire->dns, 0);
	text_wipe(wire->token);
	free(wire->host);
	free(wire->path);
	free(wire);
	return NULL;
}

bool wire_is_local(const struct wire *wire)
{
	return wire->kind == WIRE_UNIX;
}

/* ---- an exchange ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *exchange = arg;

	(void)fd;
	(void)what;
	if (!exchange->done)
		exchange->fn(0, slice_of("no answer in time"), exchange->arg);
	else
		exchange->fn(exchange->status,
			     (struct slice){ exchange->body, exchange->n },
			     exchange->arg);
}

static void set_timer(struct exchange *exchange, unsigned ms)
{
	const struct timeval tv = clock_timeval(ms);

	evtimer_add(exchange->timer, &tv);
}

void exchange_done(struct exchange *exchange, unsigned status,
		   struct slice body)
{
	if (exchange->done)
		return;
	exchange->done = true;
	exchange->status = status;
	exchange->body = text_dup(body);
	exchange->n = exchange->body ? body.n : 0;
	set_timer(exchange, 0);
}

int wire_send(struct exchange **out, struct wire *wire, const char *name,
	      struct slice json, wire_fn fn, void *arg)
{
	struct exchange *exchange;

	if (wire->open >= WIRE_OPEN_MAX)
		return -EAGAIN;
	exchange = calloc(1, sizeof(*exchange));
	if (!exchange)
		return -ENOMEM;
	wire->open++;
	exchange->wire = wire;
	exchange->fn = fn;
	exchange->arg = arg;
	exchange->timer = evtimer_new(wire->base, on_timer, exchange);
	int r = !exchange->timer ? -ENOMEM
		: wire->kind == WIRE_UNIX
			? wire_unix_send(exchange, json)
			: wire_http_send(exchange, name, json);
	if (r) {
		exchange_free(exchange);
		return r;
	}
	if (!exchange->done)
		set_timer(exchange, wire->timeout_ms);
	*out = exchange;
	return 0;
}

struct exchange *exchange_free(struct exchange *exchange)
{
	if (!exchange)
		return NULL;
	exchange->done = true; /* what libevent says on the way is no reply */
	if (exchange->http)
		evhttp_connection_free(exchange->http);
	if (exchange->line)
		bufferevent_free(exchange->line);
	if (exchange->timer)
		event_free(exchange->timer);
	exchange->wire->open--;
	free(exchange->body);
	free(exchange);
	return NULL;
}
