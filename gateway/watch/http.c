/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/base/base64.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/watch/metric.h"
#include "gateway/watch/page.h"
#include "gateway/watch/totals.h"
#include "gateway/watch/watch.h"
#include "xmpp/xmpp_stream.h"

enum {
	LOOK_MS = 200,     /* for connections that are over */
	MISDIRECTED = 421, /* RFC 9110, 15.5.20; libevent knows no words */
};

/* libevent tells nobody that a connection has ended before its first request:
 * one whose callbacks have gone has been freed by it. */
struct visitor {
	struct bufferevent *bev; /* a reference of ours; NULL: none */
	uint64_t since_ms;
};

struct http {
	struct gateway *gateway;
	struct evhttp *evhttp;
	struct evconnlistener *listener; /* evhttp's */
	struct event *timer;
	struct visitor visitors[HTTP_CONNECTIONS_MAX];
	bool guarded; /* by a token */
	uint8_t token[SHA256_DIGEST_LENGTH];
};

/* ---- connections ---- */

static bool has_gone(const struct visitor *visitor)
{
	bufferevent_event_cb event = NULL;
	bufferevent_data_cb read = NULL, write = NULL;

	bufferevent_getcb(visitor->bev, &read, &write, &event, NULL);
	return !read && !write && !event;
}

static void forget(struct visitor *visitor)
{
	bufferevent_decref(visitor->bev);
	visitor->bev = NULL;
}

/* Returns how many are left. */
static unsigned look_at_visitors(struct http *http)
{
	uint64_t now_ms = clock_ms();
	unsigned n = 0;

	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
		struct visitor *visitor = &http->visitors[i];

		if (!visitor->bev)
			continue;
		if (has_gone(visitor)) {
			forget(visitor);
			continue;
		}
		n++;
		/* evhttp reads the end, and closes. */
		if (now_ms - visitor->since_ms > HTTP_CONNECTION_MS)
			(void)shutdown(bufferevent_getfd(visitor->bev),
				       SHUT_RDWR);
	}
	return n;
}

static void set_timer(struct http *http)
{
	const struct timeval tv = clock_timeval(LOOK_MS);

	evtimer_add(http->timer, &tv);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct http *http = arg;
	unsigned n = look_at_visitors(http);

	(void)fd;
	(void)what;
	if (n < HTTP_CONNECTIONS_MAX)
		evconnlistener_enable(http->listener);
	if (n)
		set_timer(http);
}

/* Whoever comes when all places are taken waits: the listener rests before. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
	struct http *http = arg;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
	struct visitor *place = NULL;
	unsigned n = look_at_visitors(http);

	if (!bev)
		return NULL;
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX && !place; i++) {
		if (!http->visitors[i].bev)
			place = &http->visitors[i];
	}
	if (place) {
		bufferevent_incref(bev);
		*place = (struct visitor){ bev, clock_ms() };
	}
	if (n + 1 >= HTTP_CONNECTIONS_MAX)
		evconnlistener_disable(http->listener);
	set_timer(http);
	return bev;
}

/* ---- who may ---- */

static bool is_token(const struct http *http, struct slice given)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)given.p, given.n, digest);
	return CRYPTO_memcmp(digest, http->token, sizeof(digest)) == 0;
}

static bool is_basic(const struct http *http, struct slice text)
{
	enum { PLAIN_CAP = 2048 };
	uint8_t plain[PLAIN_CAP];
	size_t n = sizeof(plain);

	if (base64_decode(plain, &n, text))
		return false;
	struct slice password = { (const char *)plain, n };
	(void)slice_cut(&password, ':');
	bool is = is_token(http, password);
	explicit_bzero(plain, sizeof(plain));
	return is;
}

static bool is_authorised(const struct http *http,
			  struct evhttp_request *request)
{
	struct slice text = slice_of(evhttp_find_header(
		evhttp_request_get_input_headers(request), "Authorization"));
	struct slice scheme = slice_cut(&text, ' ');

