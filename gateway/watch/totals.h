/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * All calls together: in which states they are, and what they have received,
 * sent and lost, by kind of leg and trunk; of those that have ended as kept
 * here, of those that live as their media says when they are counted.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct call;
struct gateway;
struct totals;

struct total {
	uint64_t rx, tx, lost, dropped, unauthentic;
};

/* *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int totals_new(struct totals **out);
/* NULL is fine; returns NULL. */
struct totals *totals_free(struct totals *totals);

/* @call has ended: it counts as it is now. */
void totals_keep(struct totals *totals, const struct call *call);

/* Look at the live calls, for the two below. */
void totals_count(struct totals *totals, const struct gateway *gateway);
/* How many were in @state of enum call_state. */
unsigned totals_in(const struct totals *totals, int state);
/* Each leg and trunk that there was, with the live calls. */
typedef void (*total_fn)(const char *leg, const char *trunk,
			 const struct total *total, void *arg);
void totals_each(const struct totals *totals, total_fn fn, void *arg);
