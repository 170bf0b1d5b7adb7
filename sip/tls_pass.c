/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What passes between a TLS connection and sofia: whole messages, pings
 * answered, and of strangers what may pass.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "sip/door.h"
#include "sip/stranger.h"
#include "sip/tap.h"
#include "sip/tls_int.h"

enum {
	OUTPUT_MAX = 4 * SIP_MESSAGE_MAX, /* for a peer that does not read */
	FLUSH_MS = 2000,
};

static bool is_full(const struct bufferevent *to)
{
	return evbuffer_get_length(bufferevent_get_output(
		       (struct bufferevent *)to)) > OUTPUT_MAX;
}

enum passed {
	PASSED,  /* all that is whole */
	BROKEN,  /* it is no SIP */
	REFUSED, /* a stranger's, which may not */
};

static enum passed pass_messages(struct tls_conn *c, bool inwards);

/* What sofia has said, after the handshake. False: that was the end. */
static bool pass_outwards(struct tls_conn *c)
{
	return !c->open || (!pass_messages(c, false) && !is_full(c->outer));
}

void tls_pass_outwards(struct tls_conn *c)
{
	if (!pass_outwards(c))
		tls_conn_fail(c);
}

static void on_inner_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	tls_pass_outwards(arg);
}

static void on_flushed(struct bufferevent *bev, void *arg)
{
	struct tls_conn *c = arg;

	if (c->closing && !evbuffer_get_length(bufferevent_get_output(bev)))
		tls_conn_free(c);
}

/* sofia has closed: what it has sent goes out first. */
static void on_inner_event(struct bufferevent *bev, short what, void *arg)
{
	struct tls_conn *c = arg;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		return;
	if (!pass_outwards(c)) {
		tls_conn_fail(c);
		return;
	}
	if (!c->open ||
	    !evbuffer_get_length(bufferevent_get_output(c->outer))) {
		tls_conn_free(c);
		return;
	}
	c->closing = true;
	bufferevent_disable(c->inner, EV_READ | EV_WRITE);
	bufferevent_disable(c->outer, EV_READ);
	tls_conn_set_timer(c, FLUSH_MS);
}

bool tls_pass_watch_inner(struct tls_conn *c, int fd)
{
	const int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->inner = bufferevent_socket_new(c->tls->agent->base, fd,
					  BEV_OPT_CLOSE_ON_FREE);
	if (!c->inner) {
		close(fd);
		return false;
	}
	bufferevent_setcb(c->inner, on_inner_read, NULL, on_inner_event, c);
	bufferevent_setwatermark(c->inner, EV_READ, 0, 2 * SIP_MESSAGE_MAX);
	return !bufferevent_enable(c->inner, EV_READ | EV_WRITE);
}

/* The peer has sent its first message: now sofia has to do with it. */
static bool hand_over(struct tls_conn *c)
{
	const struct tls_inner *inner = &c->tls->inner[c->side];
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = socket(inner->sofia.sa.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	if ((syscall(SYS_connect, fd, &inner->sofia.sa,
		     addr_len(&inner->sofia)) &&
	     errno != EINPROGRESS) ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) ||
	    addr_from(&c->inner_at, (struct sockaddr *)&ss)) {
		close(fd);
		return false;
	}
	return tls_pass_watch_inner(c, fd);
}

/* Pings before and between messages (RFC 5626, 4.4.1). */
static bool take_blanks(struct tls_conn *c, struct evbuffer *in)
{
	size_t n = evbuffer_get_length(in), len;
	char *p = (char *)evbuffer_pullup(in, -1);
	struct sip_frame frame = c->in;

	if (!n || !p || sip_frame_next(&frame, p, n, &len) != SIP_FRAME_BLANK)
		return true;
	if (sip_frame_is_ping(p, len) &&
	    (is_full(c->outer) || bufferevent_write(c->outer, "\r\n", 2)))
		return false;
	evbuffer_drain(in, len);
	return true;
}

/* Whether @message of the peer's goes to sofia; if not it is answered, when it
 * is, before the connection ends. */
