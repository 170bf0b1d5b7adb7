/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Where a SIP URI leads (RFC 3263): literals at once; names by NAPTR, SRV, A
 * and AAAA through c-ares on our loop. sofia's own resolver never sees a name:
 * it has crashed on odd ones.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "sip/uri.h"

struct event_base;
struct sip_resolver;
struct sip_query;

/* A next hop. */
struct sip_hop {
	struct addr addr;
	enum sip_transport transport;
	uint8_t target;    /* addresses of one SRV target have one number */
	uint16_t weight;   /* among targets of one priority (RFC 2782) */
	uint32_t priority; /* the lowest first; NAPTR's order included */
};

enum {
	SIP_HOPS_MAX = 16,
	SIP_TTL_MIN_S = 30,
	SIP_TTL_MAX_S = 3600,
};

struct sip_resolver_config {
	/* "192.0.2.53" or "192.0.2.53:5353,…"; NULL: /etc/resolv.conf */
	const char *servers;
	bool v4, v6;        /* which addresses we can send to */
	bool udp, tcp, tls; /* what NAPTR and SRV may choose */
};

/* *@out is owned by the caller; @base must outlive it. 0, -EINVAL (servers),
 * -ENOMEM. */
CHECKED int sip_resolver_new(struct sip_resolver **out, struct event_base *base,
			     const struct sip_resolver_config *config);
/* All queries must be freed before. */
struct sip_resolver *sip_resolver_free(struct sip_resolver *resolver);

/* @uri's host is a literal: fill *@out. 0, or -EINVAL when it is a name. */
CHECKED int sip_resolve_literal(struct sip_hop *out, const struct sip_uri *uri);

/*
 * In an order to try (sip_hops_order(); sip/hops.h for more of them). @n is
 * 0 when there is none; @ttl_s is between SIP_TTL_MIN_S and SIP_TTL_MAX_S. The
 * query is over and still to be freed, which may be done here.
 */
typedef void (*sip_resolve_fn)(const struct sip_hop *hops, size_t n,
			       unsigned ttl_s, void *arg);

/* @fn is called from the loop, never from here. 0 or -ENOMEM. */
CHECKED int sip_resolve(struct sip_query **out, struct sip_resolver *resolver,
			const struct sip_uri *uri, sip_resolve_fn fn,
			void *arg);
/* Cancels. NULL is fine; returns NULL. */
struct sip_query *sip_query_free(struct sip_query *query);
