/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One TLS connection, and what passes between it and sofia. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/door.h"
#include "sip/fence.h"
#include "sip/listen.h"
#include "sip/stranger.h"
#include "sip/tap.h"
#include "sip/tls_int.h"

enum {
	OUTPUT_MAX = 4 * SIP_MESSAGE_MAX, /* for a peer that does not read */
	FLUSH_MS = 2000,
};

/* ---- life ---- */

/* sofia learns of it as of a connection that broke. */
static void reset_socket(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void tls_conn_free(struct tls_conn *c)
{
	TAILQ_REMOVE(&c->tls->conns, c, entry);
	if (c->inner)
		bufferevent_free(c->inner);
	if (c->outer) {
		if (c->open)
			SSL_shutdown(bufferevent_openssl_get_ssl(c->outer));
		bufferevent_free(c->outer);
	}
	if (c->timer)
		event_free(c->timer);
	free(c->name);
	free(c);
}

/* What the peer has said before it went is sofia's. */
static void flush_inner(struct tls_conn *c)
{
	struct evbuffer *left = bufferevent_get_output(c->inner);
	size_t n = evbuffer_get_length(left);
	void *p = n ? evbuffer_pullup(left, -1) : NULL;

	if (p && send(bufferevent_getfd(c->inner), p, n,
		      MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
		log_info("event=sip_tls peer=%s what=\"cut off\"",
			 addr_text(&c->peer).s);
}

static void fail(struct tls_conn *c)
{
	if (c->inner && c->open)
		flush_inner(c);
	else if (c->inner)
		reset_socket(bufferevent_getfd(c->inner));
	if (!c->name || c->inner) {
		tls_conn_free(c);
		return;
	}
	/* sofia's end is on its way here. */
	bufferevent_free(c->outer);
	c->outer = NULL;
	c->failed = true;
}

static void set_timer(struct tls_conn *c, unsigned ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(c->timer, &tv);
}

static void wait_for_more(struct tls_conn *c, bool partial)
{
	if (partial && c->partial)
		return; /* each message has its time, however it comes */
	c->partial = partial;
	set_timer(c, partial       ? SIP_TLS_MESSAGE_MS
		     : c->stranger ? SIP_TLS_STRANGER_MS
				   : SIP_TLS_IDLE_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct tls_conn *c = arg;

	(void)fd;
	(void)what;
	if (!c->open)
		sip_fence_note_slow(&c->peer, "handshake");
	else if (c->partial)
		sip_fence_note_slow(&c->peer, "message");
	if (c->failed)
		tls_conn_free(c);
	else
		fail(c);
}

/* ---- messages ---- */

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

static void on_inner_read(struct bufferevent *bev, void *arg)
{
	struct tls_conn *c = arg;

	(void)bev;
	if (!c->open)
		return; /* after the handshake */
	if (pass_messages(c, false) || is_full(c->outer))
		fail(c);
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

	if (what & BEV_EVENT_CONNECTED)
		return;
	if (c->open)
		on_inner_read(bev, c);
	if (!c->open ||
	    !evbuffer_get_length(bufferevent_get_output(c->outer))) {
		tls_conn_free(c);
		return;
	}
	c->closing = true;
	bufferevent_disable(c->inner, EV_READ | EV_WRITE);
	bufferevent_disable(c->outer, EV_READ);
	set_timer(c, FLUSH_MS);
}

static bool watch_inner(struct tls_conn *c, int fd)
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
	return watch_inner(c, fd);
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
		set_timer(c, FLUSH_MS);
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
	fail(c);
}

static void on_outer_read(struct bufferevent *bev, void *arg)
{
	struct tls_conn *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (!take_blanks(c, in)) {
		fail(c);
		return;
	}
	if (has_message(c, in)) {
		enum passed r = pass_messages(c, true);

		if (r == REFUSED && !c->closing)
			fail(c);
		if (r == REFUSED)
			return;
		if (r == BROKEN || (c->inner && is_full(c->inner))) {
			refuse_stream(c);
			return;
		}
		c->partial = false; /* what there is now is of another */
	}
	wait_for_more(c, evbuffer_get_length(in) > 0);
}

/* ---- the handshake ---- */

static void on_open(struct tls_conn *c)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->outer);

	if (c->name && !sip_tls_is_for(ssl, c->name)) {
		log_warn("event=sip_tls peer=%s what=\"certificate is not "
			 "for\" name=%s",
			 addr_text(&c->peer).s, log_text(slice_of(c->name)).s);
		fail(c);
		return;
	}
	c->open = true;
	log_info("event=sip_tls peer=%s what=%s version=%s",
		 addr_text(&c->peer).s, c->name ? "connected" : "accepted",
		 SSL_get_version(ssl));
	wait_for_more(c, false);
	if (c->inner)
		on_inner_read(c->inner, c);
}

static void report(struct tls_conn *c, const char *what)
{
	char why[SIP_TLS_WHY_CAP];

	sip_tls_why(bufferevent_openssl_get_ssl(c->outer), why);
	/* Whom we called we want to hear of; who calls may be anybody. */
	if (c->name)
		log_warn("event=sip_tls peer=%s what=%s name=%s why=%s",
			 addr_text(&c->peer).s, what,
			 log_text(slice_of(c->name)).s,
			 log_text(slice_of(why)).s);
	else
		log_debug("event=sip_tls peer=%s what=%s why=%s",
			  addr_text(&c->peer).s, what,
			  log_text(slice_of(why)).s);
}

static void on_outer_event(struct bufferevent *bev, short what, void *arg)
{
	struct tls_conn *c = arg;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED) {
		on_open(c);
		return;
	}
	if (!c->open)
		report(c, "\"no connection\"");
	fail(c);
}

