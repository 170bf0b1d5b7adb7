/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/schema.h"

#include <sqlite3.h>
#include <stdio.h>

#include "db/db.h"
#include "db/worker.h"
#include "gateway/base/log.h"

/* { text of 001.sql, text of 002.sql, … } */
static const char *const migrations[] = {
#include "db/schema_sql.h"
};

int schema_version(void)
{
	return (int)(sizeof(migrations) / sizeof(migrations[0]));
}

static int read_version(sqlite3 *sqlite, int *version)
{
	sqlite3_stmt *stmt = NULL;
	int error = sqlite3_prepare_v2(sqlite, "PRAGMA user_version", -1, &stmt,
				       NULL);

	if (error == SQLITE_OK)
		error = sqlite3_step(stmt);
	if (error == SQLITE_ROW)
		*version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return db_error(error);
}

/* PRAGMA takes no parameters; the number is ours. */
static int apply(sqlite3 *sqlite, int version)
{
	char set_version[48];
	const char *const steps[] = { "BEGIN EXCLUSIVE",
				      migrations[version - 1], set_version,
				      "COMMIT" };

	snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %d",
		 version);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int error = sqlite3_exec(sqlite, steps[i], NULL, NULL, NULL);

		if (error == SQLITE_OK)
			continue;
		log_error("db=migrate version=%d error=\"%s\"", version,
			  sqlite3_errmsg(sqlite));
		sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
		return db_error(error);
	}
	log_info("db=migrated version=%d", version);
	return 0;
}

int schema_migrate(sqlite3 *sqlite)
{
	int version = 0;
	int r = read_version(sqlite, &version);

	if (r)
		return r;
	if (version > schema_version()) {
		log_error("db=newer version=%d understood=%d: a later version "
			  "of Tandem wrote this file",
			  version, schema_version());
		return DB_E_NEWER;
	}
	while (!r && version < schema_version())
		r = apply(sqlite, ++version);
	return r;
}
