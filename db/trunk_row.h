/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Trunks that an administrator adds at run time: rows as they are stored. What
 * the strings mean is gateway/config/config.h's and sip/trunk.h's business.
 * Strings are borrowed for the call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

struct trunk_row {
	const char *name; /* the key */
	const char *proxy;
	const char *username;
	struct db_secret password;
	const char *allow; /* networks, separated by blanks */
	bool registers;
	const char *more; /* lines "key = value", as in tandem.conf(5); stored
			   * sealed */
	const char *more_sealed; /* filled when it is put */
	int64_t created_ms;
};

/* With its texts, owned by the caller: trunk_row_free(), which wipes the
 * password. NULL: no memory. */
struct trunk_row *trunk_row_copy(const struct trunk_row *row);
struct trunk_row *trunk_row_free(struct trunk_row *row);
DEFINE_AUTO(struct trunk_row *, trunk_row_free)

/* Insert or replace; drop. As session_put(). */
CHECKED int trunk_row_put(struct db *db, const struct trunk_row *row,
			  db_done_fn done, void *arg);
CHECKED int trunk_row_drop(struct db *db, const char *name, db_done_fn done,
			   void *arg);

/* @fn gets a struct trunk_row. One whose further keys cannot be unsealed is
 * logged, and left out. As session_load_all(). */
CHECKED int trunk_row_load_all(struct db *db, db_row_fn fn, void *arg);
