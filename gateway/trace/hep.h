/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * HEP3, the Homer encapsulation protocol, version 3: an entry of a trace as a
 * datagram to a capture server. A packet is "HEP3", its whole length, and
 * chunks: vendor (0, generic), type, length with these six octets, and value.
 *
 *     SIP     payload type 1, the message
 *     XMPP    payload type 2, the stanza
 *     states, media   payload type 100 (log), a JSON object
 *
 * The correlation id is the call's name, which both of its legs have; where no
 * call is known, the Call-ID or sid.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct entry;
struct gateway;
struct hep;

enum {
	HEP_PACKET_MAX = 65507, /* what a datagram holds */
	HEP_PAYLOAD_SIP = 1,
	HEP_PAYLOAD_XMPP = 2,
	HEP_PAYLOAD_LOG = 100,
};

/* To config's hep.server. *@out is owned by the caller. 0 or -errno. */
CHECKED int hep_new(struct hep **out, const struct gateway *gateway);
/* NULL is fine; returns NULL. */
struct hep *hep_free(struct hep *hep);
/* What does not fit, or is not taken, is lost. */
void hep_send(struct hep *hep, const struct entry *entry);

/* The packet in @out of HEP_PACKET_MAX; @password "" none. Its length, or
 * -EMSGSIZE, -ENOMEM. */
CHECKED int hep_encode(uint8_t *out, const struct entry *entry, uint32_t id,
		       const char *password);
