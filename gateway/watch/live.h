/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Live calls as somebody watches them: every few seconds both legs of one call
 * or of all, with codecs, loss, jitter and estimated MOS of each direction,
 * until the call ends or the time is over.
 */
#pragma once

#include <stddef.h>

#include "gateway/base/err.h"
#include "media/bridge.h"

struct call;
struct cdr;
struct gateway;
struct live;

enum {
	LIVE_MAX = 16,       /* watches of a process */
	LIVE_CALLS_MAX = 40, /* calls in one text; more are a number */
	LIVE_TEXT_CAP = 64,
};

struct live_config {      /* borrowed for the call alone */
	const char *call; /* its name; "" all */
	unsigned every_s, last_s;
};

enum live_outcome {
	LIVE_E_NONE = 1, /* there is no such call now */
	LIVE_E_FULL,     /* LIVE_MAX are watched already */
};

struct live_handlers {
	void (*tell)(const char *text, size_t n, void *arg);
	/* The last word, in plain words; the watch is freed behind it by who
	 * has it. */
	void (*done)(const char *why, void *arg);
};

/* *@out is owned by the caller: live_free(). @handlers and @arg are borrowed
 * for its lifetime, and called from the loop alone. 0, LIVE_E_*, -ENOMEM. */
CHECKED int live_new(struct live **out, struct gateway *gateway,
		     const struct live_config *config,
		     const struct live_handlers *handlers, void *arg);
/* NULL is fine; returns NULL. */
struct live *live_free(struct live *live);

/* For watch.c: @cdr is written of @call. */
void live_call_ended(const struct call *call, const struct cdr *cdr);

struct live_text {
	char s[LIVE_TEXT_CAP];
};
/* "0.1 % lost, jitter 3 ms, MOS 4.3": of all that came from the party on @side,
 * MOS of the last seconds. "" before it was heard of. */
struct live_text live_quality(const struct call *call, enum media_side side);
/* "PCMU/8000": what is sent to that party; "" not agreed. */
struct live_text live_codec(const struct call *call, enum media_side side);
