/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The client's signalling behind the XMPP server's stand-in: it takes every
 * call that is proposed (XEP-0353) and accepts its session (XEP-0166).
 */
#pragma once

#include "tests/bench/load/call.h"

struct load;
struct jingle;

#define JINGLE_ACCOUNT "alice@example.org"
#define JINGLE_DOMAIN  "tel.example.org"
#define JINGLE_SECRET  "secret"

struct jingle *jingle_open(struct load *load);
struct jingle *jingle_close(struct jingle *jingle);
unsigned short jingle_port(const struct jingle *jingle);
/* How often the component came. */
unsigned jingle_handshakes(const struct jingle *jingle);
