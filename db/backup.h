/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A copy of the database as it is at one moment, made while it is written to:
 * by the writer's thread, a part of it between two transactions, from a
 * snapshot of its own. What was written before is in it.
 */
#pragma once

#include "db/db.h"

struct db_backup;

enum {
	DB_BACKUP_PAGES = 256, /* in a turn */
};

/* @result 0, or -errno and there is no copy. Once, from the loop; the backup
 * may be freed in it. */
typedef void (*db_backup_fn)(int result, void *arg);

/*
 * Into the new file @path, 0600. *@out is owned by the caller:
 * db_backup_free(). 0 or -errno (-EEXIST).
 */
CHECKED int db_backup_new(struct db_backup **out, struct db *db,
			  const char *path, db_backup_fn fn, void *arg);
/* One that is not done leaves no file. NULL is fine; returns NULL. */
struct db_backup *db_backup_free(struct db_backup *backup);
