/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A trunk as dialogs see it. Everything is borrowed from the trunk.
 */
#pragma once

#include <stddef.h>

#include "sip/digest.h"
#include "sip/resolve.h"
#include "sip/trunk.h"

/* Its addresses in the order to try; *@n is 0 while none is known. */
const struct sip_hop *sip_trunk_hops(const struct sip_trunk *trunk, size_t *n);
/* Credentials may go there: it is one of the trunk's own addresses. */
bool sip_trunk_is_at(const struct sip_trunk *trunk, const struct addr *addr);
/* NULL when it has none. */
const struct sip_digest_account *sip_trunk_account(
	const struct sip_trunk *trunk);
/* "host:port" of its proxy, for Request-URI and To; with ";transport=tcp" when
 * the configuration says so. */
const char *sip_trunk_hostport(const struct sip_trunk *trunk);
/* From's host. */
const char *sip_trunk_domain(const struct sip_trunk *trunk);
/* Contact's user, as it registered; "" when it has no name. */
const char *sip_trunk_user(const struct sip_trunk *trunk);
enum sip_identity_mode sip_trunk_identity(const struct sip_trunk *trunk);
/* Whole header lines for each INVITE, with a line feed between; "" none. */
const char *sip_trunk_headers(const struct sip_trunk *trunk);
