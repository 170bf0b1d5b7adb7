/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * public_address = "auto": which STUN server to ask (media.stun, or the XMPP
 * server's XEP-0215), and telling SIP what it said.
 */
#pragma once

#include "gateway/base/err.h"

struct gateway;
struct public_address;

/* Sets gateway->public_address; nothing to do without "auto". */
CHECKED int public_new(struct gateway *gateway);
void public_free(struct gateway *gateway);

/* The stream is up: ask the server for its STUN services. NULL is fine. */
void public_stream_up(struct public_address *address);
