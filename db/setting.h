/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Small settings of accounts and trunks that commands make and that have no
 * column of their own: names and values as text. What they mean is the
 * gateway's business.
 *
 * All of it is in memory, read at the start; changes are made there and queued
 * for the disk.
 */
#pragma once

#include "db/db.h"

enum setting_kind { SETTING_ACCOUNT = 1, SETTING_TRUNK = 2 };

struct setting {
	enum setting_kind kind;
	const char *subject; /* a bare JID in lower case, a trunk's name */
	const char *name;
	const char *value;
};

/* Names of what accounts have. */
#define SETTING_QUIET     "quiet"     /* gateway/call/quiet.h */
#define SETTING_FORWARDS  "forwards"  /* "yes": every call */
#define SETTING_CALLER_ID "caller-id" /* the number that calls out show */
#define SETTING_WITHHOLD  "withhold"  /* "yes": none is shown */
#define SETTING_RING      "ring"      /* seconds, then forwarded or no answer */
#define SETTING_TARGETS   "targets"   /* bare JIDs that ring as well; blanks */

struct setting_store;

/*
 * Read everything. @db must outlive *@out, which is owned by the caller:
 * setting_store_free(). 0 or -errno.
 */
CHECKED int setting_store_new(struct setting_store **out, struct db *db);
struct setting_store *setting_store_free(struct setting_store *store);
DEFINE_AUTO(struct setting_store *, setting_store_free)

/* Borrowed until the next change; "" when it is not set, or @store is NULL. */
const char *setting_get(const struct setting_store *store,
			enum setting_kind kind, const char *subject,
			const char *name);
/* "" takes it back. 0, -ENOBUFS, -ENOMEM; then nothing has changed. */
CHECKED int setting_put(struct setting_store *store,
			const struct setting *setting);
/* All again, as account_put_all(). */
CHECKED int setting_put_all(struct setting_store *store);
/* All of a subject, in memory alone: the disk is seen to (account_drop()). */
void setting_forget(struct setting_store *store, enum setting_kind kind,
		    const char *subject);
/* What @from has, @to has as well, which has nothing; in memory alone, as
 * account_move() does it on the disk. 0 or -ENOMEM. */
CHECKED int setting_copy(struct setting_store *store, enum setting_kind kind,
			 const char *from, const char *to);
/* On the disk as well. 0, -ENOBUFS, -ENOMEM. */
CHECKED int setting_drop(struct setting_store *store, enum setting_kind kind,
			 const char *subject);
