/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What db/account.c (accounts) and db/account_number.c (numbers and their
 * owners) share. Private to them.
 */
#pragma once

#include "db/account.h"
#include "gateway/base/tree.h"

struct account_node {
	RB_ENTRY(account_node) entry;
	struct account account;
	char *forward; /* owned; what account.forward points to */
	char jid[];    /* what account.jid points to */
};

/* That @jid owns a number: a call out asks for the numbers of its account. */
struct owning {
	RB_ENTRY(owning) entry;
	const char *jid; /* @text */
	struct number_node *node;
	char text[];
};

struct number_node {
	RB_ENTRY(number_node) entry;
	RB_ENTRY(number_node) carried; /* where a component has its texts */
	struct account_number number;
	struct owning *owners[ACCOUNT_MAX_OWNERS]; /* owned */
	char *trunk, *texts;                       /* owned */
	char text[];
};

RB_HEAD(account_tree, account_node);
RB_HEAD(number_tree, number_node);
RB_HEAD(carried_tree, number_node);
RB_HEAD(owning_tree, owning);

struct account_store {
	struct db *db;
	struct account_tree accounts;
	struct number_tree numbers;
	struct carried_tree carried; /* by component, then number */
	struct owning_tree ownings;  /* by owner, then number */
};

/* Of db/account_number.c: read all, forget all. 0 or -errno. */
CHECKED int account_numbers_load(struct account_store *store);
void account_numbers_forget(struct account_store *store);
/* @jid owns nothing any more, in memory. */
void account_numbers_release(struct account_store *store, const char *jid);
/* The same ownings under another name, to be put in the place of the old ones.
 */
struct account_owning_list {
	struct owning **old, **renamed; /* owned */
	size_t n;
};
/* 0 or -ENOMEM. Then once rename: it is done, or dropped when not @really. */
CHECKED int account_numbers_prepare(struct account_owning_list *out,
				    const struct account_store *store,
				    const char *jid, const char *to);
void account_numbers_rename(struct account_owning_list *list,
			    struct account_store *store, bool really);
/* Of db/account.c: add it, in memory, unless it is there. 0, -ENOMEM. */
CHECKED int account_remember(struct account_store *store,
			     const struct account *account);
void account_forget(struct account_store *store, const char *jid);
