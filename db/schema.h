/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Numbered migrations, db/schema/001.sql and on: the Makefile puts their text
 * into the program. Each is applied once, in a transaction; `user_version`
 * tells how far a file has come.
 *
 * Private to db/.
 */
#pragma once

#include "gateway/base/err.h"

struct sqlite3;

/* The version that this program writes. */
int schema_version(void);

/* Bring @sqlite up to it. 0, DB_E_NEWER (nothing changed), or -errno. */
CHECKED int schema_migrate(struct sqlite3 *sqlite);
