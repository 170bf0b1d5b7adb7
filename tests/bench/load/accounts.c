/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/accounts.h"

#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>

#include "db/db.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/jingle.h"
#include "tests/bench/load/sip.h"

#define JID    "user%06u@example.org"
#define NUMBER "+1777%07u"

enum { SQL_CAP = 1024 };

void accounts_choose(struct call *call, unsigned n)
{
	unsigned i = n ? call->number % n : 0;

	if (n) {
		snprintf(call->called, sizeof(call->called), NUMBER, i);
		snprintf(call->account, sizeof(call->account), JID "/phone", i);
	} else {
		snprintf(call->called, sizeof(call->called), SIP_NUMBER);
		snprintf(call->account, sizeof(call->account),
			 JINGLE_ACCOUNT "/phone");
	}
}

/* The tables are as Tandem makes them. */
static void make(const char *path)
{
	const struct db_config config = { .path = path };
	struct event_base *base = event_base_new();
	struct db *db = NULL;

	if (!base || db_open(&db, &config, base))
		DIE("load: cannot make %s", path);
	db_close(db);
	event_base_free(base);
}

void accounts_write(const char *path, unsigned n)
{
	char sql[SQL_CAP];
	sqlite3 *sqlite;

	make(path);
	snprintf(sql, sizeof(sql),
		 "BEGIN;"
		 "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS "
		 "(SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %u - 1) "
		 "SELECT printf('%s', i) AS jid, "
		 "printf('%s', i) AS number FROM n;"
		 "INSERT INTO account (jid, enabled, calls, created_ms) "
		 "SELECT jid, 1, 0, 0 FROM n;"
		 "INSERT INTO number (number, trunk) "
		 "SELECT number, 'bench' FROM n;"
		 "INSERT INTO owner (number, position, jid) "
		 "SELECT number, 1, jid FROM n;"
		 "COMMIT",
		 n, JID, NUMBER);
	if (sqlite3_open(path, &sqlite) != SQLITE_OK ||
	    sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		DIE("load: %s: %s", path, sqlite3_errmsg(sqlite));
	sqlite3_close(sqlite);
}
