/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The database's file: opened, checked, brought up to date, and replaced when
 * it is damaged. A damaged file is set aside as `<path>.corrupt-<time>`, never
 * deleted and never written to, and what can be read of it goes into the new
 * one (db/salvage.h). Each such step is in the log.
 *
 * Private to db/.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

enum { STORE_PATH_CAP = 4096 };

struct sqlite3;

/* A connection to @path, which is made (0600) when it is not there. *@out is
 * owned by the caller: store_close(). 0 or -errno. */
CHECKED int store_connect(struct sqlite3 **out, const char *path);
void store_close(struct sqlite3 *sqlite);
/* The same, of a file that has been set aside: its journal stays as it is. */
void store_leave(struct sqlite3 *sqlite);

/* A connection to @path, checked and of this version. 0, DB_E_NEWER, or
 * -errno. */
CHECKED int store_open(struct sqlite3 **out, const char *path);

/*
 * The file of @path is damaged: a connection to a new one in its place. Others
 * that have it open go on with the old one: store_leave() them. @marked: as
 * salvage_rows(). 0, or -errno and it stands where it was.
 */
CHECKED int store_replace(struct sqlite3 **out, const char *path, bool marked);
