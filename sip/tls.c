/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/tls.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NTA_AGENT_MAGIC_T struct sip_agent
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/tport_tag.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/connection.h"
#include "sip/fence.h"
#include "sip/listen.h"
#include "sip/tls_int.h"

enum { BACKLOG = 64 };

static const struct {
	const char *ip, *ident;
} sides[TLS_NSIDES] = {
	[0] = { "127.0.0.1", "tls4" },    [1] = { "127.0.0.2", "tls4-2" },
	[2] = { "127.0.0.3", "tls4-3" },  [3] = { "127.0.0.4", "tls4-4" },
	[TLS_SIDE_6] = { "::1", "tls6" },
};

/* ---- names ---- */

bool sip_tls_is_ident(const char *ident)
{
	for (unsigned i = 0; ident && i < TLS_NSIDES; i++)
		if (!strcmp(ident, sides[i].ident))
			return true;
	return false;
}

/* By which @peer is known on @side. */
static struct tls_name *find_name(struct sip_tls *tls, const struct addr *peer,
				  unsigned side)
{
	for (size_t i = 0; i < SIP_TLS_NAMES_MAX; i++) {
		struct tls_name *n = &tls->names[i];

		if (n->name && n->side == side && addr_equal(&n->peer, peer))
			return n;
	}
	return NULL;
}

bool sip_tls_is_expected(const struct sip_agent *agent, const struct addr *peer)
{
	for (unsigned i = 0; agent->tls && i < TLS_NSIDES; i++)
		if (find_name(agent->tls, peer, i))
			return true;
	return false;
}

static bool is_open(const struct sip_tls *tls, unsigned side)
{
	return addr_is_set(&tls->inner[side].sofia);
}

/* Where @peer is known as @name, or else nobody is; TLS_NSIDES: there is none.
 */
static unsigned choose_side(struct sip_tls *tls, const struct addr *peer,
			    const char *name)
{
	const struct tls_name *known;
	unsigned free = TLS_NSIDES;

	if (addr_is_v6(peer))
		return TLS_SIDE_6;
	for (unsigned i = 0; i < TLS_SIDES_4; i++) {
		known = find_name(tls, peer, i);
		if (known && !strcasecmp(known->name, name))
			return i;
		if (!known && free == TLS_NSIDES)
			free = i;
	}
	return free;
}

static int note_name(struct sip_tls *tls, const struct addr *peer,
		     const char *name, unsigned side)
{
	struct tls_name *slot = find_name(tls, peer, side);
	char *copy;

	if (slot && !strcasecmp(slot->name, name))
		return 0;
	copy = text_dup(slice_of(name));
	if (!copy)
		return -ENOMEM;
	if (!slot)
		slot = &tls->names[tls->next_name++ % SIP_TLS_NAMES_MAX];
	free(slot->name);
	*slot = (struct tls_name){ *peer, copy, side };
	return 0;
}

/* Of a connection that is there. */
static unsigned side_of(const struct sip_tls *tls, const struct addr *peer)
{
	const struct tls_conn *c;

	TAILQ_FOREACH(c, &tls->conns, entry)
		if (addr_equal(&c->peer, peer))
			return c->side;
	return addr_is_v6(peer) ? TLS_SIDE_6 : 0;
}

const char *sip_tls_way(struct sip_agent *agent, const struct addr *peer,
			const char *name)
{
	struct sip_tls *tls = agent->tls;
	unsigned side;

	if (!tls)
		return NULL;
	side = name ? choose_side(tls, peer, name) : side_of(tls, peer);
	if (side == TLS_NSIDES || !is_open(tls, side) ||
	    (name && note_name(tls, peer, name, side))) {
		log_warn("event=sip_tls peer=%s what=\"no way\" name=%s",
			 addr_text(peer).s, log_text(slice_of(name)).s);
		return NULL;
	}
	return sides[side].ident;
}

/* ---- outer side ---- */

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
		      struct sockaddr *sa, int len, void *arg)
{
	struct sip_tls *tls = arg;
	struct addr peer;
	bool stranger;

