/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One TLS connection: its life, its handshake, and those we open. */
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

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/connection.h"
#include "sip/listen.h"
#include "sip/tls_int.h"

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

void tls_conn_fail(struct tls_conn *c)
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

void tls_conn_set_timer(struct tls_conn *c, unsigned ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(c->timer, &tv);
}

void tls_conn_wait(struct tls_conn *c, bool partial)
{
	if (partial && c->partial)
		return; /* each message has its time, however it comes */
	c->partial = partial;
	tls_conn_set_timer(c, partial       ? SIP_TLS_MESSAGE_MS
			      : c->stranger ? SIP_TLS_STRANGER_MS
					    : SIP_TLS_IDLE_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct tls_conn *c = arg;

	(void)fd;
	(void)what;
	if (!c->open)
		sip_connection_note_slow(c->tls->agent, &c->peer, "handshake");
	else if (c->partial)
		sip_connection_note_slow(c->tls->agent, &c->peer, "message");
	if (c->failed)
		tls_conn_free(c);
	else
		tls_conn_fail(c);
}

/* ---- the handshake ---- */

static void on_open(struct tls_conn *c)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->outer);

	if (c->name && !sip_tls_is_for(ssl, c->name)) {
		log_warn("event=sip_tls peer=%s what=\"certificate is not "
			 "for\" name=%s",
			 addr_text(&c->peer).s, log_text(slice_of(c->name)).s);
		tls_conn_fail(c);
		return;
	}
	c->open = true;
	log_info("event=sip_tls peer=%s what=%s version=%s",
		 addr_text(&c->peer).s, c->name ? "connected" : "accepted",
		 SSL_get_version(ssl));
	tls_conn_wait(c, false);
	if (c->inner)
		tls_pass_outwards(c);
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
	tls_conn_fail(c);
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
		tls_conn_set_timer(c, SIP_TLS_HANDSHAKE_MS);
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
	tls_pass_watch_outer(c, on_outer_event);
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
	if (!tls_pass_watch_inner(c, fd))
		tls_conn_free(c);
}
