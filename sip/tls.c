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
#include "sip/fence.h"
#include "sip/listen.h"
#include "sip/tls_int.h"

enum { BACKLOG = 64 };

#define INNER_IP4 "127.0.0.1"
#define INNER_IP6 "::1"
#define IDENT_4   "tls4"
#define IDENT_6   "tls6"

/* ---- names ---- */

const char *sip_tls_ident(const struct sip_agent *agent, bool v6)
{
	if (!agent->tls || !addr_is_set(&agent->tls->inner[v6].sofia))
		return NULL;
	return v6 ? IDENT_6 : IDENT_4;
}

bool sip_tls_is_ident(const char *ident)
{
	return ident && (!strcmp(ident, IDENT_4) || !strcmp(ident, IDENT_6));
}

static struct tls_name *find_name(struct sip_tls *tls, const struct addr *peer)
{
	for (size_t i = 0; i < SIP_TLS_NAMES_MAX; i++)
		if (tls->names[i].name && addr_equal(&tls->names[i].peer, peer))
			return &tls->names[i];
	return NULL;
}

bool sip_tls_is_expected(const struct sip_agent *agent, const struct addr *peer)
{
	return agent->tls && find_name(agent->tls, peer);
}

int sip_tls_expect(struct sip_agent *agent, const struct addr *peer,
		   const char *name)
{
	struct sip_tls *tls = agent->tls;
	struct tls_name *slot = find_name(tls, peer);
	char *copy;

	if (slot && !strcasecmp(slot->name, name))
		return 0;
	copy = text_dup(slice_of(name));
	if (!copy)
		return -ENOMEM;
	if (!slot)
		slot = &tls->names[tls->next_name++ % SIP_TLS_NAMES_MAX];
	free(slot->name);
	*slot = (struct tls_name){ *peer, copy };
	return 0;
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
	    !sip_fence_enter(tls->agent, fd, &peer, SIP_TLS, &stranger)) {
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

static bool is_inner(const struct sip_tls *tls, int listener)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr at;

	if (getsockname(listener, (struct sockaddr *)&ss, &len) ||
	    addr_from(&at, (struct sockaddr *)&ss))
		return false;
	return addr_equal(&at, &tls->inner[0].sofia) ||
	       (addr_is_set(&tls->inner[1].sofia) &&
		addr_equal(&at, &tls->inner[1].sofia));
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

/* sofia binds a socket that it connects to the address of its listener. From
 * loopback nothing leaves the machine in the clear; inside of it the names tell
 * TLS from TCP. */
static bool is_for_tls(struct sip_tls *tls, int fd, const struct addr *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	const struct addr *inner = &tls->inner[addr_is_v6(peer)].sofia;
	struct addr at;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) ||
	    addr_from(&at, (struct sockaddr *)&ss) || !addr_is_set(inner) ||
	    !addr_same_ip(&at, inner))
		return false;
	return addr_classify(peer) != ADDR_LOOPBACK || find_name(tls, peer);
}

bool sip_tls_connecting(struct sip_agent *agent, int fd,
			const struct addr *peer, int *r)
{
	struct sip_tls *tls = agent->tls;
	const struct tls_name *name;
	const struct addr *ours;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr at;

	if (!tls || !is_for_tls(tls, fd, peer))
		return false;
	*r = -1;
	errno = ECONNREFUSED;
	/* Whom we know no name of we would not know to be the right one. */
	name = find_name(tls, peer);
	if (!name)
		return true;
	ours = &tls->inner[addr_is_v6(peer)].ours;
	*r = (int)syscall(SYS_connect, fd, &ours->sa, addr_len(ours));
	if (*r && errno != EINPROGRESS)
		return true;
	int error = errno;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) ||
	    addr_from(&at, (struct sockaddr *)&ss) ||
	    tls_conn_dial(tls, peer, name->name, &at)) {
		*r = -1;
		error = ECONNREFUSED;
	}
	errno = error;
	return true;
}

/* sofia's listener on loopback; the port is found by a second look. */
static int open_inner(struct sip_tls *tls, bool v6)
{
	struct tls_inner *inner = &tls->inner[v6];
	struct sip_bound bound = { .transport = SIP_TCP };
	int r = addr_parse(&bound.addr, slice_of(v6 ? INNER_IP6 : INNER_IP4),
			   0);

	inner->ours = bound.addr;
	if (!r)
		r = text_set(bound.ident, sizeof(bound.ident),
			     v6 ? IDENT_6 : IDENT_4);
	if (!r)
		r = sip_listen_bind(tls->agent, &bound);
	if (r)
		return r;
	inner->sofia = bound.addr;
	inner->listener = listen_at(tls, &inner->ours, on_inner_accept);
	return inner->listener ? 0 : -EADDRNOTAVAIL;
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
	if (!r)
		r = open_inner(tls, false);
	/* A machine without IPv6 has no IPv6 peers. */
	if (!r && open_inner(tls, true))
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
	for (int i = 0; i < 2; i++)
		if (tls->inner[i].listener)
			evconnlistener_free(tls->inner[i].listener);
	for (size_t i = 0; i < SIP_TLS_NAMES_MAX; i++)
		free(tls->names[i].name);
	sip_tls_context_free(tls->context);
	free(tls);
	agent->tls = NULL;
}