	text = slice_trim(text);
	if (slice_is_nocase(scheme, "Bearer"))
		return is_token(http, text);
	return slice_is_nocase(scheme, "Basic") && is_basic(http, text);
}

/* evhttp wants no Host of HTTP/1.0 and gives NULL. */
static bool is_our_host(struct evhttp_request *request)
{
	const char *text = evhttp_find_header(
		evhttp_request_get_input_headers(request), "Host");
	struct slice host = slice_of(text), rest = host;
	struct addr addr;

	return !text || !addr_parse_port(&addr, host) ||
	       !addr_parse(&addr, host, 0) ||
	       slice_is_nocase(slice_cut(&rest, ':'), "localhost");
}

/* ---- answers ---- */

static void set_headers(struct evhttp_request *request, const char *type)
{
	static const struct {
		const char *name, *value;
	} headers[] = {
		{ "Content-Security-Policy",
		  "default-src 'none'; style-src 'self'; img-src data:; "
		  "base-uri 'none'; form-action 'none'; "
		  "frame-ancestors 'none'" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cache-Control", "no-store" },
		{ "Connection", "close" },
	};
	struct evkeyvalq *out = evhttp_request_get_output_headers(request);

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		evhttp_add_header(out, headers[i].name, headers[i].value);
	evhttp_add_header(out, "Content-Type", type);
}

/* libevent 2.1.12 sends the body to HEAD as well. */
static void keep_length_alone(struct evhttp_request *request,
			      struct evbuffer *body)
{
	enum { LENGTH_CAP = 24 };
	size_t n = body ? evbuffer_get_length(body) : 0;
	char text[LENGTH_CAP];

	if (!text_format(text, sizeof(text), "%zu", n))
		evhttp_add_header(evhttp_request_get_output_headers(request),
				  "Content-Length", text);
	if (body)
		evbuffer_drain(body, n);
}

static void reply(struct http *http, struct evhttp_request *request, int status,
		  const char *type, struct evbuffer *body)
{
	enum { STATUS_CAP = 12 };
	char text[STATUS_CAP];

	if (!text_format(text, sizeof(text), "%d", status))
		metric_add(http->gateway->watch->metrics, METRIC_HTTP_REQUESTS,
			   1, METRIC_LABELS(text));
	set_headers(request, type);
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
		keep_length_alone(request, body);
	evhttp_send_reply(request, status,
			  status == MISDIRECTED ? "Misdirected Request" : NULL,
			  body);
}

static void reply_text(struct http *http, struct evhttp_request *request,
		       int status, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body && evbuffer_add(body, text, strlen(text)))
		evbuffer_drain(body, evbuffer_get_length(body));
	reply(http, request, status, "text/plain; charset=utf-8", body);
	if (body)
		evbuffer_free(body);
}

/* A writer of a body: 0 or -ENOMEM. */
typedef int (*write_fn)(struct http *http, struct evbuffer *body);

static int write_metrics(struct http *http, struct evbuffer *body)
{
	const struct watch *watch = http->gateway->watch;

	totals_count(watch->totals, http->gateway);
	return metrics_print(watch->metrics, http->gateway, body);
}

static int write_page(struct http *http, struct evbuffer *body)
{
	return page_write(http->gateway, body);
}

static int write_style(struct http *http, struct evbuffer *body)
{
	(void)http;
	return evbuffer_add(body, page_style, strlen(page_style)) ? -ENOMEM : 0;
}

static const struct resource {
	const char *path, *type;
	write_fn write;
} resources[] = {
	{ "/", "text/html; charset=utf-8", write_page },
	{ "/style.css", "text/css; charset=utf-8", write_style },
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8",
	  write_metrics },
};

