/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Before sofia sees a datagram, or what comes by a connection: a request of
 * somebody who is nobody's trunk, and of no call of ours, is answered here,
 * from its raw text, or not at all. So strangers never reach sofia's parser,
 * which would answer each malformed request of theirs by itself, as often as
 * they like and with more octets than they sent.
 *
 * Responses pass: they are matched to our requests. A connection is looked at
 * until something of it may pass; its first request has to come in one piece.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"
#include "sip/agent.h"

struct sip_agent;

/* Of now on, for the agent's sockets; NULL: none. One agent a process. */
void sip_door_watch(struct sip_agent *agent);

enum { SIP_DOOR_REPLY_CAP = 4096 };

/*
 * What @source, a stranger when it connected, sent by a connection: whether it
 * passes. If it does not the connection is to be closed, when @reply has been
 * sent; "" none.
 */
bool sip_door_stream(struct sip_agent *agent, const struct sip_source *source,
		     struct slice octets,
		     char reply[static SIP_DOOR_REPLY_CAP]);
