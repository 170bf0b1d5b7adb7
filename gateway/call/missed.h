/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Missed calls: a text that says who called which number, when, and why nobody
 * answered, left for each account that might have. One for a caller who tries
 * again and again.
 */
#pragma once

#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/call/cause.h"

struct gateway;

enum {
	/* Who calls again within so long after the last try left one. */
	MISSED_AGAIN_MS = 60000,
	MISSED_MAX = 4096,
};

CHECKED int missed_new(struct gateway *gateway);
void missed_free(struct gateway *gateway);

struct missed_call {         /* borrowed for the call alone */
	const char *account; /* bare JID */
	const char *from;    /* our full JID that stands for who called */
	const char *name;    /* NULL or "" none */
	const char *to;      /* the number called */
	int64_t at_ms;       /* wall */
	enum cause cause;
};
/* Nothing is left for a call that was declined or taken elsewhere. */
void missed_tell(struct gateway *gateway, const struct missed_call *missed);
