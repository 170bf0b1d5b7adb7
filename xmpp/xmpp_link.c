/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RFC 6120, 4: a stream's tags, its errors and its end.
 */
#include "xmpp/xmpp_link.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"
#include "xmpp/xmpp_in.h"
#include "xmpp/xmpp_out.h"
#include "xmpp/xmpp_tags.h"

enum {
	READ_MAX = 16 * 1024, /* octets a turn of the loop */
	/* For what came before the server closed, when it takes nothing more.
	 */
	REST_MS = 5000,
};

struct xmpp_link {
	const struct xmpp_link_handlers *handlers;
	void *arg;
	int fd;
	bool broken;
	bool handling; /* a stanza, in on_stanza */
	bool resumed;  /* its stream was opened by another process */
	bool torn;     /* half a stanza has been written, or read and taken */
	int mute;      /* why the server takes nothing more; 0: it does */
	struct stanza_parser *parser;
	struct xmpp_in in;
	struct xmpp_out out;
	struct event *readable, *writable;
	struct event *again;    /* there may be more to read */
	struct event *patience; /* with what is held; xmpp_in.h */
	struct event *rest;     /* the end of reading what is left */
};

void xmpp_link_break(struct xmpp_link *link, const char *why)
{
	if (link->broken)
		return;
	link->broken = true;
	stanza_parser_stop(link->parser);
	event_del(link->readable);
	event_del(link->writable);
	evtimer_del(link->again);
	evtimer_del(link->patience);
	evtimer_del(link->rest);
	link->handlers->on_broken(why, link->arg);
}

static void break_errno(struct xmpp_link *link, int r)
{
	xmpp_link_break(link, strerror(-r));
}

static void tell_whole(struct xmpp_link *link)
{
	bool torn = link->out.offset || xmpp_in_is_torn(&link->in);

	if (torn == link->torn || link->broken)
		return;
	link->torn = torn;
	link->handlers->on_whole(!torn, link->arg);
}

/* In another turn of the loop: others have theirs in between. */
static void look_again(struct xmpp_link *link)
{
	const struct timeval now = { 0, 0 };

	if (evtimer_add(link->again, &now))
		break_errno(link, -ENOMEM);
}

/*
 * The server has closed. What it wrote before that may still be unread, and who
 * wrote it there was told that it was taken: the end comes when it is read.
 */
static void fall_mute(struct xmpp_link *link, int r)
{
	const struct timeval rest = { REST_MS / 1000, REST_MS % 1000 * 1000 };

	link->mute = -r;
	xmpp_out_fini(&link->out);
	xmpp_out_init(&link->out);
	event_del(link->writable);
	if (evtimer_add(link->rest, &rest))
		break_errno(link, -ENOMEM);
	else
		look_again(link);
}

static void flush(struct xmpp_link *link)
{
	int r = link->mute ? 0 : xmpp_out_flush(&link->out, link->fd);

	if (r == XMPP_OUT_E_BLOCKED)
		event_add(link->writable, NULL);
	else if (r)
		fall_mute(link, r);
	tell_whole(link);
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

	if (link->broken || link->mute)
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
	if (!link->broken && !link->mute && !xmpp_out_add_space(&link->out))
		flush(link);
}

bool xmpp_link_is_mute(const struct xmpp_link *link)
{
	return link->mute;
}

bool xmpp_link_is_flushed(const struct xmpp_link *link)
{
	return link->broken || TAILQ_EMPTY(&link->out.pieces);
}

bool xmpp_link_is_clogged(const struct xmpp_link *link)
{
	return xmpp_out_is_clogged(&link->out);
}

/*
 * RFC 6120, 4.9: what the server did wrong, and the end of our stream. Best
 * effort: a server whose XML is broken may not read either.
 */
