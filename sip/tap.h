/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SIP messages as they come and go on the wire, for who follows calls: all of
 * them but what is refused to strangers before sofia-sip sees it. With nobody
 * there it costs a branch.
 *
 * Datagrams are messages. Of streams, a message is told when it is whole; one
 * that had begun before the tap was set is not. TLS is told in the clear, with
 * the peer's address.
 */
#pragma once

#include <stdbool.h>
#include <sys/uio.h>

#include "sip/agent.h"

enum { SIP_TAP_STREAMS = 32 }; /* that have half a message; more are not told */

struct sip_tapped { /* borrowed for the call alone */
	enum sip_transport transport;
	bool rx;
	struct addr local, remote; /* local of TLS: unset */
	struct slice text;         /* a whole message, its body included */
};
typedef void (*sip_tap_fn)(const struct sip_tapped *message, void *arg);

/* @fn is called from the loop; NULL: nobody any more. One in a process. */
void sip_tap_set(struct sip_agent *agent, sip_tap_fn fn, void *arg);

/* ---- for who reads and writes ---- */

extern bool sip_tap_is_set;

/* @n octets in @iov came from or went to @peer, or to whom @fd is connected
 * with (NULL). */
void sip_tap_octets(int fd, bool rx, const struct iovec *iov, size_t niov,
		    size_t n, const struct sockaddr *peer);
/* A message of a TLS connection with @peer. */
void sip_tap_tls(bool rx, const struct addr *peer, const char *p, size_t n);
