/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/xmpp_dial.h"

#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "xmpp/xmpp_lookup.h"

struct xmpp_dial {
	struct event_base *base;
	struct xmpp_lookup *lookup;
	struct addr addrs[XMPP_LOOKUP_MAX];
	size_t naddrs, next;
	int fd; /* of the address that is being tried; -1 none */
	struct event *connected;
	const char *why;
	xmpp_dial_fn fn;
	void *arg;
};

static void drop(struct xmpp_dial *dial)
{
	if (dial->connected)
		event_free(dial->connected);
	dial->connected = NULL;
	if (dial->fd >= 0)
		close(dial->fd);
	dial->fd = -1;
}

static void set_option(int fd, int level, int option, int value)
{
	/* each of them may be missing without harm */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void on_connected(evutil_socket_t fd, short what, void *arg);

/* 0 or -errno: this address does not work. */
static int try_addr(struct xmpp_dial *dial, const struct addr *addr)
{
	static const struct timeval limit = { XMPP_DIAL_TRY_MS / 1000, 0 };
	int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

	dial->fd = socket(addr->sa.sa_family, type, IPPROTO_TCP);
	if (dial->fd < 0)
		return -errno;
	set_option(dial->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(dial->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(dial->fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
		   XMPP_TCP_USER_TIMEOUT_MS);
	if (connect(dial->fd, &addr->sa, addr_len(addr)) &&
	    errno != EINPROGRESS)
		return -errno;
	dial->connected =
		event_new(dial->base, dial->fd, EV_WRITE, on_connected, dial);
	if (!dial->connected || event_add(dial->connected, &limit))
		return -ENOMEM;
	return 0;
}

/* The next address that can be tried; none: the end of the dial. */
static void try_next(struct xmpp_dial *dial)
{
	while (dial->next < dial->naddrs) {
		int r = try_addr(dial, &dial->addrs[dial->next++]);
		if (!r)
			return;
		dial->why = strerror(-r);
		drop(dial);
	}
	dial->fn(-1, dial->why, dial->arg);
}

static int socket_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		return errno;
	return error;
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_dial *dial = arg;
	int error = what & EV_TIMEOUT ? ETIMEDOUT : socket_error(fd);

	if (error) {
		dial->why = strerror(error);
		drop(dial);
		try_next(dial);
		return;
	}
	dial->fd = -1;
	drop(dial);
	dial->fn(fd, NULL, dial->arg);
}

static void on_lookup(const struct addr *addrs, size_t n, const char *why,
		      void *arg)
{
	struct xmpp_dial *dial = arg;

	for (size_t i = 0; i < n; i++)
		dial->addrs[i] = addrs[i];
	dial->naddrs = n;
	dial->why = why;
	try_next(dial);
}

int xmpp_dial_start(struct xmpp_dial **out, struct event_base *base,
		    const char *host, uint16_t port, xmpp_dial_fn fn, void *arg)
{
	AUTO(xmpp_dial_freep)
	struct xmpp_dial *dial = calloc(1, sizeof(*dial));

	if (!dial)
		return -ENOMEM;
	dial->base = base;
	dial->fd = -1;
	dial->fn = fn;
	dial->arg = arg;
	int r = xmpp_lookup_start(&dial->lookup, base, host, port, on_lookup,
				  dial);
	if (r)
		return r;
	*out = dial;
	dial = NULL;
	return 0;
}

struct xmpp_dial *xmpp_dial_free(struct xmpp_dial *dial)
{
	if (!dial)
		return NULL;
	drop(dial);
	dial->lookup = xmpp_lookup_free(dial->lookup);
	free(dial);
	return NULL;
}
