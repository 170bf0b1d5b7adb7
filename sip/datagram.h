/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What may leave as one datagram. sofia-sip sends a request of more than 1,300
 * octets by TCP, and where that is not taken as a datagram after all (RFC 3261,
 * 18.1.1). That is well while it is one packet; fragments are lost at firewalls
 * and NATs, each time again, so a request that would need them is refused.
 * Responses go as they must (18.2.2).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "gateway/base/addr.h"

enum {
	/* Of a packet of Ethernet's 1,500, what IP and UDP leave. */
	SIP_DATAGRAM_V4_MAX = 1472,
	SIP_DATAGRAM_V6_MAX = 1452,
};

/* A request of @n octets to @peer is one packet. */
bool sip_datagram_holds(size_t n, const struct addr *peer);

/* Whether what is in @iov may be sent to @peer; if not, that is logged. */
bool sip_datagram_may_leave(const struct iovec *iov, size_t niov,
			    const struct sockaddr *peer);
