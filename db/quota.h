/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What an administrator lets one account or trunk do instead of what is
 * configured, and how much of the day it has used: rows as they are stored.
 * What they mean is gateway/route/limits.h's business. Strings are borrowed for
 * the call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

enum quota_kind { QUOTA_ACCOUNT = 1, QUOTA_TRUNK = 2 };

struct quota_row {
	enum quota_kind kind;
	const char *name; /* bare JID, or the trunk's name */
	uint32_t calls, calls_per_minute, minutes_per_day; /* 0: configured */
	const char *allow, *deny; /* prefixes, blanks between; "": configured */
	bool withhold;            /* an account that never shows its number */
};

struct usage_row {
	enum quota_kind kind;
	const char *name;
	int64_t day; /* since 1970, of the local calendar */
	uint64_t seconds;
};

/* Insert or replace; drop. As session_put(). */
CHECKED int quota_put(struct db *db, const struct quota_row *row,
		      db_done_fn done, void *arg);
CHECKED int quota_drop(struct db *db, enum quota_kind kind, const char *name,
		       db_done_fn done, void *arg);
CHECKED int usage_put(struct db *db, const struct usage_row *row,
		      db_done_fn done, void *arg);

/* @fn gets a struct quota_row, usage_row. As session_load_all(). */
CHECKED int quota_load_all(struct db *db, db_row_fn fn, void *arg);
CHECKED int usage_load_all(struct db *db, db_row_fn fn, void *arg);
