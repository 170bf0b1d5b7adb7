/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Before sofia sees a datagram, or what comes by a connection: a request of
 * somebody who is nobody's trunk, and of no call of ours, is answered here,
 * from its raw text, or not at all. So strangers never reach sofia's parser,
 * which would answer each malformed request of theirs by itself, as often as
 * they like and with more octets than they sent. All that sofia reads it reads
 * by its su_vrecv(), whose place is taken in door.c (as in sip/fence.h).
 *
 * A trunk's own are passed to sofia, but for new requests in a flood of them
 * (sip/share.h). Messages of strangers pass when they are of a call or a
 * request of ours: when they name both its Call-ID and our tag. Those that come
 * by a connection are looked at one by one, each once it is whole.
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
 * A whole message that @source, a stranger when it connected, sent by a
 * connection: whether it passes. If it does not the connection is to be closed,
 * when @reply has been sent; "" none.
 */
bool sip_door_message(struct sip_agent *agent, const struct sip_source *source,
		      struct slice octets,
		      char reply[static SIP_DOOR_REPLY_CAP]);
