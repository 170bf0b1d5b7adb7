/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The trunk: a minimal user agent (RFC 3261) that calls, over UDP or TCP, and
 * answers OPTIONS and BYE.
 */
#pragma once

#include "tests/bench/load/call.h"
#include "tests/bench/load/sip_wire.h"

struct load;
struct sip;

#define SIP_NUMBER "+15557654321"
/* The caller's number tells the call. */
#define SIP_CALLER "+1666"

struct sip *sip_open(struct load *load);
struct sip *sip_close(struct sip *sip);
void sip_invite(struct sip *sip, struct call *call);
/* BYE, or CANCEL of a call that rings. */
void sip_end(struct sip *sip, struct call *call);
/* Repeat what got no answer (RFC 3261, timers A and E). */
void sip_tick(struct sip *sip);
