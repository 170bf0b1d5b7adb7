/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* c-ares' channel in our loop: its sockets and its time are events. */
#include <ares.h>
#include <event2/event.h>
#include <stdlib.h>

#include "sip/resolver_int.h"

enum {
	TIMEOUT_MS = 2000,
	TRIES = 3,
};

void resolver_arm(struct sip_resolver *res)
{
	struct timeval tv;

	if (ares_timeout(res->channel, NULL, &tv))
		evtimer_add(res->timer, &tv);
	else
		evtimer_del(res->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sip_resolver *res = arg;

	(void)fd;
	(void)what;
	ares_process_fd(res->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	resolver_arm(res);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct sip_resolver *res = arg;

	ares_process_fd(res->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	resolver_arm(res);
}

/* c-ares wants @fd watched for these, or no longer. */
static void on_sock_state(void *data, ares_socket_t fd, int readable,
			  int writable)
{
	struct sip_resolver *res = data;
	struct resolver_socket *slot = NULL;
	short what =
		(short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	for (size_t i = 0; i < RESOLVER_SOCKETS; i++) {
		struct resolver_socket *w = &res->sockets[i];

		if (w->event && w->fd == fd) {
			event_free(w->event);
			w->event = NULL;
		}
		if (!w->event && !slot)
			slot = w;
	}
	if (!what || !slot)
		return;
	slot->fd = fd;
	slot->event = event_new(res->base, fd, (short)(what | EV_PERSIST),
				on_socket, res);
	if (slot->event)
		event_add(slot->event, NULL);
}

int sip_resolver_new(struct sip_resolver **out, struct event_base *base,
		     const struct sip_resolver_config *config)
{
	struct sip_resolver *res = calloc(1, sizeof(*res));
	struct ares_options options = {
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.sock_state_cb = on_sock_state,
		.sock_state_cb_data = res,
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;

	if (!res)
		return -ENOMEM;
	res->base = base;
	res->config = *config;
	res->timer = evtimer_new(base, on_timer, res);
	if (!res->timer || ares_library_init(ARES_LIB_INIT_ALL))
		goto failed;
	if (ares_init_options(&res->channel, &options, mask)) {
		ares_library_cleanup();
		res->channel = NULL;
		goto failed;
	}
	if (config->servers &&
	    ares_set_servers_ports_csv(res->channel, config->servers)) {
		sip_resolver_free(res);
		return -EINVAL;
	}
	*out = res;
	return 0;
failed:
	if (res->timer)
		event_free(res->timer);
	free(res);
	return -ENOMEM;
}

struct sip_resolver *sip_resolver_free(struct sip_resolver *res)
{
	if (!res)
		return NULL;
	ares_destroy(res->channel); /* calls back what is pending */
	ares_library_cleanup();
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++)
		if (res->sockets[i].event)
			event_free(res->sockets[i].event);
	event_free(res->timer);
	free(res);
	return NULL;
}