	(void)listener;
	(void)len;
	if (addr_from(&peer, sa) ||
	    !sip_connection_enter(tls->agent, fd, &peer, SIP_TLS, &stranger)) {
		close(fd);
		return;
	}
	sip_tls_context_refresh(tls->context);
	tls_conn_accepted(tls, fd, &peer, stranger);
}

static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	sip_fence_refuse(evconnlistener_get_fd(listener));
}

static struct evconnlistener *listen_at(struct sip_tls *tls, struct addr *addr,
					evconnlistener_cb fn)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct evconnlistener *l = evconnlistener_new_bind(
		tls->agent->base, fn, tls,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
			LEV_OPT_REUSEABLE |
			(addr_is_v6(addr) ? LEV_OPT_BIND_IPV6ONLY : 0),
		BACKLOG, &addr->sa, (int)addr_len(addr));

	if (!l)
		return NULL;
	evconnlistener_set_error_cb(l, on_accept_error);
	if (getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&ss,
			&len) ||
	    addr_from(addr, (struct sockaddr *)&ss)) {
		evconnlistener_free(l);
		return NULL;
	}
	return l;
}

int sip_tls_listen(struct sip_agent *agent, struct addr *addr)
{
	struct sip_tls *tls = agent->tls;
	struct evconnlistener *l;

	if (!tls || tls->nlisteners == SIP_BOUNDS_MAX)
		return -E2BIG;
	errno = 0;
	l = listen_at(tls, addr, on_accept);
	if (!l)
		return errno ? -errno : -ENOMEM;
	tls->listeners[tls->nlisteners++] = l;
	return 0;
}

/* ---- inner side ---- */

static struct tls_conn *find_inner(struct sip_tls *tls, const struct addr *at)
{
	struct tls_conn *c;

	TAILQ_FOREACH(c, &tls->conns, entry)
		if (addr_is_set(&c->inner_at) && addr_equal(&c->inner_at, at))
			return c;
	return NULL;
}

/* sofia's end of a connection that it dialled. */
static void on_inner_accept(struct evconnlistener *listener, evutil_socket_t fd,
			    struct sockaddr *sa, int len, void *arg)
{
	struct sip_tls *tls = arg;
	struct tls_conn *c = NULL;
	struct addr from;

	(void)listener;
	(void)len;
	if (!addr_from(&from, sa))
		c = find_inner(tls, &from);
	if (c && c->name && !c->inner)
		tls_conn_inner(c, fd);
	else
		close(fd); /* anybody's on this machine */
}

bool sip_tls_is_inside(const struct sip_agent *agent, const struct addr *local,
		       const struct addr *remote)
{
	for (unsigned i = 0; agent->tls && i < TLS_NSIDES; i++) {
		const struct tls_inner *inner = &agent->tls->inner[i];

		if (addr_is_set(&inner->sofia) &&
		    (addr_equal(local, &inner->sofia) ||
		     addr_equal(remote, &inner->ours)))
			return true;
	}
	return false;
}

static bool is_inner(const struct sip_tls *tls, int listener)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr at;

	if (getsockname(listener, (struct sockaddr *)&ss, &len) ||
	    addr_from(&at, (struct sockaddr *)&ss))
		return false;
	for (unsigned i = 0; i < TLS_NSIDES; i++)
		if (addr_is_set(&tls->inner[i].sofia) &&
		    addr_equal(&at, &tls->inner[i].sofia))
			return true;
	return false;
}

bool sip_tls_accepted(struct sip_agent *agent, int listener, struct addr *peer,
		      bool *known)
{
	struct tls_conn *c;

	if (!agent->tls || !is_inner(agent->tls, listener))
		return false;
	c = find_inner(agent->tls, peer);
	*known = c && !c->name;
	if (*known)
		*peer = c->peer;
	return true;
}

/* Where @fd comes from: sofia binds a socket that it connects to the address of
 * its listener. TLS_NSIDES: from none of ours. */
static unsigned side_from(const struct sip_tls *tls, int fd, bool v6)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr at;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) ||
	    addr_from(&at, (struct sockaddr *)&ss))
		return TLS_NSIDES;
	for (unsigned i = 0; i < TLS_NSIDES; i++) {
		const struct addr *sofia = &tls->inner[i].sofia;

		if (addr_is_set(sofia) && addr_is_v6(sofia) == v6 &&
		    addr_same_ip(&at, sofia))
			return i;
	}
	return TLS_NSIDES;
}

