/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RFC 3263, 4: a port in the URI means addresses; none means SRV first, of the
 * URI's transport or of UDP and then TCP, and addresses at port 5060 when there
 * is no SRV. (NAPTR is not asked.)
 *
 * c-ares calls back while its channel runs and while queries are cancelled, so
 * a query outlives its user: what is left of a freed one is an orphan that the
 * last callback frees.
 */
#include "sip/resolve.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdlib.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"

enum {
	TIMEOUT_MS = 2000,
	TRIES = 3,
	SOCKETS = 16, /* c-ares' ARES_GETSOCK_MAXNUM */
	NAME_CAP = SIP_HOST_CAP + 16,
};

struct watched {
	ares_socket_t fd;
	struct event *event;
};

struct sip_resolver {
	ares_channel channel;
	struct event_base *base;
	struct event *timer;
	struct watched sockets[SOCKETS];
	struct sip_resolver_config config;
};

struct srv {
	char host[SIP_HOST_CAP];
	uint16_t port;
	uint16_t priority;
	uint32_t order; /* random by weight, RFC 2782 */
};

struct sip_query {
	struct sip_resolver *resolver;
	struct sip_uri uri;
	enum sip_transport transport; /* being asked for */
	sip_resolve_fn fn;            /* NULL: freed by its user */
	void *arg;
	struct event *finish;
	unsigned pending; /* callbacks that c-ares owes us */

	struct srv srvs[SIP_HOPS_MAX];
	size_t nsrvs, next_srv;
	struct sip_hop hops[SIP_HOPS_MAX];
	size_t nhops;
	unsigned ttl_s;
};

static void arm(struct sip_resolver *res)
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
	arm(res);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct sip_resolver *res = arg;

	ares_process_fd(res->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	arm(res);
}

