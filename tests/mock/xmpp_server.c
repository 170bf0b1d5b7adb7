/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/mock/xmpp_server.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

#define STREAM_ID "stream-id-&amp;-1"
#define NS_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"

struct mock_xmpp {
	struct event_base *base;
	struct evconnlistener *listener;
	char *secret;
	struct mock_xmpp_manner manner;
	mock_xmpp_stanza_fn *handler; /* NULL: none */
	void *handler_arg;
	struct mock_xmpp_counts counts;
	char error[64];
	struct stanza *last;

	int fd; /* -1: none */
	struct event *readable;
	struct stanza_parser *parser;
	bool inside; /* of a tag or of text: spaces there do not count */
	bool up;

	char *pending; /* of mock_xmpp_send_in_pieces() */
	size_t pending_n, pending_at, step;
	struct event *piece;
};

static void write_all(struct mock_xmpp *mock, const char *p, size_t n)
{
	while (n && mock->fd >= 0) {
		ssize_t done = send(mock->fd, p, n, MSG_NOSIGNAL);
		if (done < 0)
			return; /* the component has gone */
		p += done;
		n -= (size_t)done;
	}
}

void mock_xmpp_send(struct mock_xmpp *mock, const char *xml)
{
	write_all(mock, xml, strlen(xml));
}

void mock_xmpp_drop(struct mock_xmpp *mock)
{
	if (mock->readable)
		event_free(mock->readable);
	mock->readable = NULL;
	mock->parser = stanza_parser_free(mock->parser);
	if (mock->fd >= 0)
		close(mock->fd);
	mock->fd = -1;
	mock->up = false;
}

static void send_error(struct mock_xmpp *mock, const char *condition)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "<stream:error><%s xmlns='" NS_ERRORS
		 "'/></stream:error></stream:stream>",
		 condition);
	mock_xmpp_send(mock, text);
	shutdown(mock->fd, SHUT_WR);
}

static void on_open(const struct stanza *head, void *arg)
{
	struct mock_xmpp *mock = arg;
	const char *refuse = mock->manner.refuse_stream;
	char text[512];

	if (mock->manner.silent)
		return;
	snprintf(text, sizeof(text),
		 "<?xml version='1.0'?><stream:stream xmlns='%s' "
		 "xmlns:stream='%s' from='%s'%s>",
		 STANZA_NS, STANZA_NS_STREAM, stanza_attr(head, "to"),
		 refuse ? "" : " id='" STREAM_ID "'");
	mock_xmpp_send(mock, text);
	if (refuse)
		send_error(mock, refuse);
}

static bool is_right(const struct mock_xmpp *mock, const char *hash)
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char text[256], hex[2 * SHA_DIGEST_LENGTH + 1];

	snprintf(text, sizeof(text), "stream-id-&-1%s", mock->secret);
	SHA1((const unsigned char *)text, strlen(text), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return !strcmp(hash, hex);
}

static void shake_hands(struct mock_xmpp *mock, const char *hash)
{
	const char *refuse = mock->manner.refuse_handshake;

	if (!is_right(mock, hash))
		refuse = "not-authorized";
	if (refuse) {
		send_error(mock, refuse);
		return;
	}
	mock->counts.handshakes++;
	mock->up = true;
	mock_xmpp_send(mock, "<handshake/>");
}

/* An iq to itself, as a ping and its result: routed back, as servers do. */
static bool is_to_itself(const struct stanza *st)
{
	const char *from = stanza_attr(st, "from"), *to = stanza_attr(st, "to");

	return stanza_is(st, "iq", NULL) && from && to && !strcmp(from, to);
}

static void route_back(struct mock_xmpp *mock, const struct stanza *st)
{
	char *text = NULL;
	size_t n = 0;

	mock->counts.pings += stanza_find(st, "ping", "urn:xmpp:ping") != NULL;
	if (mock->manner.no_pong || stanza_format(st, 0, &text, &n))
		return;
	write_all(mock, text, n);
	free(text);
}

static void on_stanza(struct stanza *st, void *arg)
{
	struct mock_xmpp *mock = arg;
	const struct stanza *error = stanza_first(st);

	if (stanza_is(st, "handshake", NULL)) {
		shake_hands(mock, stanza_text(st));
	} else if (stanza_is(st, "error", STANZA_NS_STREAM)) {
		snprintf(mock->error, sizeof(mock->error), "%s",
			 stanza_name(error));
	} else if (is_to_itself(st)) {
		route_back(mock, st);
	} else {
		mock->counts.stanzas++;
		stanza_free(mock->last);
		mock->last = st;
		if (mock->handler)
			mock->handler(st, mock->handler_arg);
		return;
	}
	stanza_free(st);
}

static void on_close(void *arg)
{
	struct mock_xmpp *mock = arg;

	mock->counts.goodbyes++;
}