static bool may_pass(struct tls_conn *c, struct slice message)
{
	const struct sip_source source = { c->peer, SIP_TLS };
	char reply[SIP_DOOR_REPLY_CAP];

	if (!c->stranger ||
	    sip_door_message(c->tls->agent, &source, message, reply))
		return true;
	bufferevent_disable(c->outer, EV_READ);
	c->closing =
		*reply && !bufferevent_write(c->outer, reply, strlen(reply));
	if (c->closing)
		tls_conn_set_timer(c, FLUSH_MS);
	return false;
}

static enum passed pass_in(struct tls_conn *c, char *p, size_t len)
{
	if (!may_pass(c, (struct slice){ p, len }))
		return REFUSED;
	if (!c->inner && !hand_over(c))
		return BROKEN;
	if (sip_tap_is_set)
		sip_tap_tls(true, &c->peer, p, len);
	sip_frame_set_transport(p, len, "TCP");
	return bufferevent_write(c->inner, p, len) ? BROKEN : PASSED;
}

static enum passed pass_out(struct tls_conn *c, char *p, size_t len)
{
	sip_frame_set_transport(p, len, "TLS");
	if (sip_tap_is_set)
		sip_tap_tls(false, &c->peer, p, len);
	return bufferevent_write(c->outer, p, len) ? BROKEN : PASSED;
}

/* Pings of ours; the peer's were answered before. */
static enum passed pass_blanks(struct tls_conn *c, const char *p, size_t len,
			       bool inwards)
{
	return !inwards && sip_frame_is_ping(p, len) &&
			       bufferevent_write(c->outer, "\r\n\r\n", 4)
		       ? BROKEN
		       : PASSED;
}

/* Whole messages, of the peer's to sofia or the other way. */
static enum passed pass_messages(struct tls_conn *c, bool inwards)
{
	struct evbuffer *from =
		bufferevent_get_input(inwards ? c->outer : c->inner);
	struct sip_frame *frame = inwards ? &c->in : &c->out;
	enum passed r = PASSED;

	while (!r && evbuffer_get_length(from)) {
		size_t n = evbuffer_get_length(from), len = 0;
		char *p = (char *)evbuffer_pullup(from, -1);

		switch (p ? sip_frame_next(frame, p, n, &len) : SIP_FRAME_BAD) {
		case SIP_FRAME_BAD:
			return BROKEN;
		case SIP_FRAME_MORE:
			return PASSED;
		case SIP_FRAME_BLANK:
			r = pass_blanks(c, p, len, inwards);
			break;
		case SIP_FRAME_MESSAGE:
			r = inwards ? pass_in(c, p, len) : pass_out(c, p, len);
			*frame = (struct sip_frame){ .total = 0 };
			break;
		}
		if (!r)
			evbuffer_drain(from, len);
	}
	return r;
}

static bool has_message(struct tls_conn *c, struct evbuffer *in)
{
	size_t n = evbuffer_get_length(in), len;
	char *p = (char *)evbuffer_pullup(in, -1);

	return n && p && sip_frame_next(&c->in, p, n, &len) != SIP_FRAME_MORE;
}

static void refuse_stream(struct tls_conn *c)
{
	struct sip_source source = { c->peer, SIP_TLS };

	sip_stranger_seen(c->tls->agent->strangers, &source, "garbage",
			  clock_ms());
	tls_conn_fail(c);
}

static void on_outer_read(struct bufferevent *bev, void *arg)
{
	struct tls_conn *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (!take_blanks(c, in)) {
		tls_conn_fail(c);
		return;
	}
	if (has_message(c, in)) {
		enum passed r = pass_messages(c, true);

		if (r == REFUSED && !c->closing)
			tls_conn_fail(c);
		if (r == REFUSED)
			return;
		if (r == BROKEN || (c->inner && is_full(c->inner))) {
			refuse_stream(c);
			return;
		}
		c->partial = false; /* what there is now is of another */
	}
	tls_conn_wait(c, evbuffer_get_length(in) > 0);
}

void tls_pass_watch_outer(struct tls_conn *c, bufferevent_event_cb on_event)
{
	bufferevent_setcb(c->outer, on_outer_read, on_flushed, on_event, c);
	bufferevent_setwatermark(c->outer, EV_READ, 0, 2 * SIP_MESSAGE_MAX);
}
