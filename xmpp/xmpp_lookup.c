/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * c-ares inside libevent: its sockets and its timer become events. The answer
 * is kept and reported from an event of our own, because a channel must not be
 * destroyed from its own callback.
 */
#include "xmpp/xmpp_lookup.h"

#include <ares.h>
#include <event2/event.h>
#include <stdlib.h>

enum { LOOKUP_MAX_SOCKETS = 16 };

struct xmpp_lookup {
	struct event_base *base;
	ares_channel channel;
	bool has_channel;
	struct event *sockets[LOOKUP_MAX_SOCKETS]; /* NULL: free */
	struct event *timer;
	struct event *done;
	struct addr addrs[XMPP_LOOKUP_MAX];
	size_t naddrs;
	uint16_t port;
	const char *why; /* static text */
	xmpp_lookup_fn fn;
	void *arg;
};

static void arm_timer(struct xmpp_lookup *lookup)
{
	struct timeval tv;

	if (ares_timeout(lookup->channel, NULL, &tv))
		evtimer_add(lookup->timer, &tv);
	else
		evtimer_del(lookup->timer);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_lookup *lookup = arg;

	ares_process_fd(lookup->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	arm_timer(lookup);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_lookup *lookup = arg;

	(void)fd;
	(void)what;
	ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm_timer(lookup);
}

static struct event **find_socket(struct xmpp_lookup *lookup, int fd)
{
	for (size_t i = 0; i < LOOKUP_MAX_SOCKETS; i++)
		if (lookup->sockets[i] &&
		    event_get_fd(lookup->sockets[i]) == fd)
			return &lookup->sockets[i];
	for (size_t i = 0; i < LOOKUP_MAX_SOCKETS; i++)
		if (!lookup->sockets[i])
			return &lookup->sockets[i];
	return NULL;
}

/* A socket that no event is left for is served by the timer. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable,
			    int writable)
{
	struct xmpp_lookup *lookup = arg;
	struct event **slot = find_socket(lookup, fd);
	short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) |
			     (writable ? EV_WRITE : 0));

	if (!slot)
		return;
	if (*slot)
		event_free(*slot);
	*slot = NULL;
	if (!readable && !writable)
		return;
	*slot = event_new(lookup->base, fd, what, on_socket, lookup);
	if (*slot)
		event_add(*slot, NULL);
}

static void keep_addrs(struct xmpp_lookup *lookup,
		       const struct ares_addrinfo *info)
{
	const struct ares_addrinfo_node *node;

	for (node = info->nodes; node; node = node->ai_next) {
		if (lookup->naddrs == XMPP_LOOKUP_MAX)
			return;
		struct addr *addr = &lookup->addrs[lookup->naddrs];
		if (addr_from(addr, node->ai_addr))
			continue;
		addr_set_port(addr, lookup->port);
		lookup->naddrs++;
	}
}

static void on_answer(void *arg, int status, int timeouts,
		      struct ares_addrinfo *info)
{
	struct xmpp_lookup *lookup = arg;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION)
		return;
	if (status == ARES_SUCCESS)
		keep_addrs(lookup, info);
	else
		lookup->why = ares_strerror(status);
	if (info)
		ares_freeaddrinfo(info);
	event_active(lookup->done, EV_TIMEOUT, 0);
}

static int resolve(struct xmpp_lookup *lookup, const char *host)
{
	struct ares_options options = { .sock_state_cb = on_socket_state,
					.sock_state_cb_data = lookup };
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
						   .ai_socktype = SOCK_STREAM };
	int r = ares_library_init(ARES_LIB_INIT_ALL);

	if (r == ARES_SUCCESS)
		r = ares_init_options(&lookup->channel, &options,
				      ARES_OPT_SOCK_STATE_CB);
	if (r != ARES_SUCCESS)
		return r == ARES_ENOMEM ? -ENOMEM : -EIO;
	lookup->has_channel = true;
	ares_getaddrinfo(lookup->channel, host, NULL, &hints, on_answer,
			 lookup);
	arm_timer(lookup);
	return 0;
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_lookup *lookup = arg;

	(void)fd;
	(void)what;
	lookup->fn(lookup->addrs, lookup->naddrs, lookup->why, lookup->arg);
}

int xmpp_lookup_start(struct xmpp_lookup **out, struct event_base *base,
		      const char *host, uint16_t port, xmpp_lookup_fn fn,
		      void *arg)
{
	AUTO(xmpp_lookup_freep)
	struct xmpp_lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return -ENOMEM;
	lookup->base = base;
	lookup->port = port;
	lookup->fn = fn;
	lookup->arg = arg;
	lookup->why = "no address";
	lookup->timer = evtimer_new(base, on_timer, lookup);
	lookup->done = event_new(base, -1, 0, on_done, lookup);
	if (!lookup->timer || !lookup->done)
		return -ENOMEM;
	if (!addr_parse(&lookup->addrs[0], slice_of(host), port)) {
		lookup->naddrs = 1;
		event_active(lookup->done, EV_TIMEOUT, 0);
	} else {
		int r = resolve(lookup, host);
		if (r)
			return r;
	}
	*out = lookup;
	lookup = NULL;
	return 0;
}

struct xmpp_lookup *xmpp_lookup_free(struct xmpp_lookup *lookup)
{
	if (!lookup)
		return NULL;
	if (lookup->has_channel)
		ares_destroy(lookup->channel);
	for (size_t i = 0; i < LOOKUP_MAX_SOCKETS; i++)
		if (lookup->sockets[i])
			event_free(lookup->sockets[i]);
	if (lookup->timer)
		event_free(lookup->timer);
	if (lookup->done)
		event_free(lookup->done);
	free(lookup);
	return NULL;
}
