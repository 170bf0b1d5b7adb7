/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What all calls together have received, sent and lost, by kind of leg and
 * trunk: of those that have ended as kept here, of those that live as their
 * media says now.
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

/* Each leg and trunk that there was, with the live calls. */
typedef void (*total_fn)(const char *leg, const char *trunk,
			 const struct total *total, void *arg);
void totals_each(struct totals *totals, const struct gateway *gateway,
		 total_fn fn, void *arg);
