/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RFC 6120, 4: a stream's tags, what is written to it, and its end. What is
 * read is xmpp_link_read.c's.
 */
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"
#include "xmpp/xmpp_link_state.h"
#include "xmpp/xmpp_tags.h"

enum { READ_MAX = 16 * 1024 }; /* octets, at the end */

void xmpp_link_break(struct xmpp_link *link, const char *why)
{
	if (link->broken)
		return;
	link->broken = true;
	xmpp_link_read_stop(link);
	event_del(link->writable);
	link->handlers->on_broken(why, link->arg);
}

void xmpp_link_break_errno(struct xmpp_link *link, int r)
{
	xmpp_link_break(link, strerror(-r));
}

void xmpp_link_tell_whole(struct xmpp_link *link)
{
	bool torn = link->out.offset || xmpp_in_is_torn(&link->in);

	if (torn == link->torn || link->broken)
		return;
	link->torn = torn;
	link->handlers->on_whole(!torn, link->arg);
}

/* The server has closed: what it wrote before that is still read. */
static void fall_mute(struct xmpp_link *link, int r)
{
	link->mute = -r;
	xmpp_out_fini(&link->out);
	xmpp_out_init(&link->out);
	event_del(link->writable);
	xmpp_link_read_rest(link);
}

void xmpp_link_flush(struct xmpp_link *link)
{
	int r = link->mute ? 0 : xmpp_out_flush(&link->out, link->fd);

	if (r == XMPP_OUT_E_BLOCKED)
		event_add(link->writable, NULL);
	else if (r)
		fall_mute(link, r);
	xmpp_link_tell_whole(link);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	xmpp_link_flush(arg);
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
	xmpp_link_flush(link);
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
		xmpp_link_flush(link);
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

int xmpp_link_fd(const struct xmpp_link *link)
{
	return link->fd;
}

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
	/* of one descriptor both are edges or none is (xmpp_link_read.c) */
	link->writable =
		event_new(base, fd, EV_WRITE | EV_ET, on_writable, link);
	if (!r)
		r = link->writable ? xmpp_link_read_init(link, base) : -ENOMEM;
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
	if ((link->told || !link->broken) && !link->mute)
		say_goodbye(link);
	if (link->writable)
		event_free(link->writable);
	xmpp_link_read_fini(link);
	xmpp_in_fini(&link->in);
	xmpp_out_fini(&link->out);
	close(link->fd);
	free(link);
	return NULL;
}
