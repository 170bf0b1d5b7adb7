/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The trunks of the configuration as SIP peers, in its order: gateway->trunks.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct config_trunk;
struct gateway;
struct sip_policy;
struct sip_trunk;
struct sip_trunk_config;

enum { TRUNKS_PROXY_CAP = 320 }; /* a DNS name of 255 and what is around it */

/* Needs gateway->agent. 0 or -errno; what failed is logged. */
CHECKED int trunks_new(struct gateway *gateway);
void trunks_free(struct gateway *gateway);

/* What the SIP trunk of @from is made of; borrows from both. 0 or -EMSGSIZE. */
CHECKED int trunks_describe(struct sip_trunk_config *out,
			    char proxy[static TRUNKS_PROXY_CAP],
			    const struct config_trunk *from);

/* Give their registrations up. */
void trunks_leave(struct gateway *gateway);

/* How a trunk is treated; @trunk may be NULL: the careful default. */
void trunks_policy(struct sip_policy *out, const struct config_trunk *trunk);

/* Whether an administrator wants no new calls over it; and that. Kept. 0 or
 * -errno. */
bool trunks_is_drained(const struct gateway *gateway, const char *name);
CHECKED int trunks_drain(struct gateway *gateway, const char *name, bool drain);

/* Borrowed, or NULL. */
struct sip_trunk *trunks_find(const struct gateway *gateway, const char *name);
