/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which trunk somebody means by the host of a SIP address. Several trunks may
 * be at one host: lines of one carrier, or servers at different ports.
 */
#pragma once

struct config_trunk;
struct gateway;
struct sip_uri;

/*
 * The trunk that is called as the host of @uri, or is there: at the port that
 * is given, if one is. Of several the one over which @account (bare JID) has a
 * number, which may alone call over it; of these the one at SIP's own port, by
 * that transport, the first. Borrowed; NULL: there is none.
 */
const struct config_trunk *trunk_host_find(const struct gateway *gateway,
					   const char *account,
					   const struct sip_uri *uri);
