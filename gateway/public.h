/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Where we are reached. public_address = "auto": which STUN server to ask
 * (media.stun, or the XMPP server's XEP-0215). When that or an interface's
 * address changes, SIP, the trunks and the stream are told; media restarts ICE
 * by itself.
 */
#pragma once

#include "gateway/base/err.h"

struct gateway;
struct public_address;

/* Sets gateway->public_address. */
CHECKED int public_new(struct gateway *gateway);
void public_free(struct gateway *gateway);

/* The stream is up: ask the server for its STUN services, if need be. */
void public_stream_up(struct gateway *gateway);
