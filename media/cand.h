/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How candidates are preferred (RFC 8445, 5.1.2), and which of the peer's we
 * talk to. Which ones we offer: media/gather.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/desc.h"

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
