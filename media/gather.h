/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Local candidates from what is known of our addresses (RFC 8445, 5.1). Pure:
 * nothing is asked of the system.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "media/command.h"
#include "media/host.h"

struct gather {
	const struct host_list *hosts; /* bases */
	uint16_t port;
	struct addr public_address; /* configured; unset: none. IP alone */
	struct addr mapped;         /* found by STUN; unset: none */
	struct addr mapped_base;    /* IP from which it was found */
	uint8_t generation;
};

/*
 * The public address is a host candidate on the base that stands for it: in
 * front of us is a 1:1 NAT, and peers need not know. Foundations are integers,
 * which some clients demand. IPv4 and IPv6 take turns, so that one that does
 * not work delays nothing (RFC 8421, 4). Returns how many were written to @out.
 */
size_t gather_candidates(const struct gather *gather, struct command_cand *out,
			 size_t cap);
