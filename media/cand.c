/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/cand.h"

uint32_t cand_priority(enum media_cand_type type, uint16_t local_preference,
		       uint8_t component)
{
	/* RFC 8445, 5.1.2.2 */
	static const uint8_t preferences[] = {
		[MEDIA_CAND_HOST] = 126,
		[MEDIA_CAND_PRFLX] = 110,
		[MEDIA_CAND_SRFLX] = 100,
		[MEDIA_CAND_RELAY] = 0,
	};

	return (uint32_t)preferences[type] << 24 |
	       (uint32_t)local_preference << 8 | (256u - component);
}

/* ::192.0.2.1 (RFC 4291, 2.5.5.1, deprecated) hides an IPv4 address. */
static bool is_v4_compatible(const struct addr *a)
{
	return addr_is_v6(a) && IN6_IS_ADDR_V4COMPAT(&a->in6.sin6_addr);
}

bool cand_addr_is_usable(const struct addr *addr, bool allow_loopback)
{
	if (!addr_port(addr) || is_v4_compatible(addr))
		return false;
	switch (addr_classify(addr)) {
	case ADDR_PRIVATE:
	case ADDR_PUBLIC:
		return true;
	case ADDR_LOOPBACK:
		return allow_loopback;
	case ADDR_UNSPECIFIED:
	case ADDR_MULTICAST:
	case ADDR_LINK_LOCAL:
		break;
	}
	return false;
}

bool cand_is_usable(const struct media_cand *cand, bool allow_loopback)
{
	return cand->component == 1 &&
	       cand_addr_is_usable(&cand->addr, allow_loopback);
}
