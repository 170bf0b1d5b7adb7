/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Traces: what is said on both sides for one account, number or call (match.h),
 * SIP and XMPP interleaved with how the calls and their media fare, by time.
 * Asked for, bounded in time and octets, in memory; secrets are taken out
 * before anything is kept (mask.h).
 *
 *     sip/tap, xmpp_stream_tap --> match --> ring --> text, pcap (pcap.h), who
 *     calls, their media ------>                      follows, Homer (hep.h)
 *
 * Nothing is looked at while nobody traces. A message that is not known to
 * belong to anything yet waits a moment: the call that it begins may be one
 * that is followed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "media/bridge.h"

struct call;
struct entry;
struct gateway;
struct ring;
struct trace;

enum {
	TRACE_MAX = 16, /* that are kept; a stopped one gives way */
	TRACE_MINUTES_MAX = 240,
	TRACE_TICK_MS = 100, /* how often media are looked at */
};

enum trace_outcome {
	TRACE_E_WHAT = 1, /* neither a JID, a number nor a call */
	TRACE_E_FULL,     /* TRACE_MAX run */
	TRACE_E_HEP,      /* no server is configured */
};

struct trace_config { /* borrowed for the call alone */
	const char *what;
	unsigned last_s;
	bool hep; /* to the configured server, too */
};

CHECKED int traces_new(struct gateway *gateway);
void traces_free(struct gateway *gateway);

/* *@id is its number, above 0. 0, TRACE_E_*, -ENOMEM. */
CHECKED int trace_start(unsigned *id, struct gateway *gateway,
			const struct trace_config *config);
/* It records no more, and is kept until another takes its place. */
void trace_stop(struct trace *trace);
/* @id 0: the newest. NULL: none. */
struct trace *trace_find(const struct gateway *gateway, unsigned id);

struct trace_view { /* borrowed until the loop's next turn */
	unsigned id;
	const char *what;
	int64_t started_ms; /* wall */
	unsigned left_s;    /* 0: it is stopped */
	bool hep;
	const struct ring *ring;
};
void trace_view(const struct trace *trace, struct trace_view *out);
/* All, the oldest first. */
typedef void (*trace_fn)(const struct trace *trace, void *arg);
void trace_each(const struct gateway *gateway, trace_fn fn, void *arg);

/* Each entry as it comes, and NULL when the trace has stopped, once. One for
 * each trace; @fn NULL: nobody any more. From the loop. */
typedef void (*trace_entry_fn)(const struct entry *entry, void *arg);
void trace_follow(struct trace *trace, trace_entry_fn fn, void *arg);
/* What is said meanwhile tells somebody what a trace has heard: it is kept, and
 * told to nobody, or it would tell of itself for ever. */
void trace_telling(struct gateway *gateway, bool on);

/* ---- what is told to it ---- */

/* Whether anybody traces. */
bool trace_is_on(const struct gateway *gateway);
void trace_call_changed(const struct call *call, const char *from,
			const char *event, const char *to);
/* Something happened to the media on @side: look at once. */
void trace_media_changed(const struct call *call, enum media_side side,
			 const char *what);
