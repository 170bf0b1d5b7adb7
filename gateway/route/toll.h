/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How much accounts and trunks call: how many calls each has now, how often it
 * has tried in this minute, for how long it has called today. Counted where
 * calls begin and end, so that to ask costs the same however many there are;
 * how much they may is limits.h's business. Who owns no number is counted while
 * he calls the echo alone: names that nobody has cost nothing.
 *
 * What counts is a handle in what owns the call. It gives its count back when
 * it is dropped or stopped: once, as a handle of zeros counts nothing, and all
 * are before toll_free().
 *
 * Minutes are those of answered legs to trunks, with those that last, measured
 * by the monotonic clock. They are of the day that it is by the operator's
 * clock and zone (day.h). When that is set forward across midnight a new day
 * begins; when it is set back, what was used of a day is still used when that
 * comes again, also by a process that starts then.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdint.h>

#include "db/quota.h"
#include "gateway/base/err.h"

struct gateway;
struct toll_subject;

enum toll_kind {
	TOLL_ACCOUNT = QUOTA_ACCOUNT, /* by bare JID, of any case */
	TOLL_TRUNK = QUOTA_TRUNK,     /* by name */
	TOLL_ECHO, /* by bare JID: those who call the echo, or are by it */
};

/* All of TOLL_ECHO together: no JID. */
#define TOLL_ECHO_ALL ""

/* Reads what was used today. 0 or -errno. */
CHECKED int toll_new(struct gateway *gateway);
void toll_free(struct gateway *gateway);

/* ---- calls ---- */

struct toll_line {
	LIST_ENTRY(toll_line) link;
	struct toll_subject *of; /* NULL: counts nowhere */
};

/* @line, which counts nowhere, is one more call of @name. 0 or -ENOMEM. */
CHECKED int toll_take(struct gateway *gateway, struct toll_line *line,
		      enum toll_kind kind, const char *name);
void toll_drop(struct toll_line *line);
unsigned toll_calls(struct gateway *gateway, enum toll_kind kind,
		    const char *name);

/* ---- attempts ---- */

/* One more. Those of this minute with it; many without memory. */
unsigned toll_try(struct gateway *gateway, enum toll_kind kind,
		  const char *name);
/* Those of this minute: it begins with the first. */
unsigned toll_tries(struct gateway *gateway, enum toll_kind kind,
		    const char *name);

/* ---- minutes ---- */

struct toll_meter {
	LIST_ENTRY(toll_meter) link;
	struct gateway *gateway;
	struct toll_subject *of; /* NULL: does not run */
	int64_t since_ms;        /* clock_ms(), on this day */
	bool told;
	/* What was allowed for the day is used up: from the loop, once. NULL:
	 * it goes on then. Set before it starts. */
	void (*over)(void *arg);
	void *arg;
};

/* A leg of @name's has cost since @since_ms by clock_ms(), which may lie before
 * this process. 0 or -ENOMEM. */
CHECKED int toll_start(struct gateway *gateway, struct toll_meter *meter,
		       enum toll_kind kind, const char *name, int64_t since_ms);
/* It costs no more: what it has used of the day is written down. */
void toll_stop(struct toll_meter *meter);
/* Today, with what runs. */
int64_t toll_used_ms(struct gateway *gateway, enum toll_kind kind,
		     const char *name);

/*
 * Today @name may use @ms in all, INT64_MAX: as much as it likes. Its meters
 * share them: all end when they are used up, which a smaller number than before
 * may be at once. To be said again on whatever changes it, and forgotten when
 * the last meter has stopped.
 */
void toll_allow(struct gateway *gateway, enum toll_kind kind, const char *name,
		int64_t ms);
/* What was used, again, as account_put_all(). */
CHECKED int toll_put_all(struct gateway *gateway);

/* Each that has meters. */
typedef void (*toll_fn)(struct gateway *gateway, enum toll_kind kind,
			const char *name);
void toll_each_running(struct gateway *gateway, toll_fn fn);

/* ---- another name ---- */

/* The account @from is called @to from now on; calls of one that was called so
 * before, and has been removed, still count. In memory alone, as account_move()
 * does it on the disk. Prepared first, it cannot fail: 0 or -ENOMEM. */
CHECKED int toll_prepare(struct gateway *gateway, const char *to);
void toll_move(struct gateway *gateway, const char *from, const char *to);
