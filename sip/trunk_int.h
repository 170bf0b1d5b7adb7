/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A trunk as dialogs see it. Everything is borrowed from the trunk.
 */
#pragma once

#include "sip/client.h"
#include "sip/digest.h"
#include "sip/resolve.h"
#include "sip/trunk.h"

/* Where a request goes now that is not tried elsewhere. False while no address
 * is known. */
CHECKED bool sip_trunk_hop(const struct sip_trunk *trunk, struct sip_hop *out);
/* A request outside calls: along the trunk's hops. */
void sip_trunk_route(struct sip_trunk *trunk, struct sip_client_spec *spec);
/* A call: the same, and counted. */
void sip_trunk_route_call(struct sip_trunk *trunk,
			  struct sip_client_spec *spec);
/* Credentials may go there: it is one of the trunk's own addresses. */
bool sip_trunk_is_at(const struct sip_trunk *trunk, const struct addr *addr);
/* NULL when it has none. */
const struct sip_digest_account *sip_trunk_account(
	const struct sip_trunk *trunk);
/* "host:port" of its proxy, for Request-URI and To; with ";transport=…" when
 * the configuration says so. */
const char *sip_trunk_hostport(const struct sip_trunk *trunk);
/* Whom its certificate must name. */
const char *sip_trunk_tls_name(const struct sip_trunk *trunk);
/* From's host. */
const char *sip_trunk_domain(const struct sip_trunk *trunk);
/* Contact's user, as it registered; "" when it has no name. */
const char *sip_trunk_user(const struct sip_trunk *trunk);
enum sip_identity_mode sip_trunk_identity(const struct sip_trunk *trunk);
/* Whole header lines for each INVITE, with a line feed between; "" none. */
const char *sip_trunk_headers(const struct sip_trunk *trunk);
