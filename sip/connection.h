/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The connections that others open, whose octets sofia reads: how many there
 * may be, how long a message of theirs may take, and which of a stranger's
 * messages sofia gets to see. Those over TLS count here as well (sip/tls.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
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

/* agent->connections. 0 or -ENOMEM. */
CHECKED int sip_connections_new(struct sip_agent *agent);
void sip_connections_free(struct sip_agent *agent);

/* Whether a connection @fd from @peer may stay; @stranger: from where no trunk
 * is. Refusals are logged as seldom as other visits. */
bool sip_connection_enter(struct sip_agent *agent, int fd,
			  const struct addr *peer, enum sip_transport transport,
			  bool *stranger);
/*
 * How many of the octets that wait in the stream @fd may be read now: all of
 * them, but of a stranger's one whole message that may pass (sip/door.h). 0:
 * none yet, or none at all, and then it is answered and closed.
 */
size_t sip_connection_may_read(struct sip_agent *agent, int fd);
/* sofia has read @n octets of the stream @fd: a message that comes too slowly
 * costs the connection. */
void sip_connection_received(struct sip_agent *agent, int fd, const void *p,
			     size_t n);
/* The connection of @peer is given up as @what took too long: logged, but not
 * each. */
void sip_connection_note_slow(struct sip_agent *agent, const struct addr *peer,
			      const char *what);
