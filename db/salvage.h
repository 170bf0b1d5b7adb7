/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What can still be read of a damaged database goes into a new one: each table
 * from its beginning to the first damaged page, and from its end back to the
 * last.
 *
 * Private to db/.
 */
#pragma once

#include "gateway/base/err.h"

struct sqlite3;

struct salvage {
	unsigned long rows; /* that were taken along */
	unsigned tables;    /* of which some may be missing */
};

/*
 * From the file @path, which is not changed, into @to, where rows that it has
 * already stay. A file that is no database gives none, which is no error.
 * 0, or -errno: @to could not be written, and is as before.
 */
CHECKED int salvage_rows(struct sqlite3 *to, const char *path,
			 struct salvage *out);
