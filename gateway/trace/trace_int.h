/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of gateway/trace/trace.h, for trace.c (their life) and trace_tap.c
 * (what they hear).
 */
#pragma once

#include <bsd/sys/queue.h>

#include "gateway/call/call.h"
#include "gateway/trace/follow.h"
#include "gateway/trace/match.h"
#include "gateway/trace/ring.h"
#include "gateway/trace/trace.h"

struct event;
struct hep;

enum {
	/* What may belong to a call that is about to begin, and how long. */
	ORPHAN_OCTETS_MAX = 256 * 1024,
	ORPHAN_MS = 3000,
	/* Calls that nobody follows yet are compared with all names that are
	 * known so seldom; when they change, at once. */
	LOOK_AT_ALL_MS = 1000,
};

struct trace {
	struct traces *traces;
	unsigned id; /* 0: there is none here */
	bool running, hep;
	char what[MATCH_WHAT_CAP];
	int64_t started_ms; /* wall */
	uint64_t until_ms;
	struct match match;
	struct ring ring;
	trace_entry_fn fn; /* NULL: nobody follows */
	void *arg;
};

/* A live call that somebody traces. */
struct followed {
	LIST_ENTRY(followed) link;
	char call[CALL_NAME_CAP];
	bool by[TRACE_MAX];
	char names[2][ENTRY_NAME_CAP]; /* of its legs, at the last look */
	struct follow_media media;
};

struct traces {
	struct gateway *gateway;
	struct trace v[TRACE_MAX];
	unsigned running, last_id;
	bool telling; /* trace_telling() */
	struct event *tick;
	uint64_t looked_ms; /* at all calls; 0: not since a trace began */
	struct ring orphans;
	LIST_HEAD(, followed) calls;
	struct hep *hep; /* NULL: no trace wants it */
};

/* trace.c: @entry, which may be NULL, is the trace's. */
void trace_put(struct trace *trace, struct entry *entry);
int64_t trace_now_us(void);

/* trace_tap.c */
void trace_taps_set(struct traces *traces, bool on);
/* The calls of now: who follows which, and their media. */
void trace_look(struct traces *traces);
void trace_forget_calls(struct traces *traces);
