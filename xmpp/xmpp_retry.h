/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How long to wait before the server is called again: an eighth longer with
 * each attempt, so that waiting makes no outage much longer than it was
 * (servers refuse what is written to us meanwhile); the upper half of it
 * random, so that many who lost one server do not come back at once. No I/O, no
 * clock.
 */
#pragma once

struct xmpp_retry {
	unsigned min_ms, max_ms;
	/* After not-authorized, up to twice that: only an operator helps. */
	unsigned refused_ms;
	unsigned attempts; /* since xmpp_retry_reset() */
};

/* Milliseconds until the next attempt, which is counted. */
unsigned xmpp_retry_next(struct xmpp_retry *retry);
/* The same when the server refused our secret; counts nothing. */
unsigned xmpp_retry_refused(const struct xmpp_retry *retry);
/* Another took our place: it is left to him for much longer each time. */
void xmpp_retry_conflict(struct xmpp_retry *retry);
/* A stream stood: it begins anew. */
void xmpp_retry_reset(struct xmpp_retry *retry);
