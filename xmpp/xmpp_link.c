/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RFC 6120, 4: a stream's tags, its errors and its end.
 */
#include "xmpp/xmpp_link.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"
#include "xmpp/xmpp_out.h"

#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"

enum {
	READ_MAX = 16 * 1024, /* octets a turn of the loop */
	STREAM_TAG_MAX = JID_PART_MAX + 256,
};

struct xmpp_link {
	const struct xmpp_link_handlers *handlers;
	void *arg;
	int fd;
	bool broken;
	struct stanza_parser *parser;
	struct xmpp_out out;
	struct event *readable, *writable;
};

void xmpp_link_break(struct xmpp_link *link, const char *why)
{
	if (link->broken)
		return;
	link->broken = true;
	stanza_parser_stop(link->parser);
	event_del(link->readable);
	event_del(link->writable);
	link->handlers->on_broken(why, link->arg);
}

static void break_errno(struct xmpp_link *link, int r)
{
	xmpp_link_break(link, strerror(-r));
}

static void flush(struct xmpp_link *link)
{
	int r = xmpp_out_flush(&link->out, link->fd);

	if (r == XMPP_OUT_E_BLOCKED)
		event_add(link->writable, NULL);
	else if (r)
		break_errno(link, r);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

int xmpp_link_send(struct xmpp_link *link, const struct stanza *stanza)
{
	char *text = NULL;
	size_t n = 0;

	if (link->broken)
		return 0;
	int r = stanza_format(stanza, 0, &text, &n);
	if (r)
		return r < 0 ? r : XMPP_LINK_E_ILLEGAL;
	r = xmpp_out_add(&link->out, text, n);
	free(text);
	if (r)
		return r < 0 ? r : XMPP_LINK_E_FULL;
	flush(link);
	return 0;
}

bool xmpp_link_is_stranded(const struct xmpp_link *link)
{
	struct sockaddr_storage local = { 0 };
	socklen_t n = sizeof(local);

	if (getsockname(link->fd, (struct sockaddr *)&local, &n))
		return false;
	int fd = socket(local.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (local.ss_family == AF_INET)
		((struct sockaddr_in *)&local)->sin_port = 0;
	else if (local.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&local)->sin6_port = 0;
	bool gone = bind(fd, (struct sockaddr *)&local, n) &&
		    errno == EADDRNOTAVAIL;
	close(fd);
	return gone;
}

void xmpp_link_send_space(struct xmpp_link *link)
{
	if (!link->broken && !xmpp_out_add_space(&link->out))
		flush(link);
}

bool xmpp_link_is_flushed(const struct xmpp_link *link)
{
	return link->broken || TAILQ_EMPTY(&link->out.pieces);
}

/*
 * RFC 6120, 4.9: what the server did wrong, and the end of our stream. Best
 * effort: a server whose XML is broken may not read either.
 */
static void send_stream_error(struct xmpp_link *link, const char *condition)
{
	char text[256];

	if (text_format(text, sizeof(text),
			"<stream:error><%s xmlns='" NS_STREAM_ERRORS
			"'/></stream:error></stream:stream>",
			condition) ||
	    xmpp_out_add(&link->out, text, strlen(text)))
		return;
	flush(link);
}

static void feed(struct xmpp_link *link, const char *p, size_t n)
{
	int r = stanza_parser_feed(link->parser, p, n);

	if (!r || link->broken)
		return;
	if (r < 0) {
		break_errno(link, r);
		return;
	}
	const char *condition =
		stanza_parse_condition((enum stanza_parse_outcome)r);
	send_stream_error(link, condition);
	xmpp_link_break(link, condition);
}

/*
 * Prosody (0.12.3) leaves Nagle's algorithm on: its next stanza waits until
 * this one is acknowledged, 40 ms later by default. The option wears off, so it
 * is set after each read.
 */
static void acknowledge(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_link *link = arg;
	char buf[READ_MAX];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	(void)what;
	acknowledge(fd);
	if (n > 0)
		feed(link, buf, (size_t)n);
	else if (n == 0)
		xmpp_link_break(link, "connection closed");
	else if (errno != EAGAIN && errno != EINTR)
		break_errno(link, -errno);
}

static void on_open(const struct stanza *head, void *arg)
{
	struct xmpp_link *link = arg;

	if (stanza_is(head, "stream", STANZA_NS_STREAM))
		link->handlers->on_open(head, link->arg);
	else
		xmpp_link_break(link, "invalid-namespace");
}

/* The condition of <stream:error/>. */
static const char *stream_error(const struct stanza *error)
{
	const struct stanza *child;

	STANZA_FOREACH(child, error)
		if (!strcmp(stanza_ns(child), NS_STREAM_ERRORS) &&
		    strcmp(stanza_name(child), "text") != 0)
			return stanza_name(child);
	return "undefined-condition";
}

static void on_stanza(struct stanza *stanza, void *arg)
{
	AUTO(stanza_freep) struct stanza *owned = stanza;
	struct xmpp_link *link = arg;

	if (stanza_is(owned, "error", STANZA_NS_STREAM))
		xmpp_link_break(link, stream_error(owned));
	else
		link->handlers->on_stanza(owned, link->arg);
}

static void on_close(void *arg)
{
	xmpp_link_break(arg, "closed by the server");
}

static void on_refused(const struct stanza *head, void *arg)
{
	const struct xmpp_link *link = arg;

	link->handlers->on_refused(head, link->arg);
}

static const struct stanza_parser_handlers parser_handlers = {
	.on_open = on_open,
	.on_stanza = on_stanza,
	.on_close = on_close,
	.on_refused = on_refused,
};

/* XEP-0114, 3. The domain has no character that XML would escape. */
static int open_stream(struct xmpp_link *link, const char *domain)
{
	char head[STREAM_TAG_MAX];
	int r = text_format(head, sizeof(head),
			    "<?xml version='1.0'?><stream:stream xmlns='%s' "
			    "xmlns:stream='%s' to='%s'>",
			    STANZA_NS, STANZA_NS_STREAM, domain);

	if (!r)
		r = xmpp_out_add(&link->out, head, strlen(head));
	if (!r)
		r = xmpp_out_flush(&link->out, link->fd);
	/* a connection that is full before its first octet is none */
	return r > 0 ? -EIO : r;
}

int xmpp_link_new(struct xmpp_link **out, struct event_base *base, int fd,
		  const char *domain, const struct xmpp_link_handlers *handlers,
		  void *arg)
{
	AUTO(xmpp_link_freep)
	struct xmpp_link *link = calloc(1, sizeof(*link));

	if (!link) {
		close(fd);
		return -ENOMEM;
	}
	xmpp_out_init(&link->out);
	link->fd = fd;
	link->handlers = handlers;
	link->arg = arg;
	link->broken = true; /* until it is whole */
	link->readable =
		event_new(base, fd, EV_READ | EV_PERSIST, on_readable, link);
	link->writable = event_new(base, fd, EV_WRITE, on_writable, link);
	int r = stanza_parser_new(&link->parser, &parser_handlers, link);
	if (!r && (!link->readable || !link->writable))
		r = -ENOMEM;
	if (!r && event_add(link->readable, NULL))
		r = -EIO;
	if (!r)
		r = open_stream(link, domain);
	if (r)
		return r;
	link->broken = false;
	*out = link;
	link = NULL;
	return 0;
}

/*
 * RFC 6120, 4.4. What the server still sends is read over: closing with unread
 * octets makes TCP reset, and the server could lose our last stanzas.
 */
static void say_goodbye(struct xmpp_link *link)
{
	static const char end[] = "</stream:stream>";
	char buf[READ_MAX];

	if (xmpp_out_add(&link->out, end, strlen(end)) ||
	    xmpp_out_flush(&link->out, link->fd))
		return;
	shutdown(link->fd, SHUT_WR);
	while (recv(link->fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

struct xmpp_link *xmpp_link_free(struct xmpp_link *link)
{
	if (!link)
		return NULL;
	if (!link->broken)
		say_goodbye(link);
	if (link->readable)
		event_free(link->readable);
	if (link->writable)
		event_free(link->writable);
	stanza_parser_free(link->parser);
	xmpp_out_fini(&link->out);
	close(link->fd);
	free(link);
	return NULL;
}
