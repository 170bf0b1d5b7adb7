/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The XMPP face of the gateway: every stanza that comes from the server finds
 * its leg, its answer or its error here.
 */
#pragma once

struct gateway;
struct stanza;

/* Every iq get and set is answered exactly once (RFC 6120, 8.2.3). */
void component_receive(struct gateway *gateway, const struct stanza *stanza);
