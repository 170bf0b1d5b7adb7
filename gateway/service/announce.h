/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who is told that we are there each time the stream comes up (XEP-0100, 8):
 * the owners of numbers of the domain, and every account of each number that it
 * is subscribed to; what their servers know of us may be from before a fault.
 * And who of them is there is asked, for the same reason.
 * And that we are not, before an end that was asked for.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct gateway;

enum {
	/* It goes out in parts, so that calls do not wait and the stream's
	 * queue is not filled. */
	ANNOUNCE_PART = 200,
	ANNOUNCE_PAUSE_MS = 100,
};

CHECKED int announce_new(struct gateway *gateway);
void announce_free(struct gateway *gateway);
void announce_stream_up(struct gateway *gateway);

/* All calls have ended on the XMPP side. */
void announce_leave(struct gateway *gateway);
/* Everybody has been told, or the stream is down. */
bool announce_is_over(const struct gateway *gateway);
