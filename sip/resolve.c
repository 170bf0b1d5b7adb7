/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RFC 3263, 4: a port or a transport in the URI is obeyed; a name without both
 * is asked for NAPTR, which chooses transports and SRV names; without NAPTR SRV
 * is asked for one transport after the other; without SRV addresses.
 *
 * c-ares calls back while its channel runs and while queries are cancelled, so
 * a query outlives its user: what is left of a freed one is an orphan that the
 * last callback frees.
 */
#include "sip/resolver_int.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "sip/hops.h"

enum {
	NAME_CAP = SIP_HOST_CAP + 16,
	ASKS_MAX = 6, /* SRV names for one URI */
	NAPTRS_MAX = 16,
	PRIORITY_BITS = 16,
};

struct srv {
	char host[SIP_HOST_CAP];
	uint16_t port;
	uint16_t weight;
	uint32_t priority;
	enum sip_transport transport;
};

/* A name to ask SRV of. */
struct ask {
	char name[NAME_CAP];
	enum sip_transport transport;
};

struct sip_query {
	struct sip_resolver *resolver;
	struct sip_uri uri;
	sip_resolve_fn fn; /* NULL: freed by its user */
	void *arg;
	struct event *finish;
	unsigned pending; /* callbacks that c-ares owes us */

	struct ask asks[ASKS_MAX];
	size_t nasks, next_ask;
	bool naptr; /* asks are NAPTR's: all of them count */
	struct srv srvs[SIP_HOPS_MAX];
	size_t nsrvs, next_srv;
	struct sip_hop hops[SIP_HOPS_MAX];
	size_t nhops;
	unsigned ttl_s;
};

int sip_resolve_literal(struct sip_hop *out, const struct sip_uri *uri)
{
	uint16_t port =
		uri->port ? uri->port : sip_transport_port(uri->transport);

	*out = (struct sip_hop){ .transport = uri->transport };
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
	struct sip_hop hops[SIP_HOPS_MAX];

	(void)fd;
	(void)what;
	if (!query->ttl_s || query->ttl_s > SIP_TTL_MAX_S)
		query->ttl_s = SIP_TTL_MAX_S;
	if (query->ttl_s < SIP_TTL_MIN_S || !query->nhops)
		query->ttl_s = SIP_TTL_MIN_S;
	sip_hops_order(query->hops, query->nhops);
	/* A copy, as the query is freed in there. */
	memcpy(hops, query->hops, sizeof(hops));
	if (query->fn)
		query->fn(hops, query->nhops, query->ttl_s, query->arg);
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

/* Of an answer of c-ares: whether it still counts. A query that was given up
 * goes with its last one. */
static bool is_wanted(struct sip_query *query, int status)
{
	query->pending--;
	if (query->fn && status != ARES_EDESTRUCTION)
		return true;
	reap(query);
	return false;
}

/* ---- addresses ---- */

static void add_addresses(struct sip_query *query,
			  const struct ares_addrinfo *info,
			  const struct srv *srv)
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
		addr_set_port(&hop->addr, srv->port);
		hop->transport = srv->transport;
		hop->priority = srv->priority;
		hop->weight = srv->weight;
		hop->target = (uint8_t)query->next_srv;
		note_ttl(query, node->ai_ttl);
		query->nhops++;
	}
}

static void ask_addresses(struct sip_query *query);

static void on_addresses(void *arg, int status, int timeouts,
			 struct ares_addrinfo *info)
{
	struct sip_query *query = arg;

	(void)timeouts;
	query->pending--;
	if (status == ARES_SUCCESS && query->fn)
		add_addresses(query, info, &query->srvs[query->next_srv]);
	query->next_srv++;
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
	struct ares_addrinfo_hints hints = {
		.ai_family = !c->v6   ? AF_INET
			     : !c->v4 ? AF_INET6
				      : AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
	};

	query->pending++;
	ares_getaddrinfo(query->resolver->channel,
			 query->srvs[query->next_srv].host, NULL, &hints,
			 on_addresses, query);
}

/* The URI's own host, as if it were the one target. */
static void ask_host(struct sip_query *query)
{
	struct srv *srv = &query->srvs[query->nsrvs++];

	*srv = (struct srv){ .transport = query->uri.transport,
			     .port = query->uri.port };
	if (!srv->port)
		srv->port = sip_transport_port(srv->transport);
	if (text_set(srv->host, sizeof(srv->host), query->uri.host))
		finish(query);
	else
		ask_addresses(query);
}

/* ---- SRV ---- */

static void add_srv(struct sip_query *query, const struct ares_srv_reply *from,
		    enum sip_transport transport)
{
	struct srv *s = &query->srvs[query->nsrvs];

	/* "." means: decidedly not available (RFC 2782). */
	if (!from->host[0] || !from->port ||
	    text_set(s->host, sizeof(s->host), from->host))
		return;
	s->port = from->port;
	s->weight = from->weight;
	s->priority =
		(uint32_t)(query->next_ask << PRIORITY_BITS) | from->priority;
	s->transport = transport;
	query->nsrvs++;
}

static void read_srvs(struct sip_query *query, const unsigned char *answer,
		      int len)
{
	enum sip_transport transport = query->asks[query->next_ask].transport;
	struct ares_srv_reply *list = NULL, *srv;

	if (ares_parse_srv_reply(answer, len, &list))
		return;
	for (srv = list; srv && query->nsrvs < SIP_HOPS_MAX; srv = srv->next)
		add_srv(query, srv, transport);
	ares_free_data(list);
}

