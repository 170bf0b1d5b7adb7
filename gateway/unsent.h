/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Stanzas that must not be lost with the stream: what ends a call or a proposal
 * on the other side. A component stream acknowledges nothing and is at times
 * not there; while it is down or full they wait here, in their order, and go
 * when it takes them again.
 *
 * They are not the outbox's: those wait for each other and for the disk, and
 * what ends a call must not stand behind a thousand texts.
 */
#pragma once

#include "gateway/base/err.h"

struct gateway;
struct stanza;

enum { UNSENT_MAX = 2000, UNSENT_RETRY_MS = 100 };

CHECKED int unsent_new(struct gateway *gateway);
void unsent_free(struct gateway *gateway);

/* Send @stanza now or when the stream is up; it stays the caller's. */
void unsent_send(struct gateway *gateway, const struct stanza *stanza);
void unsent_stream_up(struct gateway *gateway);