static struct tls_conn *new_conn(struct sip_tls *tls, const struct addr *peer)
{
	struct tls_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->tls = tls;
	c->peer = *peer;
	c->side = addr_is_v6(peer) ? TLS_SIDE_6 : 0;
	TAILQ_INSERT_TAIL(&tls->conns, c, entry);
	c->timer = evtimer_new(tls->agent->base, on_timer, c);
	if (c->timer) {
		set_timer(c, SIP_TLS_HANDSHAKE_MS);
		return c;
	}
	tls_conn_free(c);
	return NULL;
}

/* @fd and @ssl are taken over. */
static int watch_outer(struct tls_conn *c, int fd, SSL *ssl,
		       enum bufferevent_ssl_state state)
{
	const int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (ssl)
		c->outer = bufferevent_openssl_socket_new(
			c->tls->agent->base, fd, ssl, state,
			BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!c->outer) {
		SSL_free(ssl);
		close(fd);
		return -ENOMEM;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(c->outer, 1);
	bufferevent_setcb(c->outer, on_outer_read, on_flushed, on_outer_event,
			  c);
	bufferevent_setwatermark(c->outer, EV_READ, 0, 2 * SIP_MESSAGE_MAX);
	return bufferevent_enable(c->outer, EV_READ | EV_WRITE) ? -ENOMEM : 0;
}

void tls_conn_accepted(struct sip_tls *tls, int fd, const struct addr *peer,
		       bool stranger)
{
	struct tls_conn *c = new_conn(tls, peer);

	if (!c) {
		close(fd);
		return;
	}
	c->stranger = stranger;
	if (watch_outer(c, fd, sip_tls_context_accept(tls->context),
			BUFFEREVENT_SSL_ACCEPTING))
		tls_conn_free(c);
}

/* ---- dialled ---- */

/* From the address that our Via and Contact will name. */
static int connect_outer(const struct sip_tls *tls, const struct addr *peer)
{
	const struct sip_bound *bound =
		sip_listen_towards(tls->agent, SIP_TLS, peer);
	int fd = socket(peer->sa.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct addr from;

	if (fd < 0)
		return -errno;
	if (bound) {
		from = bound->addr;
		addr_set_port(&from, 0);
		/* Else routing's own choice will do. */
		if (bind(fd, &from.sa, addr_len(&from)))
			log_debug("event=sip_tls what=\"not bound\" at=%s",
				  addr_ip_text(&from).s);
	}
	/* Not the one of sip/fence.c, which is for sofia. */
	if (syscall(SYS_connect, fd, &peer->sa, addr_len(peer)) &&
	    errno != EINPROGRESS) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

int tls_conn_dial(struct sip_tls *tls, const struct tls_name *name,
		  const struct addr *inner_at)
{
	struct tls_conn *c;
	int fd = connect_outer(tls, &name->peer);
	int r;

	if (fd < 0)
		return fd;
	c = new_conn(tls, &name->peer);
	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	c->inner_at = *inner_at;
	c->side = name->side;
	sip_tls_context_refresh(tls->context); /* it is shown there, too */
	r = watch_outer(c, fd,
			sip_tls_context_connect(tls->context, name->name),
			BUFFEREVENT_SSL_CONNECTING);
	if (!r) {
		c->name = text_dup(slice_of(name->name));
		r = c->name ? 0 : -ENOMEM;
	}
	if (r)
		tls_conn_free(c);
	return r;
}

void tls_conn_inner(struct tls_conn *c, int fd)
{
	if (c->failed) {
		reset_socket(fd);
		close(fd);
		tls_conn_free(c);
		return;
	}
	if (!watch_inner(c, fd))
		tls_conn_free(c);
}
