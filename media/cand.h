/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which candidates we offer (RFC 8445, 5.1.1), and which of the peer's we talk
 * to. Foundations are decimal numbers, as Siskin drops others.
 *
 * Order of preference: the public address, then IPv6 and IPv4 by turns so that
 * a family that does not work delays nothing (RFC 8421, 4), each public before
 * private. Link-local addresses are never offered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/desc.h"

enum { CAND_MAX_LOCAL = 12 }; /* more addresses than that are left out */

struct cand_config {
	/* Where the socket is bound: unset or unspecified (0.0.0.0, ::) is
	 * every interface. */
	struct addr address;
	/*
	 * The address others reach us at; its port is not used. When no
	 * interface has it (1:1 NAT), it is a host candidate whose base is our
	 * first address of that family; a server-reflexive one besides would
	 * be redundant (RFC 8445, 5.1.3). Unset: none.
	 */
	struct addr public_address;
	bool ipv4, ipv6; /* what the socket carries */
	bool allow_loopback;
};

struct cand_local {
	struct media_cand cand;
	struct addr base; /* packets leave from here; ice_add_local() */
};

/*
 * The host candidates of a socket on @port, most preferred first; *@n is their
 * number, 0 if there is no usable address. 0 or -errno of getifaddrs().
 */
CHECKED int cand_gather(struct cand_local out[static CAND_MAX_LOCAL], size_t *n,
			const struct cand_config *config, uint16_t port);

/* The same from @naddrs given addresses of ours, ports unused. */
size_t cand_from(struct cand_local out[static CAND_MAX_LOCAL],
		 const struct cand_config *config, const struct addr *addrs,
		 size_t naddrs, uint16_t port);

/*
 * Whether checks may be sent to @cand, a remote one: component 1 and a unicast
 * address with a port that is neither unspecified nor link-local, nor loopback
 * unless that is allowed (RFC 8445, 19.5; no peer may aim us at ourselves).
 */
bool cand_is_usable(const struct media_cand *cand, bool allow_loopback);
bool cand_addr_is_usable(const struct addr *addr, bool allow_loopback);

/* Candidate priority (RFC 8445, 5.1.2.1). */
uint32_t cand_priority(enum media_cand_type type, uint16_t local_preference,
		       uint8_t component);
