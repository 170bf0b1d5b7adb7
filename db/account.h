/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Accounts and numbers that an administrator adds at run time (those of
 * tandem.conf(5) are gateway/config/config.h's). An account is a bare JID with
 * its rights; a number (E.164) comes by a trunk and has one or more owners.
 *
 * All of it is in memory, read at the start; changes are made there and queued
 * for the disk. What the strings mean is checked by the caller.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

enum account_outcome {
	ACCOUNT_E_NOT_FOUND = 1,
};

enum { ACCOUNT_MAX_OWNERS = 16 }; /* of one number */

/* In each of these 0 is "not set": the configuration decides. They are stored
 * by number. */

/* What a further call does to an account that has one already. */
enum account_second {
	ACCOUNT_SECOND_RING = 1,    /* rings: the client says what it shows */
	ACCOUNT_SECOND_BUSY = 2,    /* the caller hears that it is busy */
	ACCOUNT_SECOND_NEXT = 3,    /* the number's other owners are called */
	ACCOUNT_SECOND_FORWARD = 4, /* goes to account.forward */
};
enum account_early {
	ACCOUNT_EARLY_RINGING = 1,
	ACCOUNT_EARLY_ANSWER = 2,
};
enum account_flag {
	ACCOUNT_ON = 1,
	ACCOUNT_OFF = 2,
};
/* The owners of a number ring … */
enum account_ring {
	ACCOUNT_RING_ALL = 1,   /* at once */
	ACCOUNT_RING_ORDER = 2, /* one after the other */
};

struct account {
	const char *jid;
	bool enabled;
	uint32_t calls; /* at a time; 0: the configured limit */
	int64_t created_ms;
	enum account_second second_call;
	const char *forward; /* a bare JID, "+15551234567" or "sip:user@host";
			      * NULL as "" */
	enum account_early early_media;
	enum account_flag chat_digits; /* digits in a text become tones */
};

struct account_number {
	const char *number;
	const char *trunk;
	const char *texts; /* the component that carries its texts; "" none */
	const char *owners[ACCOUNT_MAX_OWNERS]; /* JIDs, oldest first */
	size_t nowners;
	enum account_ring ring;
	uint32_t ring_s; /* each, with ACCOUNT_RING_ORDER; 0: not set */
};

struct account_store;

/*
 * Read everything. @db must outlive *@out, which is owned by the caller:
 * account_store_free(). 0 or -errno.
 */
CHECKED int account_store_new(struct account_store **out, struct db *db);
struct account_store *account_store_free(struct account_store *store);
DEFINE_AUTO(struct account_store *, account_store_free)

/* Borrowed until the next change, or NULL. */
const struct account *account_find(const struct account_store *store,
				   const char *jid);
const struct account_number *account_find_number(
	const struct account_store *store, const char *number);
/* Some number whose texts @component carries. NULL: none. Costs no more with
 * many numbers: anybody may ask. */
const struct account_number *account_first_carried(
	const struct account_store *store, const char *component);

/* Add or change. 0, -ENOBUFS, -ENOMEM; then nothing has changed. */
CHECKED int account_put(struct account_store *store,
			const struct account *account);
/*
 * All that the database has of it, in one transaction: its numbers too, where
 * it is the only owner, limits, settings, contacts and whom it blocks. Who has
 * those in memory forgets them as well (setting_forget() …), and drops what
 * waits to be sent (texts_forget_account()). Records of its calls stay.
 * 0, ACCOUNT_E_NOT_FOUND, -ENOBUFS, -ENOMEM; then nothing has changed.
 */
CHECKED int account_drop(struct account_store *store, const char *jid);

/*
 * The same of it is @to's from now on, which has no account; @to is subscribed
 * to none of the contacts. Who has settings and such in memory copies them
 * before (setting_copy() …), and forgets the old ones. Records of its calls and
 * what waits to be sent stay under the old name. 0, ACCOUNT_E_NOT_FOUND,
 * -ENOBUFS, -ENOMEM; then nothing has changed.
 */
CHECKED int account_move(struct account_store *store, const char *jid,
			 const char *to);

/*
 * Make @owner an owner of @number, which comes by @trunk (for all its owners);
 * an account is made when @owner has none. 0, -E2BIG (ACCOUNT_MAX_OWNERS),
 * -ENOBUFS, -ENOMEM.
 */
CHECKED int account_own(struct account_store *store, const char *number,
			const char *trunk, const char *owner);
/* @owner NULL: all, and the number is gone; as it is with its last owner. */
CHECKED int account_disown(struct account_store *store, const char *number,
			   const char *owner);

/* How the owners of @number ring. 0, ACCOUNT_E_NOT_FOUND, -ENOBUFS, -ENOMEM. */
CHECKED int account_set_ring(struct account_store *store, const char *number,
			     enum account_ring ring, uint32_t ring_s);

/* Which component carries its texts; "": its trunk. 0, ACCOUNT_E_NOT_FOUND,
 * -ENOBUFS, -ENOMEM. */
CHECKED int account_set_texts(struct account_store *store, const char *number,
			      const char *component);

/* All of them again, to a file that may have lost some (db_on_replaced()). 0,
 * or why one of them is not. */
CHECKED int account_put_all(struct account_store *store);

typedef void (*account_fn)(const struct account *account, void *arg);
typedef void (*account_number_fn)(const struct account_number *number,
				  void *arg);
/* In the order of JIDs; nothing may change meanwhile. */
void account_each(const struct account_store *store, account_fn fn, void *arg);
/* The numbers of @owner, or all when it is NULL, in their order. */
void account_each_number(const struct account_store *store, const char *owner,
			 account_number_fn fn, void *arg);
