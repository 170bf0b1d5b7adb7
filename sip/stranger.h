/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who sends us requests without being known: one cheap answer a second for each
 * address, then silence, and one line a minute that fail2ban can read.
 * Addresses can be forged: all of them together get a few answers and lines a
 * second, what is over is counted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "sip/agent.h"

struct sip_strangers;

enum {
	SIP_STRANGERS_MAX = 4096, /* the longest silent is forgotten first */
	SIP_STRANGER_ANSWER_MS = 1000,
	SIP_STRANGER_LOG_MS = 60000,
	/* of all together, a second */
	SIP_STRANGERS_ANSWERS = 50,
	SIP_STRANGERS_LINES = 10,
};

/* *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int sip_strangers_new(struct sip_strangers **out);
/* NULL is fine; returns NULL. */
struct sip_strangers *sip_strangers_free(struct sip_strangers *strangers);

/* Count and log a request of @method; whether it may be answered. */
bool sip_stranger_seen(struct sip_strangers *strangers,
		       const struct sip_source *source, const char *method,
		       uint64_t now_ms);
