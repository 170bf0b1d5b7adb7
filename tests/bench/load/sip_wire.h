/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the trunk speaks over: datagrams, and a connection that it opens where
 * its calls go by TCP.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/slice.h"
#include "tests/bench/load/loop.h"

enum {
	SIP_PORT = 5080,
	SIP_TARGET_PORT = 5060,
	SIP_MESSAGE_CAP = 8192,
};

struct sip_wire;
enum sip_way { SIP_WAY_UDP, SIP_WAY_TCP };
/* A whole message, by @way. */
typedef void (*sip_wire_fn)(void *arg, enum sip_way way, struct slice message);

struct sip_wire *sip_wire_open(struct loop *loop, sip_wire_fn fn, void *arg);
struct sip_wire *sip_wire_close(struct sip_wire *wire);
/* By TCP it connects first where it is not. */
void sip_wire_send(struct sip_wire *wire, enum sip_way way,
		   struct slice message);
