/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The sockets that listen. What is configured as 0.0.0.0 or [::] is a socket
 * on each address that the machine has, also on those it gets later: a reply
 * leaves from the address that was spoken to, and Via, Contact and SDP name
 * the one that the peer can reach. Those that it loses are not named any more;
 * of one that was configured by itself the log says so, as nothing takes its
 * place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"
#include "sip/agent.h"

struct sip_agent;
struct sip_bound;

/* 0 or -errno: one of the addresses named cannot be bound, too many. */
CHECKED int sip_listens_open(struct sip_agent *agent,
			     const struct sip_listen *listens, size_t n);
void sip_listens_close(struct sip_agent *agent);

/* A socket of sofia's own at @b->addr, known by @b->ident; port 0 becomes the
 * one it got. */
CHECKED int sip_listen_bind(struct sip_agent *agent, struct sip_bound *b);

/* Whether we were told to speak @transport over IPv4, or IPv6. */
bool sip_listens_on(const struct sip_agent *agent, enum sip_transport transport,
		    bool v6);

/*
 * The socket that requests to @peer leave from, or NULL: the one on the address
 * that routing chooses, else the first of the family. To be named to sofia,
 * which of its own takes the first of the transport, whatever its family.
 */
const struct sip_bound *sip_listen_towards(const struct sip_agent *agent,
					   enum sip_transport transport,
					   const struct addr *peer);

/* The source address that routing chooses towards @peer, the port 0. */
struct addr sip_routed_source(const struct addr *peer);