static void send_stream_error(struct xmpp_link *link, const char *condition)
{
	char text[XMPP_TAG_CAP];

	if (xmpp_tags_error(text, condition) ||
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

/* Whether there may be more to look at. */
static bool take(struct xmpp_link *link)
{
	const struct timeval wait = { XMPP_IN_PATIENCE_MS / 1000,
				      XMPP_IN_PATIENCE_MS % 1000 * 1000 };
	bool more = xmpp_in_take(&link->in);

	if (!xmpp_in_is_stuck(&link->in))
		evtimer_del(link->patience);
	else if (!evtimer_pending(link->patience, NULL) &&
		 evtimer_add(link->patience, &wait))
		break_errno(link, -ENOMEM);
	return more && !link->broken;
}

/*
 * Whatever is new; then all that is done leaves the kernel. What is not done
 * stays readable, so the event is an edge: it says that more has come.
 */
static void read_on(struct xmpp_link *link)
{
	struct slice fresh;
	bool ended;
	int r = xmpp_in_look(&link->in, &fresh, &ended);

	acknowledge(link->fd);
	if (link->mute && (r || ended))
		break_errno(link, -link->mute);
	else if (r)
		break_errno(link, r);
	else if (ended)
		xmpp_link_break(link, "connection closed");
	else
		feed(link, fresh.p, fresh.n);
	if (link->broken)
		return;
	xmpp_in_pass(&link->in, stanza_parser_whole(link->parser));
	if (take(link) && fresh.n)
		look_again(link);
	tell_whole(link);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_on(arg);
}

static void on_rest(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_link *link = arg;

	(void)fd;
	(void)what;
	break_errno(link, -link->mute);
}

static void on_impatient(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_link *link = arg;

	(void)fd;
	(void)what;
	xmpp_in_hurry(&link->in);
	if (take(link))
		look_again(link);
	tell_whole(link);
}

bool xmpp_link_hold(struct xmpp_link *link, uint64_t id)
{
	if (link->handling)
		xmpp_in_hold(&link->in, id);
	return link->handling;
}

/* What is behind a stanza that waited may have been its last octets: the end of
 * the connection is seen only when nothing is left. */
void xmpp_link_release(struct xmpp_link *link, uint64_t id)
{
	if (link->broken)
		return;
	bool last = xmpp_in_release(&link->in, id);
	if (take(link) || last)
		look_again(link);
}

int xmpp_link_fd(const struct xmpp_link *link)
{
	return link->fd;
}

static void on_open(const struct stanza *head, void *arg)
{
	struct xmpp_link *link = arg;

	if (link->resumed)
		return;
	if (stanza_is(head, "stream", STANZA_NS_STREAM))
		link->handlers->on_open(head, link->arg);
	else
		xmpp_link_break(link, "invalid-namespace");
}

static void hand_over(struct xmpp_link *link, const struct stanza *stanza)
{
	link->handling = true;
	link->handlers->on_stanza(stanza, link->arg);
	link->handling = false;
	xmpp_in_pass(&link->in, stanza_parser_whole(link->parser));
}

static void on_stanza(struct stanza *stanza, void *arg)
{
	AUTO(stanza_freep) struct stanza *owned = stanza;
	struct xmpp_link *link = arg;

	if (stanza_is(owned, "error", STANZA_NS_STREAM))
		xmpp_link_break(link, xmpp_tags_condition(owned));
	else
		hand_over(link, owned);
}

static void on_close(void *arg)
{
	xmpp_link_break(arg, "closed by the server");
}

static void on_refused(const struct stanza *head, void *arg)
{
	struct xmpp_link *link = arg;

	link->handlers->on_refused(head, link->arg);
	xmpp_in_pass(&link->in, stanza_parser_whole(link->parser));
}

static const struct stanza_parser_handlers parser_handlers = {
	.on_open = on_open,
	.on_stanza = on_stanza,
	.on_close = on_close,
	.on_refused = on_refused,
};

static int open_stream(struct xmpp_link *link, const char *domain)
{
	char head[XMPP_TAG_CAP];
	int r = xmpp_tags_open(head, domain);

	if (!r)
		r = xmpp_out_add(&link->out, head, strlen(head));
	if (!r)
		r = xmpp_out_flush(&link->out, link->fd);
	/* a connection that is full before its first octet is none */
	return r > 0 ? -EIO : r;
}

/* The parser starts as if it had seen the server's own header. */
static int continue_stream(struct xmpp_link *link)
{
	static const char head[] = XMPP_TAGS_OPENED;
	int r = stanza_parser_feed(link->parser, head, sizeof(head) - 1);

	link->resumed = true;
	if (r)
		return r < 0 ? r : -EIO;
	xmpp_in_fini(&link->in);
	return xmpp_in_init(&link->in, link->fd, sizeof(head) - 1);
}

/* A link without a stream. @fd is its own, also when this fails. */
static int make(struct xmpp_link **out, struct event_base *base, int fd,
		const struct xmpp_link_handlers *handlers, void *arg)
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
	int r = xmpp_in_init(&link->in, fd, 0);
	/* of one descriptor both are edges or none is */
	link->readable = event_new(base, fd, EV_READ | EV_PERSIST | EV_ET,
				   on_readable, link);
	link->writable =
		event_new(base, fd, EV_WRITE | EV_ET, on_writable, link);
	if (!r)
		r = stanza_parser_new(&link->parser, &parser_handlers, link);
	link->again = evtimer_new(base, on_readable, link);
	link->patience = evtimer_new(base, on_impatient, link);
	link->rest = evtimer_new(base, on_rest, link);
	if (!r && (!link->readable || !link->writable || !link->again ||
		   !link->patience || !link->rest))
		r = -ENOMEM;
	if (!r && event_add(link->readable, NULL))
		r = -EIO;
	if (r)
		return r;
	*out = link;
	link = NULL;
	return 0;
}

int xmpp_link_new(struct xmpp_link **out, struct event_base *base, int fd,
		  const char *domain, const struct xmpp_link_handlers *handlers,
		  void *arg)
{
	AUTO(xmpp_link_freep) struct xmpp_link *link = NULL;
	int r = make(&link, base, fd, handlers, arg);

	if (!r)
		r = open_stream(link, domain);
	if (r)
		return r;
	link->broken = false;
	*out = link;
	link = NULL;
	return 0;
}

int xmpp_link_resume(struct xmpp_link **out, struct event_base *base, int fd,
		     const struct xmpp_link_handlers *handlers, void *arg)
{
	AUTO(xmpp_link_freep) struct xmpp_link *link = NULL;
	int r = make(&link, base, fd, handlers, arg);

	if (!r)
		r = continue_stream(link);
	if (r)
		return r;
	link->broken = false;
	*out = link;
	link = NULL;
	return 0;
}

void xmpp_link_count(struct xmpp_link *link, _Atomic uint32_t *tries)
{
	link->in.tries = tries;
}

/*
 * RFC 6120, 4.4. What the server still sends is read over: closing with unread
 * octets makes TCP reset, and the server could lose our last stanzas.
 */
static void say_goodbye(struct xmpp_link *link)
{
	static const char end[] = XMPP_TAGS_END;
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
	if (!link->broken && !link->mute)
		say_goodbye(link);
	if (link->readable)
		event_free(link->readable);
	if (link->writable)
		event_free(link->writable);
	if (link->again)
		event_free(link->again);
	if (link->patience)
		event_free(link->patience);
	if (link->rest)
		event_free(link->rest);
	stanza_parser_free(link->parser);
	xmpp_in_fini(&link->in);
	xmpp_out_fini(&link->out);
	close(link->fd);
	free(link);
	return NULL;
}
