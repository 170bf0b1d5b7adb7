/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What sofia asks of the system and must not get as it asks, what it does
 * without a word, and one thing that it does wrong. All are taken at the
 * symbol, as the library has no hook for them.
 *
 * - su_getaddrinfo(): it resolves a name in `maddr` of anybody's Via, and all
 *   our loop waits for that name server. Only addresses are resolved.
 * - accept(): it takes every connection, and spins when descriptors run out.
 * - accept() and connect() where TLS is: sip/tls.h.
 * - bind(): it tells nobody the descriptor of a listener.
 * - url_param(): it reads on behind the end where the last parameter only
 * begins with the name that is looked for, as in "<sip:host;lrx>" of a
 * Record-Route.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "gateway/base/slice.h"
#include "sip/agent.h"

struct sip_agent;

enum {
	SIP_CONNECTIONS_MAX = 64,
	SIP_CONNECTIONS_EACH_MAX = 8, /* of one address */
	/* So many of them from where no trunk is. */
	SIP_CONNECTIONS_STRANGERS_MAX = 16,
	/* A message over TCP, from its first octet to its last; and how long a
	 * stranger's connection may be silent. */
	SIP_CONNECTION_MESSAGE_MS = 10 * 1000,
	/* A line in the log for those that were too slow, with their count. */
	SIP_CONNECTION_LOG_MS = 60 * 1000,
};

/* The descriptors that sofia binds while it opens a listener. */
struct sip_fence_binds {
	int fds[8];
	size_t n;
};
/* Note them there from now on; NULL: no more. */
void sip_fence_note_binds(struct sip_fence_binds *binds);

/* Guard @agent's listeners; one agent in a process. 0 or -errno. */
CHECKED int sip_fence_new(struct sip_agent *agent);
void sip_fence_free(struct sip_agent *agent);

/* Whether a connection @fd from @peer may stay; @stranger: from where no trunk
 * is. Refusals are logged as seldom as other visits. */
bool sip_fence_enter(struct sip_agent *agent, int fd, const struct addr *peer,
		     enum sip_transport transport, bool *stranger);
/* Take one off @listener's queue when there is no descriptor for it: left there
 * it would wake us for ever. */
void sip_fence_refuse(int listener);
/*
 * How many of the octets that wait in the stream @fd may be read now: all of
 * them, but of a stranger's one whole message that may pass (sip/door.h). 0:
 * none yet, or none at all, and then it is answered and closed.
 */
size_t sip_fence_may_read(int fd);
/* The connection of @peer is given up as @what took too long: logged, but not
 * each. */
void sip_fence_note_slow(const struct addr *peer, const char *what);
/* sofia has read @n octets of the stream @fd: a message that comes too slowly
 * costs the connection. */
void sip_fence_received(int fd, const void *p, size_t n);