/* sofia's @fd, which is to be connected, to ours instead; *@at is its end. */
static int connect_inner(int fd, const struct tls_inner *inner, struct addr *at)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int r = (int)syscall(SYS_connect, fd, &inner->ours.sa,
			     addr_len(&inner->ours));
	int error = errno;

	if (r && error != EINPROGRESS)
		return r;
	if (getsockname(fd, (struct sockaddr *)&ss, &len) ||
	    addr_from(at, (struct sockaddr *)&ss)) {
		error = ECONNREFUSED;
		r = -1;
	}
	errno = error;
	return r;
}

/* From loopback nothing leaves the machine in the clear; inside of it the names
 * tell TLS from TCP. */
bool sip_tls_connecting(struct sip_agent *agent, int fd,
			const struct addr *peer, int *r)
{
	struct sip_tls *tls = agent->tls;
	const struct tls_name *name;
	unsigned side = tls ? side_from(tls, fd, addr_is_v6(peer)) : TLS_NSIDES;
	struct addr at;

	if (side == TLS_NSIDES)
		return false;
	name = find_name(tls, peer, side);
	if (!name && addr_classify(peer) == ADDR_LOOPBACK)
		return false;
	*r = -1;
	errno = ECONNREFUSED;
	/* Whom we know no name of we would not know to be the right one. */
	if (!name)
		return true;
	*r = connect_inner(fd, &tls->inner[side], &at);
	int error = errno;

	if ((!*r || error == EINPROGRESS) && tls_conn_dial(tls, name, &at)) {
		*r = -1;
		error = ECONNREFUSED;
	}
	errno = error;
	return true;
}

/* sofia's listener on loopback; the port is found by a second look. */
static int open_inner(struct sip_tls *tls, unsigned side)
{
	struct tls_inner *inner = &tls->inner[side];
	struct sip_bound bound = { .transport = SIP_TCP };
	int r = addr_parse(&bound.addr, slice_of(sides[side].ip), 0);

	inner->ours = bound.addr;
	if (!r)
		r = text_set(bound.ident, sizeof(bound.ident),
			     sides[side].ident);
	if (!r)
		r = sip_listen_bind(tls->agent, &bound);
	if (r)
		return r;
	inner->listener = listen_at(tls, &inner->ours, on_inner_accept);
	if (!inner->listener)
		return -EADDRNOTAVAIL;
	inner->sofia = bound.addr;
	return 0;
}

/* ---- life ---- */

int sip_tls_new(struct sip_agent *agent, const struct sip_tls_files *files)
{
	struct sip_tls *tls = calloc(1, sizeof(*tls));
	int r;

	if (!tls)
		return -ENOMEM;
	tls->agent = agent;
	TAILQ_INIT(&tls->conns);
	agent->tls = tls;
	r = sip_tls_context_new(&tls->context, files);
	/* All at once: a transport that nta gets later takes the Via headers of
	 * those before away from transactions that use them (1.12.11). */
	for (unsigned side = 0; !r && side < TLS_SIDES_4; side++)
		r = open_inner(tls, side);
	/* A machine without IPv6 has no IPv6 peers. */
	if (!r && open_inner(tls, TLS_SIDE_6))
		log_info("event=sip_tls what=\"no IPv6\"");
	return r;
}

void sip_tls_free(struct sip_agent *agent)
{
	struct sip_tls *tls = agent->tls;
	struct tls_conn *c;

	if (!tls)
		return;
	while ((c = TAILQ_FIRST(&tls->conns)))
		tls_conn_free(c);
	for (size_t i = 0; i < tls->nlisteners; i++)
		evconnlistener_free(tls->listeners[i]);
	for (unsigned i = 0; i < TLS_NSIDES; i++)
		if (tls->inner[i].listener)
			evconnlistener_free(tls->inner[i].listener);
	for (size_t i = 0; i < SIP_TLS_NAMES_MAX; i++)
		free(tls->names[i].name);
	sip_tls_context_free(tls->context);
	free(tls);
	agent->tls = NULL;
}
