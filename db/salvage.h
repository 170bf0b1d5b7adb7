/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What can still be read of a damaged database goes into a new one: each table
 * from its beginning to the first damaged page, and from its end back to the
 * last. A page, or the end of the log, that the disk has lost may have been
 * where a row was deleted: then it is there again.
 *
 * While a process lives, it knows better: rows come marked, it writes those
 * that it knows once more, which takes the mark away, and the rest is dropped
 * (db_drop_salvaged()). At a start nobody knows better than the file. So what
 * is sent again there is sent with the id that it had, and a call that had
 * ended is ended by its peers, who know nothing of it.
 *
 * Private to db/.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct sqlite3;

struct salvage {
	unsigned long rows; /* that were taken along */
	unsigned tables;    /* of which some may be missing */
};

/*
 * From the file @path, which is not changed, into @to, where rows that it has
 * already stay; @marked: with the mark. A file that is no database gives none,
 * which is no error. 0, or -errno: @to could not be written, and is as before.
 */
CHECKED int salvage_rows(struct sqlite3 *to, const char *path, bool marked,
			 struct salvage *out);
