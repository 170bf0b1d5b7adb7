/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What peers send that we do not understand, each once in the log: a line for
 * each address and thing, however often it comes. Who thinks of ever new things
 * has a few lines, one that says so, and silence for an hour.
 */
#pragma once

#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

struct sip_odds;

enum {
	SIP_ODDS_MAX = 256, /* then the oldest is told anew */
	SIP_ODDS_EACH = 16, /* lines of one address in SIP_ODDS_MS */
	SIP_ODDS_MS = 3600 * 1000,
	SIP_ODD_CAP = 64, /* octets that tell two things apart */
};

/* *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int sip_odds_new(struct sip_odds **out);
/* NULL is fine; returns NULL. */
struct sip_odds *sip_odds_free(struct sip_odds *odds);

/* @method with @what of it ("event", "type", "" the method itself), which is
 * @value, came from @peer. */
void sip_odd(struct sip_odds *odds, const struct addr *peer, const char *method,
	     const char *what, const char *value, uint64_t now_ms);
/* How many lines there were; for tests. */
unsigned sip_odds_told(const struct sip_odds *odds);