static void reply_resource(struct http *http, struct evhttp_request *request,
			   const struct resource *resource)
{
	struct evbuffer *body = evbuffer_new();

	if (!body || resource->write(http, body))
		reply_text(http, request, 503, "out of memory\n");
	else
		reply(http, request, 200, resource->type, body);
	if (body)
		evbuffer_free(body);
}

static void reply_health(struct http *http, struct evhttp_request *request)
{
	const struct gateway *gateway = http->gateway;
	bool well = !gateway->draining && xmpp_stream_is_up(gateway->stream);

	reply_text(http, request, well ? 200 : 503,
		   well                ? "ok\n"
		   : gateway->draining ? "draining\n"
				       : "no XMPP server\n");
}

static void reply_path(struct http *http, struct evhttp_request *request)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	for (size_t i = 0; path && i < sizeof(resources) / sizeof(resources[0]);
	     i++) {
		if (!strcmp(resources[i].path, path)) {
			reply_resource(http, request, &resources[i]);
			return;
		}
	}
	if (path && !strcmp(path, "/healthz"))
		reply_health(http, request);
	else
		reply_text(http, request, 404, "not found\n");
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct http *http = arg;
	struct evkeyvalq *out = evhttp_request_get_output_headers(request);
	enum evhttp_cmd_type method = evhttp_request_get_command(request);

	if (http->guarded && !is_authorised(http, request)) {
		evhttp_add_header(out, "WWW-Authenticate",
				  "Basic realm=\"tandem\", charset=\"UTF-8\"");
		reply_text(http, request, 401, "a token is needed\n");
	} else if (!http->guarded && !is_our_host(request)) {
		reply_text(http, request, MISDIRECTED, "ask by address\n");
	} else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		evhttp_add_header(out, "Allow", "GET, HEAD");
		reply_text(http, request, 405, "read-only\n");
	} else {
		reply_path(http, request);
	}
}

/* ---- life ---- */

static int start(struct http *http, const struct addr *listen)
{
	enum { S_PER_MS = 1000 };
	const struct addr_text ip = addr_ip_text(listen);
	struct evhttp_bound_socket *bound;

	http->timer = evtimer_new(http->gateway->base, on_look, http);
	http->evhttp = evhttp_new(http->gateway->base);
	if (!http->timer || !http->evhttp)
		return -ENOMEM;
	evhttp_set_max_headers_size(http->evhttp, HTTP_HEADERS_MAX);
	evhttp_set_max_body_size(http->evhttp, HTTP_BODY_MAX);
	evhttp_set_timeout(http->evhttp, HTTP_CONNECTION_MS / S_PER_MS);
	/* All, to answer them: evhttp itself says 501. */
	evhttp_set_allowed_methods(http->evhttp, UINT16_MAX);
	evhttp_set_gencb(http->evhttp, on_request, http);
	evhttp_set_bevcb(http->evhttp, on_connection, http);
	errno = 0;
	bound = evhttp_bind_socket_with_handle(http->evhttp, ip.s,
					       addr_port(listen));
	if (!bound)
		return errno ? -errno : -EADDRNOTAVAIL;
	http->listener = evhttp_bound_socket_get_listener(bound);
	return 0;
}

int http_new(struct http **out, struct gateway *gateway,
	     const struct http_config *config)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->gateway = gateway;
	http->guarded = *config->token;
	SHA256((const uint8_t *)config->token, strlen(config->token),
	       http->token);
	int r = start(http, &config->listen);
	if (r) {
		http_free(http);
		return r;
	}
	*out = http;
	log_info("watch=listening address=%s token=%s",
		 addr_text(&config->listen).s, http->guarded ? "yes" : "no");
	return 0;
}

struct http *http_free(struct http *http)
{
	if (!http)
		return NULL;
	if (http->evhttp)
		evhttp_free(http->evhttp);
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
		if (http->visitors[i].bev)
			forget(&http->visitors[i]);
	}
	if (http->timer)
		event_free(http->timer);
	free(http);
	return NULL;
}
