/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The addresses of ours that accounts deal with: which of them each account is
 * subscribed to, so that a start can tell it, the name under which one has
 * called it, and with which of its numbers one deals.
 *
 * All of it is in memory, read at the start; changes are made there and queued
 * for the disk. What the strings mean is checked by the caller.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

enum { CONTACT_MAX = 1000 }; /* of one account */

struct contact {
	const char *account; /* bare JID */
	const char *local;   /* of our domain; "": the domain itself */
	const char *name;    /* "" none */
	bool subscribed;
	int64_t seen_ms; /* when it was put, or called; wall clock */
	/* Of the account's numbers, the one that it deals with; "" and NULL
	 * none in particular. */
	const char *number;
};

struct contact_store;

/*
 * Read everything. @db must outlive *@out, which is owned by the caller:
 * contact_store_free(). 0 or -errno.
 */
CHECKED int contact_store_new(struct contact_store **out, struct db *db);
struct contact_store *contact_store_free(struct contact_store *store);
DEFINE_AUTO(struct contact_store *, contact_store_free)

/* Borrowed until the next change, or NULL. */
const struct contact *contact_find(const struct contact_store *store,
				   const char *account, const char *local);

/*
 * Add or change. Of an account that has CONTACT_MAX the one that was not seen
 * for longest gives way, but none that it is subscribed to.
 * 0, -E2BIG (it is subscribed to all), -ENOBUFS, -ENOMEM; nothing is added
 * then.
 */
CHECKED int contact_put(struct contact_store *store,
			const struct contact *contact);
/* What is not there is fine. 0, -ENOBUFS, -ENOMEM. */
CHECKED int contact_drop(struct contact_store *store, const char *account,
			 const char *local);

/* All of @account, in memory alone: the disk is seen to (account_drop()). */
void contact_forget(struct contact_store *store, const char *account);

/* The names and numbers that @from has, @to has as well, unless it has its own;
 * it is subscribed to none of them. In memory alone, as account_move() does it
 * on the disk. 0 or -ENOMEM. */
CHECKED int contact_copy(struct contact_store *store, const char *from,
			 const char *to);

/* All again, as account_put_all(). */
CHECKED int contact_put_all(struct contact_store *store);

typedef void (*contact_fn)(const struct contact *contact, void *arg);
/* By account and localpart; nothing may change meanwhile. */
void contact_each(const struct contact_store *store, contact_fn fn, void *arg);
/* The one behind @account's @local in that order, NULL at the end; as above. */
const struct contact *contact_after(const struct contact_store *store,
				    const char *account, const char *local);
