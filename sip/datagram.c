/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/datagram.h"

#include <string.h>

#include "gateway/base/log.h"

bool sip_datagram_holds(size_t n, const struct addr *peer)
{
	return n <= (size_t)(addr_is_v6(peer) ? SIP_DATAGRAM_V6_MAX
					      : SIP_DATAGRAM_V4_MAX);
}

/* sofia-sip gives each header a part of its own, so the first has that much. */
static bool is_response(const struct iovec *iov)
{
	static const char version[] = "SIP/2.0 ";
	enum { LEN = sizeof(version) - 1 };

	return iov->iov_len >= LEN && !memcmp(iov->iov_base, version, LEN);
}

bool sip_datagram_may_leave(const struct iovec *iov, size_t niov,
			    const struct sockaddr *peer)
{
	struct addr to;
	size_t n = 0;

	for (size_t i = 0; i < niov; i++)
		n += iov[i].iov_len;
	if (addr_from(&to, peer) || sip_datagram_holds(n, &to) ||
	    is_response(iov))
		return true;
	log_warn("event=sip_datagram to=%s octets=%zu what=\"not sent: too "
		 "long for one packet, and TCP is not taken there\"",
		 addr_text(&to).s, n);
	return false;
}
