/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The trunk: a minimal user agent over UDP (RFC 3261) that calls, and answers
 * OPTIONS and BYE.
 */
#pragma once

#include "tests/bench/load/call.h"
#include "tests/bench/load/loop.h"

struct load;
struct sip;

enum { SIP_PORT = 5080, SIP_TARGET_PORT = 5060 };
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
