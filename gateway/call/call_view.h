/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A live call as those see it who only look: lists of calls, the status page.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "media/bridge.h"

struct call;
struct gateway;

enum { CALL_CODEC_CAP = 40 };

/* Borrowed from the call until the loop's next turn. */
struct call_view {
	const char *name, *state;
	bool inbound; /* from the telephone network */
	const char *account, *from, *to;
	const char *trunk;               /* "" none */
	int64_t started_ms, answered_ms; /* wall; 0: not */
	struct {
		const char *leg;            /* "sip", "xmpp", "echo" */
		bool held;                  /* its party holds the other */
		char codec[CALL_CODEC_CAP]; /* "PCMU/8000"; "" not agreed */
		struct media_side_stats stats;
	} sides[2]; /* by enum media_side */
};

void call_view(const struct call *call, struct call_view *out);
/* Since it was answered, or else began; whatever the wall clock is set to. */
uint64_t call_lasts_ms(const struct call *call);

/* Each of the calls that has not ended, the newest first. */
typedef void (*call_view_fn)(const struct call *call, void *arg);
void call_view_each(const struct gateway *gateway, call_view_fn fn, void *arg);
