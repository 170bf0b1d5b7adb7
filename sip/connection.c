/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/connection_int.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "sip/stranger.h"

/* ---- those there are ---- */

struct sip_connection *connection_find(struct sip_agent *agent, int fd)
{
	struct sip_connections *all = agent->connections;

	for (size_t i = 0; i < all->n; i++)
		if (all->open[i].fd == fd)
			return &all->open[i];
	return NULL;
}

bool connection_is_gone(const struct sip_connection *c)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr now;

	return getpeername(c->fd, (struct sockaddr *)&ss, &len) ||
	       addr_from(&now, (struct sockaddr *)&ss) ||
	       addr_compare(&now, &c->peer);
}

bool connection_is_strangers(const struct sip_agent *agent,
			     const struct sip_source *source)
{
	return agent->handlers->source(source, agent->arg) != SIP_TRUSTED;
}

/* ---- messages that come slowly ---- */

void connection_watch_slow(struct sip_connections *all)
{
	/* It may have begun just after the timer was set. */
	const struct timeval tv = { SIP_CONNECTION_MESSAGE_MS / 2000, 0 };

	if (!evtimer_pending(all->slow, NULL))
		evtimer_add(all->slow, &tv);
}

void sip_connection_note_slow(struct sip_agent *agent, const struct addr *peer,
			      const char *what)
{
	struct sip_connections *all = agent->connections;
	uint64_t now = clock_ms();

	all->slow_unlogged++;
	if (all->slow_logged_ms &&
	    now - all->slow_logged_ms < SIP_CONNECTION_LOG_MS)
		return;
	log_info("event=sip_connection peer=%s slow=%s count=%u",
		 addr_text(peer).s, what, all->slow_unlogged);
	all->slow_logged_ms = now;
	all->slow_unlogged = 0;
}

/* Since when it is waited for; 0: nothing is. TLS has times of its own. */
static uint64_t waited_since_ms(const struct sip_connection *c)
{
	if (c->progress.begun)
		return c->progress.since_ms;
	return c->stranger && (!c->passed || c->held) && c->transport == SIP_TCP
		       ? c->since_ms
		       : 0;
}

static void on_slow(evutil_socket_t fd, short what, void *arg)
{
	struct sip_connections *all = arg;
	uint64_t now = clock_ms();
	bool more = false;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < all->n; i++) {
		struct sip_connection *c = &all->open[i];
		uint64_t since = waited_since_ms(c);

		if (!since || connection_is_gone(c))
			continue;
		more = true;
		if (now - since < SIP_CONNECTION_MESSAGE_MS)
			continue;
		sip_connection_note_slow(all->agent, &c->peer, "message");
		c->progress.begun = false;
		shutdown(c->fd, SHUT_RDWR); /* sofia closes it */
	}
	if (more)
		connection_watch_slow(all);
}

void sip_connection_received(struct sip_agent *agent, int fd, const void *p,
			     size_t n)
{
	struct sip_connection *c = connection_find(agent, fd);

	if (!c)
		return;
	c->judged -= n < c->judged ? n : c->judged;
	sip_progress_add(&c->progress, p, n, clock_ms());
	if (c->progress.begun)
		connection_watch_slow(agent->connections);
}

/* ---- life ---- */

int sip_connections_new(struct sip_agent *agent)
{
	struct sip_connections *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->agent = agent;
	all->slow = evtimer_new(agent->base, on_slow, all);
	if (!all->slow) {
		free(all);
		return -ENOMEM;
	}
	agent->connections = all;
	return 0;
}

void sip_connections_free(struct sip_agent *agent)
{
	if (agent->connections)
		event_free(agent->connections->slow);
	free(agent->connections);
	agent->connections = NULL;
}

/* ---- who may enter ---- */

static void forget_gone(struct sip_connections *all)
{
	for (size_t i = 0; i < all->n;)
		if (connection_is_gone(&all->open[i]))
			all->open[i] = all->open[--all->n];
		else
			i++;
}

static bool may_enter(struct sip_connections *all,
		      const struct sip_connection *c)
{
	unsigned same = 0, strangers = 0;

	forget_gone(all);
	for (size_t i = 0; i < all->n; i++) {
		same += addr_same_ip(&all->open[i].peer, &c->peer);
		strangers += all->open[i].stranger;
	}
	return all->n < SIP_CONNECTIONS_MAX &&
	       same < SIP_CONNECTIONS_EACH_MAX &&
	       (!c->stranger || strangers < SIP_CONNECTIONS_STRANGERS_MAX);
}

bool sip_connection_enter(struct sip_agent *agent, int fd,
			  const struct addr *peer, enum sip_transport transport,
			  bool *stranger)
{
	struct sip_connections *all = agent->connections;
	struct sip_source source = { *peer, transport };
	struct sip_connection c = { .fd = fd,
				    .peer = *peer,
				    .transport = transport,
				    .since_ms = clock_ms() };
	bool limited;

	c.stranger = connection_is_strangers(agent, &source);
	*stranger = c.stranger;
	/* A handshake costs more than an answer does. */
	limited = c.stranger && transport == SIP_TLS;
	if (limited && !sip_stranger_seen(agent->strangers, &source,
					  "connection", clock_ms()))
		return false;
	if (!may_enter(all, &c)) {
		if (!limited)
			sip_stranger_seen(agent->strangers, &source,
					  "connection", clock_ms());
		return false;
	}
	all->open[all->n++] = c;
	if (waited_since_ms(&c))
		connection_watch_slow(all);
	return true;
}