/* c-ares wants @fd watched for these, or no longer. */
static void on_sock_state(void *data, ares_socket_t fd, int readable,
			  int writable)
{
	struct sip_resolver *res = data;
	struct watched *slot = NULL;
	short what =
		(short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	for (size_t i = 0; i < SOCKETS; i++) {
		struct watched *w = &res->sockets[i];

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
	for (size_t i = 0; i < SOCKETS; i++)
		if (res->sockets[i].event)
			event_free(res->sockets[i].event);
	event_free(res->timer);
	free(res);
	return NULL;
}

int sip_resolve_literal(struct sip_hop *out, const struct sip_uri *uri)
{
	uint16_t port = uri->port ? uri->port : SIP_PORT;

	out->transport = uri->transport;
	return addr_parse(&out->addr, slice_of(uri->host), port);
}

static void reap(struct sip_query *query)
{
	if (query->fn || query->pending)
		return;
	if (query->finish)
		event_free(query->finish);
	free(query);
}

static void on_finish(evutil_socket_t fd, short what, void *arg)
{
	struct sip_query *query = arg;

	(void)fd;
	(void)what;
	if (!query->ttl_s || query->ttl_s > SIP_TTL_MAX_S)
		query->ttl_s = SIP_TTL_MAX_S;
	if (query->ttl_s < SIP_TTL_MIN_S || !query->nhops)
		query->ttl_s = SIP_TTL_MIN_S;
	if (query->fn)
		query->fn(query->hops, query->nhops, query->ttl_s, query->arg);
}

static void finish(struct sip_query *query)
{
	struct timeval now = { 0, 0 };

	evtimer_add(query->finish, &now);
}

static void note_ttl(struct sip_query *query, int ttl)
{
	if (ttl > 0 && (!query->ttl_s || (unsigned)ttl < query->ttl_s))
		query->ttl_s = (unsigned)ttl;
}

static void add_addresses(struct sip_query *query,
			  const struct ares_addrinfo *info, uint16_t port)
{
	const struct sip_resolver_config *c = &query->resolver->config;
	const struct ares_addrinfo_node *node;

	for (node = info->nodes; node; node = node->ai_next) {
		struct sip_hop *hop = &query->hops[query->nhops];

		if (query->nhops == SIP_HOPS_MAX)
			return;
		if (addr_from(&hop->addr, node->ai_addr))
			continue;
		if (addr_is_v6(&hop->addr) ? !c->v6 : !c->v4)
			continue;
		addr_set_port(&hop->addr, port);
		hop->transport = query->transport;
		note_ttl(query, node->ai_ttl);
		query->nhops++;
	}
}

static void ask_addresses(struct sip_query *query);

static void on_addresses(void *arg, int status, int timeouts,
			 struct ares_addrinfo *info)
{
	struct sip_query *query = arg;
	uint16_t port = query->uri.port ? query->uri.port : SIP_PORT;

	(void)timeouts;
	query->pending--;
	if (query->nsrvs)
		port = query->srvs[query->next_srv++].port;
	if (status == ARES_SUCCESS && query->fn)
		add_addresses(query, info, port);
	if (info)
		ares_freeaddrinfo(info);
	if (!query->fn || status == ARES_EDESTRUCTION)
		reap(query);
	else if (query->next_srv < query->nsrvs && query->nhops < SIP_HOPS_MAX)
		ask_addresses(query);
	else
		finish(query);
}

static void ask_addresses(struct sip_query *query)
{
	const struct sip_resolver_config *c = &query->resolver->config;
	const char *host = query->nsrvs ? query->srvs[query->next_srv].host
					: query->uri.host;
	struct ares_addrinfo_hints hints = {
		.ai_family = !c->v6   ? AF_INET
			     : !c->v4 ? AF_INET6
				      : AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
	};

	query->pending++;
	ares_getaddrinfo(query->resolver->channel, host, NULL, &hints,
			 on_addresses, query);
}

static int by_priority(const void *a, const void *b)
{
	const struct srv *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->order > y->order ? -1 : x->order < y->order;
}

/* RFC 2782: heavier ones come first more often, weight 0 hardly ever. */
static uint32_t random_order(uint16_t weight)
{
	uint64_t best = 0;

	for (unsigned i = 0; i <= weight && i < 64; i++) {
		uint32_t r = rand_u32();

		if (r > best)
			best = r;
	}
	return (uint32_t)best;
}

static void read_srvs(struct sip_query *query, const unsigned char *answer,
		      int len)
{
	struct ares_srv_reply *list = NULL, *srv;

	if (ares_parse_srv_reply(answer, len, &list))
		return;
	for (srv = list; srv && query->nsrvs < SIP_HOPS_MAX; srv = srv->next) {
		struct srv *s = &query->srvs[query->nsrvs];

		/* "." means: decidedly not available (RFC 2782). */
		if (!srv->host[0] || !srv->port ||
		    text_set(s->host, sizeof(s->host), srv->host))
			continue;
		s->port = srv->port;
		s->priority = srv->priority;
		s->order = random_order(srv->weight);
		query->nsrvs++;
	}
	ares_free_data(list);
	qsort(query->srvs, query->nsrvs, sizeof(*query->srvs), by_priority);
}

static void ask_srv(struct sip_query *query);

static void on_srv(void *arg, int status, int timeouts, unsigned char *answer,
		   int len)
{
	struct sip_query *query = arg;

	(void)timeouts;
	query->pending--;
	if (!query->fn || status == ARES_EDESTRUCTION) {
		reap(query);
		return;
	}
	if (status == ARES_SUCCESS)
		read_srvs(query, answer, len);
	if (query->nsrvs) {
		ask_addresses(query);
	} else if (!query->uri.has_transport && query->transport == SIP_UDP &&
		   query->resolver->config.tcp) {
		query->transport = SIP_TCP;
		ask_srv(query);
	} else {
		query->transport = query->uri.transport;
		ask_addresses(query);
	}
}

static void ask_srv(struct sip_query *query)
{
	char name[NAME_CAP];
	int r = text_format(name, sizeof(name), "_sip._%s.%s",
			    query->transport == SIP_TCP ? "tcp" : "udp",
			    query->uri.host);

	if (r) {
		finish(query);
		return;
	}
	query->pending++;
	ares_query(query->resolver->channel, name, ns_c_in, ns_t_srv, on_srv,
		   query);
}

int sip_resolve(struct sip_query **out, struct sip_resolver *resolver,
		const struct sip_uri *uri, sip_resolve_fn fn, void *arg)
{
	struct sip_query *query = calloc(1, sizeof(*query));

	if (!query)
		return -ENOMEM;
	query->resolver = resolver;
	query->uri = *uri;
	query->transport = uri->transport;
	query->fn = fn;
	query->arg = arg;
	query->finish = evtimer_new(resolver->base, on_finish, query);
	if (!query->finish) {
		free(query);
		return -ENOMEM;
	}
	*out = query;
	if (!sip_resolve_literal(&query->hops[0], uri)) {
		query->nhops = 1;
		finish(query);
	} else if (uri->port) {
		ask_addresses(query);
	} else {
		ask_srv(query);
	}
	arm(resolver);
	return 0;
}

struct sip_query *sip_query_free(struct sip_query *query)
{
	if (!query)
		return NULL;
	query->fn = NULL;
	evtimer_del(query->finish);
	reap(query);
	return NULL;
}