static void ask_srv(struct sip_query *query);

static void on_srv(void *arg, int status, int timeouts, unsigned char *answer,
		   int len)
{
	struct sip_query *query = arg;

	(void)timeouts;
	if (!is_wanted(query, status))
		return;
	if (status == ARES_SUCCESS)
		read_srvs(query, answer, len);
	query->next_ask++;
	ask_srv(query);
}

/* The next name; or, when that is enough, addresses. */
static void ask_srv(struct sip_query *query)
{
	bool enough = query->nsrvs && !query->naptr;

	if (query->next_ask < query->nasks && !enough) {
		query->pending++;
		ares_query(query->resolver->channel,
			   query->asks[query->next_ask].name, ns_c_in, ns_t_srv,
			   on_srv, query);
	} else if (query->nsrvs) {
		ask_addresses(query);
	} else {
		ask_host(query);
	}
}

static void add_ask(struct sip_query *query, enum sip_transport transport)
{
	static const char *const labels[] = { [SIP_UDP] = "_sip._udp",
					      [SIP_TCP] = "_sip._tcp",
					      [SIP_TLS] = "_sips._tcp" };
	struct ask *ask = &query->asks[query->nasks];

	if (text_format(ask->name, sizeof(ask->name), "%s.%s",
			labels[transport], query->uri.host))
		return;
	ask->transport = transport;
	query->nasks++;
}

static void ask_srvs_of_host(struct sip_query *query)
{
	const struct sip_resolver_config *c = &query->resolver->config;
	bool any = !query->uri.has_transport && !query->uri.sips;

	if (!any)
		add_ask(query, query->uri.transport);
	if (any && c->udp)
		add_ask(query, SIP_UDP);
	if (any && c->tcp)
		add_ask(query, SIP_TCP);
	if (any && c->tls)
		add_ask(query, SIP_TLS);
	ask_srv(query);
}

/* ---- NAPTR ---- */

/* Whether a service is one of ours (RFC 3263, 4.1). */
static bool read_service(const struct sip_query *query, const char *service,
			 enum sip_transport *out)
{
	const struct sip_resolver_config *c = &query->resolver->config;
	const struct {
		const char *name;
		enum sip_transport transport;
		bool usable;
	} known[] = {
		{ "SIP+D2U", SIP_UDP, c->udp && !query->uri.sips },
		{ "SIP+D2T", SIP_TCP, c->tcp && !query->uri.sips },
		{ "SIPS+D2T", SIP_TLS, c->tls },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcasecmp(service, known[i].name)) {
			*out = known[i].transport;
			return known[i].usable;
		}
	return false;
}

/* By order and preference; those that are alike stay as they came. */
static bool comes_before(const struct ares_naptr_reply *a,
			 const struct ares_naptr_reply *b)
{
	return a->order != b->order ? a->order < b->order
				    : a->preference < b->preference;
}

static size_t sort_naptrs(const struct ares_naptr_reply *out[static NAPTRS_MAX],
			  const struct ares_naptr_reply *list)
{
	size_t n = 0;

	for (; list && n < NAPTRS_MAX; list = list->next) {
		size_t at = n++;

		for (; at && comes_before(list, out[at - 1]); at--)
			out[at] = out[at - 1];
		out[at] = list;
	}
	return n;
}

/* "s": an SRV name follows; no other is defined for SIP. */
static void take_naptr(struct sip_query *query,
		       const struct ares_naptr_reply *n)
{
	struct ask *ask = &query->asks[query->nasks];

	if (query->nasks == ASKS_MAX ||
	    strcasecmp((const char *)n->flags, "s") ||
	    !read_service(query, (const char *)n->service, &ask->transport) ||
	    !n->replacement[0] ||
	    text_set(ask->name, sizeof(ask->name), n->replacement))
		return;
	query->nasks++;
	query->naptr = true;
}

static void read_naptrs(struct sip_query *query, const unsigned char *answer,
			int len)
{
	const struct ares_naptr_reply *sorted[NAPTRS_MAX];
	struct ares_naptr_reply *list = NULL;

	if (ares_parse_naptr_reply(answer, len, &list))
		return;
	size_t n = sort_naptrs(sorted, list);
	for (size_t i = 0; i < n; i++)
		take_naptr(query, sorted[i]);
	ares_free_data(list);
}

static void on_naptr(void *arg, int status, int timeouts, unsigned char *answer,
		     int len)
{
	struct sip_query *query = arg;

	(void)timeouts;
	if (!is_wanted(query, status))
		return;
	if (status == ARES_SUCCESS)
		read_naptrs(query, answer, len);
	if (query->naptr)
		ask_srv(query);
	else
		ask_srvs_of_host(query);
}

static void ask_naptr(struct sip_query *query)
{
	query->pending++;
	ares_query(query->resolver->channel, query->uri.host, ns_c_in,
		   ns_t_naptr, on_naptr, query);
}

/* ---- a query ---- */

int sip_resolve(struct sip_query **out, struct sip_resolver *resolver,
		const struct sip_uri *uri, sip_resolve_fn fn, void *arg)
{
	struct sip_query *query = calloc(1, sizeof(*query));

	if (!query)
		return -ENOMEM;
	query->resolver = resolver;
	query->uri = *uri;
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
		ask_host(query);
	} else if (uri->has_transport) {
		ask_srvs_of_host(query);
	} else {
		ask_naptr(query);
	}
	resolver_arm(resolver);
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
