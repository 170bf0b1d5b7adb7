/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What an operator sees of a running gateway:
 *
 *     metric.h    counters and histograms, one table; collect.h asks the rest
 *     quality.h   loss, jitter and estimated MOS of each live call over time
 *     failure.h   the last calls that failed, and why
 *     live.h      live calls, told every few seconds to who watches them
 *     http.h      /metrics, the status page and /healthz, where configured
 *
 * The others tell it what happened by the functions below, all of which are
 * fine with a gateway that has none (gateway->watch NULL).
 */
#pragma once

#include <bsd/sys/queue.h>

#include "gateway/base/err.h"
#include "media/bridge.h"

struct call;
struct cdr;
struct failures;
struct gateway;
struct http;
struct metrics;
struct quality_timer;
struct totals;

struct watch {
	struct metrics *metrics;
	struct totals *totals;
	struct failures *failures;
	struct quality_timer *quality;
	struct http *http; /* NULL: not configured */
	LIST_HEAD(, live) lives;
};

/* 0 or -errno (the address cannot be bound; logged). */
CHECKED int watch_new(struct gateway *gateway);
void watch_free(struct gateway *gateway);
void watch_stream_up(struct gateway *gateway);

/* There is one of that name now: it is seen with nothing. */
void watch_trunk(struct gateway *gateway, const char *name);

void watch_call_began(struct call *call);
/* @cdr is what is written of @call. */
void watch_call_ended(const struct call *call, const struct cdr *cdr);
/* @why is one of a few words: "ice", "dtls". */
void watch_media_failed(const struct call *call, enum media_side side,
			const char *why);

/* The billing system said "allowed" or "denied", or nothing ("failed"); and did
 * not take a record. */
void watch_billing_answered(struct gateway *gateway, const char *result);
void watch_billing_refused(struct gateway *gateway);

/* A call that was refused before it began. All borrowed. */
struct watch_refusal {
	bool inbound;
	const char *from, *to;
	const char *what; /* one of a few words: "destination" */
	const char *text; /* what who called was told; NULL: nothing */
};
void watch_refused(struct gateway *gateway, const struct watch_refusal *what);