static const struct stanza_parser_handlers handlers = {
	.on_open = on_open,
	.on_stanza = on_stanza,
	.on_close = on_close,
};

/* Spaces outside of stanzas: those behind a '>' or another such space. */
static void count_spaces(struct mock_xmpp *mock, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == ' ' && !mock->inside)
			mock->counts.spaces++;
		else
			mock->inside = p[i] != '>';
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct mock_xmpp *mock = arg;
	char buf[65536];

	(void)what;
	if (mock->manner.deaf) {
		event_del(mock->readable);
		return;
	}
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n <= 0) {
		mock_xmpp_drop(mock);
		return;
	}
	count_spaces(mock, buf, (size_t)n);
	if (stanza_parser_feed(mock->parser, buf, (size_t)n)) {
		mock->counts.faults++;
		mock_xmpp_drop(mock);
	}
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
		      struct sockaddr *addr, int len, void *arg)
{
	struct mock_xmpp *mock = arg;
	int one = 1;

	(void)listener;
	(void)addr;
	(void)len;
	mock_xmpp_drop(mock);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	mock->fd = fd;
	mock->counts.connections++;
	mock->counts.spaces = 0;
	mock->inside = false;
	if (stanza_parser_new(&mock->parser, &handlers, mock))
		abort();
	mock->readable = event_new(mock->base, fd, EV_READ | EV_PERSIST,
				   on_readable, mock);
	event_add(mock->readable, NULL);
}

static void on_piece(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon = { 0, 200 };
	struct mock_xmpp *mock = arg;
	size_t left = mock->pending_n - mock->pending_at;
	size_t n = left < mock->step ? left : mock->step;

	(void)fd;
	(void)what;
	write_all(mock, mock->pending + mock->pending_at, n);
	mock->pending_at += n;
	if (!mock_xmpp_is_idle(mock))
		evtimer_add(mock->piece, &soon);
}

void mock_xmpp_send_in_pieces(struct mock_xmpp *mock, const char *xml,
			      size_t step)
{
	free(mock->pending);
	mock->pending = strdup(xml);
	mock->pending_n = strlen(xml);
	mock->pending_at = 0;
	mock->step = step;
	on_piece(-1, 0, mock);
}

bool mock_xmpp_is_idle(const struct mock_xmpp *mock)
{
	return mock->pending_at == mock->pending_n;
}

struct mock_xmpp *mock_xmpp_new(struct event_base *base, const char *secret)
{
	struct sockaddr_in loopback = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct mock_xmpp *mock = calloc(1, sizeof(*mock));

	if (!mock)
		abort();
	mock->base = base;
	mock->fd = -1;
	mock->secret = strdup(secret);
	mock->piece = evtimer_new(base, on_piece, mock);
	mock->listener = evconnlistener_new_bind(
		base, on_accept, mock,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_LEAVE_SOCKETS_BLOCKING, 8,
		(struct sockaddr *)&loopback, sizeof(loopback));
	if (!mock->listener || !mock->piece)
		abort();
	return mock;
}

struct mock_xmpp *mock_xmpp_free(struct mock_xmpp *mock)
{
	mock_xmpp_drop(mock);
	evconnlistener_free(mock->listener);
	event_free(mock->piece);
	stanza_free(mock->last);
	free(mock->pending);
	free(mock->secret);
	free(mock);
	return NULL;
}

unsigned short mock_xmpp_port(const struct mock_xmpp *mock)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);

	if (getsockname(evconnlistener_get_fd(mock->listener),
			(struct sockaddr *)&addr, &len))
		abort();
	return ntohs(addr.sin_port);
}

void mock_xmpp_set_manner(struct mock_xmpp *mock,
			  const struct mock_xmpp_manner *manner)
{
	mock->manner = *manner;
	if (mock->readable && !manner->deaf)
		event_add(mock->readable, NULL);
}

struct mock_xmpp_counts mock_xmpp_counts(const struct mock_xmpp *mock)
{
	return mock->counts;
}

const char *mock_xmpp_stream_error(const struct mock_xmpp *mock)
{
	return mock->error;
}

const struct stanza *mock_xmpp_last(const struct mock_xmpp *mock)
{
	return mock->last;
}

void mock_xmpp_set_handler(struct mock_xmpp *mock, mock_xmpp_stanza_fn *fn,
			   void *arg)
{
	mock->handler = fn;
	mock->handler_arg = arg;
}

bool mock_run(struct event_base *base, bool (*done)(void *arg), void *arg,
	      unsigned limit_ms)
{
	uint64_t limit = clock_ms() + limit_ms;

	while (!done(arg)) {
		struct timeval tick = { 0, 5000 };

		if (clock_ms() > limit)
			return false;
		event_base_loopexit(base, &tick);
		event_base_dispatch(base);
	}
	return true;
}
