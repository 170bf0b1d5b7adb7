/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Two things that sofia asks of the system and must not get as it asks. Both
 * are taken at the symbol, as the library has no hook for either.
 *
 * - su_getaddrinfo(): it resolves a name in `maddr` of anybody's Via, and all
 *   our loop waits for that name server. Only addresses are resolved.
 * - accept(): it takes every connection, and spins when descriptors run out.
 */
#pragma once

#include "gateway/base/err.h"

struct sip_agent;

enum {
	SIP_CONNECTIONS_MAX = 64,
	SIP_CONNECTIONS_EACH_MAX = 8, /* of one address */
	/* So many of them from where no trunk is. */
	SIP_CONNECTIONS_STRANGERS_MAX = 16,
};

/* Guard @agent's listeners; one agent in a process. 0 or -errno. */
CHECKED int sip_fence_new(struct sip_agent *agent);
void sip_fence_free(struct sip_agent *agent);
