/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A database that only notes what it is given. */
#pragma once

#include "db/cdr.h"
#include "db/quota.h"
#include "db/session.h"
#include "gateway/outbox.h"
#include "tests/unit/gateway/call_rig_said.h"

static struct cdr record;
static db_done_fn stored;
static void *stored_arg;
static bool rows_stay;      /* what legs have to say is what they said before */
static unsigned setup_rows; /* of calls that are not answered; nobody waits */
static int64_t setup_rang_ms; /* in the last of them */

int session_digest(struct session_digest *out, const struct session_row *row)
{
	(void)row;
	*out = (struct session_digest){ { rows_stay ? 2 : 1 } };
	return 0;
}

bool session_digest_equal(const struct session_digest *a,
			  const struct session_digest *b)
{
	return rows_stay && !memcmp(a, b, sizeof(*a));
}

int session_put(struct db *db, const struct session_row *row, db_done_fn done,
		void *arg)
{
	(void)db;
	if (row->state == SESSION_SETUP) {
		setup_rows++;
		setup_rang_ms = row->ringing_ms;
		return 0;
	}
	stored = done;
	stored_arg = arg;
	say("store");
	return 0;
}

int session_settle(struct db *db, const char *name, db_done_fn done, void *arg)
{
	(void)db;
	(void)name;
	(void)done;
	(void)arg;
	say("settled");
	return 0;
}

int session_keep(struct db *db, const char *name)
{
	(void)db;
	(void)name;
	say("keep");
	return 0;
}

void db_forget(struct db *db, const void *arg)
{
	(void)db;
	(void)arg;
}

const char *cdr_end_name(enum cdr_end end)
{
	(void)end;
	return "end";
}

int cdr_put(struct db *db, const struct cdr *cdr, db_done_fn done, void *arg)
{
	(void)db;
	(void)done;
	(void)arg;
	record = *cdr;
	say("record");
	return 0;
}

/* What was used, and who used it: an account, then its trunk. */
static char used_by[64];
static uint64_t used_s;

int usage_put(struct db *db, const struct usage_row *row, db_done_fn done,
	      void *arg)
{
	size_t n = row->kind == QUOTA_ACCOUNT ? 0 : strlen(used_by);

	(void)db;
	(void)done;
	(void)arg;
	snprintf(used_by + n, sizeof(used_by) - n, "%s%s", n ? " " : "",
		 row->name);
	used_s = row->seconds;
	return 0;
}

int usage_load_all(struct db *db, db_row_fn fn, void *arg)
{
	(void)db;
	(void)fn;
	(void)arg;
	return 0;
}

/* ---- texts: of calls that were missed ---- */

int outbox_send(struct gateway *of, const struct stanza *stanza,
		db_done_fn done, void *arg)
{
	(void)of;
	(void)stanza;
	(void)done;
	(void)arg;
	return 0;
}
