/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What was changed by whom: rows that are written once and never again.
 * Strings are borrowed for the call.
 */
#pragma once

#include <stdint.h>

#include "db/db.h"

enum { AUDIT_ROW_MAX = 1000 }; /* that are asked for at a time */

struct audit_row {
	uint64_t id; /* ascends: its time in us */
	int64_t at_ms;
	const char *who;  /* "alice@example.org", "uid 0" */
	const char *face; /* "ad-hoc" */
	const char *node; /* of the command */
	const char *object;
	const char *before, *after; /* "" nothing */
};

/* As session_put(). */
CHECKED int audit_row_put(struct db *db, const struct audit_row *row,
			  db_done_fn done, void *arg);

/* @done follows all that was put before. As session_put(). */
CHECKED int audit_row_wait(struct db *db, db_done_fn done, void *arg);

/* Texts that are anywhere in it; "" any. */
struct audit_filter {
	const char *who;
	const char
		*what; /* it was done to, from what or to what; the command */
	unsigned limit;
};
/* Newest first, as struct audit_row. All are looked at: for administration. As
 * session_load_all(). */
CHECKED int audit_row_find(struct db *db, const struct audit_filter *filter,
			   db_row_fn fn, void *arg);
/* Those before @before_id go. 0, -ENOBUFS, -ENOMEM. */
CHECKED int audit_row_expire(struct db *db, uint64_t before_id);
