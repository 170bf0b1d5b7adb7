/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What comes on the stream: stanzas, its errors (RFC 6120, 4.9) and its end.
 */
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/base/clock.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/xmpp_link_state.h"
#include "xmpp/xmpp_tags.h"

/* For what came before the server closed, when it takes nothing more. */
enum { REST_MS = 5000 };

/* In another turn of the loop: others have theirs in between. */
static void read_again(struct xmpp_link *link)
{
	const struct timeval now = { 0, 0 };

	if (evtimer_add(link->again, &now))
		xmpp_link_break_errno(link, -ENOMEM);
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
	xmpp_link_flush(link);
}

static void feed(struct xmpp_link *link, const char *p, size_t n)
{
	int r = stanza_parser_feed(link->parser, p, n);

	if (!r || link->broken)
		return;
	if (r < 0) {
		xmpp_link_break_errno(link, r);
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
	const struct timeval wait = clock_timeval(XMPP_IN_PATIENCE_MS);
	bool more = xmpp_in_take(&link->in);

	if (!xmpp_in_is_stuck(&link->in))
		evtimer_del(link->patience);
	else if (!evtimer_pending(link->patience, NULL) &&
		 evtimer_add(link->patience, &wait))
		xmpp_link_break_errno(link, -ENOMEM);
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
		xmpp_link_break_errno(link, -link->mute);
	else if (r)
		xmpp_link_break_errno(link, r);
	else if (ended)
		xmpp_link_break(link, "connection closed");
	else
		feed(link, fresh.p, fresh.n);
	if (link->broken)
		return;
	xmpp_in_pass(&link->in, stanza_parser_whole(link->parser));
	if (take(link) && fresh.n)
		read_again(link);
	xmpp_link_tell_whole(link);
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
	xmpp_link_break_errno(link, -link->mute);
}

static void on_impatient(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_link *link = arg;

	(void)fd;
	(void)what;
	xmpp_in_hurry(&link->in);
	if (take(link))
		read_again(link);
	xmpp_link_tell_whole(link);
}

/*
 * What the server wrote before it closed may still be unread, and who wrote it
 * there was told that it was taken: the end comes when it is read.
 */
void xmpp_link_read_rest(struct xmpp_link *link)
{
	const struct timeval rest = clock_timeval(REST_MS);

	if (evtimer_add(link->rest, &rest))
		xmpp_link_break_errno(link, -ENOMEM);
	else
		read_again(link);
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
		read_again(link);
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

	link->told = stanza_is(owned, "error", STANZA_NS_STREAM);
	if (link->told)
		xmpp_link_break(link, xmpp_tags_condition(owned));
	else
		hand_over(link, owned);
}

static void on_close(void *arg)
{
	struct xmpp_link *link = arg;

	link->told = true;
	xmpp_link_break(link, "closed by the server");
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

int xmpp_link_read_init(struct xmpp_link *link, struct event_base *base)
{
	int r = stanza_parser_new(&link->parser, &parser_handlers, link);

	if (r)
		return r;
	link->readable = event_new(base, link->fd, EV_READ | EV_PERSIST | EV_ET,
				   on_readable, link);
	link->again = evtimer_new(base, on_readable, link);
	link->patience = evtimer_new(base, on_impatient, link);
	link->rest = evtimer_new(base, on_rest, link);
	if (!link->readable || !link->again || !link->patience || !link->rest)
		return -ENOMEM;
	return event_add(link->readable, NULL) ? -EIO : 0;
}

void xmpp_link_read_stop(struct xmpp_link *link)
{
	stanza_parser_stop(link->parser);
	event_del(link->readable);
	evtimer_del(link->again);
	evtimer_del(link->patience);
	evtimer_del(link->rest);
}

void xmpp_link_read_fini(struct xmpp_link *link)
{
	struct event *const events[] = { link->readable, link->again,
					 link->patience, link->rest };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i])
			event_free(events[i]);
	}
	stanza_parser_free(link->parser);
}
