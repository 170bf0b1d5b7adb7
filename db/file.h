/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Files that stand beside the database, written by its thread, so that the loop
 * waits for no disk. They are 0600.
 */
#pragma once

#include "db/db.h"
#include "gateway/base/slice.h"

enum db_file_how {
	DB_FILE_NEW, /* there is none of that name, or -EEXIST */
	DB_FILE_APPEND,
	DB_FILE_DROP, /* it goes, if it is there */
};

/*
 * @octets, which are copied, into the file @path. @done gets 0 or -errno; a
 * file that could not be written whole is gone then. As session_put().
 */
CHECKED int db_file_write(struct db *db, const char *path, enum db_file_how how,
			  struct slice octets, db_done_fn done, void *arg);
