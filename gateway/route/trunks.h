/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The trunks of the configuration, and those that were added (route/added.h),
 * as SIP peers: gateway->trunks.
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

/* Needs gateway->agent. One of tandem.conf(5) that cannot be opened is an
 * error, one that was added is left out. 0 or -errno; what failed is logged. */
CHECKED int trunks_new(struct gateway *gateway);
void trunks_free(struct gateway *gateway);

enum {
	TRUNKS_GONE_MAX = 100,
	TRUNKS_GONE_MS = 60 * 1000, /* longer than any request takes */
};

/* One more, behind all others. 0 or -errno, -EPROTONOSUPPORT: TLS. */
CHECKED int trunks_open(struct gateway *gateway,
			const struct config_trunk *from);
/* The one that was opened last is as if it had never been. */
void trunks_open_undo(struct gateway *gateway);
/*
 * No more calls and texts over the first one of @config's name. What goes on
 * over it borrows from it, so both are kept until there are no calls of before
 * any more; @config is taken. @by: what takes its place, and its registration
 * if that is the same; NULL: nothing.
 */
void trunks_close(struct gateway *gateway, struct config_trunk *config,
		  const struct config_trunk *by);
/* Whether one more can be closed: fewer than TRUNKS_GONE_MAX are waited for. */
bool trunks_can_change(const struct gateway *gateway);
/* From time to time: free those that nothing can borrow from any more. */
void trunks_sweep(struct gateway *gateway);

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
