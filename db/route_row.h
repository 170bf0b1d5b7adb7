/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Routes that an operator adds at run time: rows as they are stored. What
 * they mean is gateway/route/routes.h's business. Strings are borrowed for the
 * call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

struct route_row {
	const char *name; /* the key */
	uint32_t position;
	const char *prefixes, *trunks; /* blanks between */
	uint8_t days;                  /* bit 0: Monday */
	uint16_t from_min, until_min;
	bool enabled;
};

/* A copy in one piece, owned by the caller: route_row_free(). NULL without
 * memory. */
CHECKED struct route_row *route_row_copy(const struct route_row *row);
struct route_row *route_row_free(struct route_row *row);

/* Insert or replace; drop. As session_put(). */
CHECKED int route_row_put(struct db *db, const struct route_row *row,
			  db_done_fn done, void *arg);
CHECKED int route_row_drop(struct db *db, const char *name, db_done_fn done,
			   void *arg);

/* In their order. @fn gets a struct route_row. As
 * session_load_all(). */
CHECKED int route_row_load_all(struct db *db, db_row_fn fn, void *arg);
