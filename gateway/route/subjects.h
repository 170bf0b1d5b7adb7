/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Accounts and trunks by name: the table of whatever is kept of each.
 */
#pragma once

#include <bsd/sys/tree.h>
#include <stddef.h>

#include "db/quota.h"
#include "xmpp/jid.h"

/* What is kept of one begins with this. */
struct subject {
	RB_ENTRY(subject) node;
	/* enum quota_kind, or what is counted beside them: all are accounts
	 * but QUOTA_TRUNK. */
	unsigned kind;
	const char *name; /* a bare JID in lower case, or a trunk's */
};

RB_HEAD(subject_tree, subject);

struct subjects {
	struct subject_tree tree;
	size_t n;
};

void subjects_init(struct subjects *subjects);

/* How @name is written here, and in the database: @name itself, or @buffer. */
const char *subjects_key(char buffer[static JID_CAP], unsigned kind,
			 const char *name);

/* @name: of an account any of its JIDs, in any case. NULL: none. */
struct subject *subjects_find(const struct subjects *subjects, unsigned kind,
			      const char *name);
/* Made when there is none yet: of @size octets, zero but for the struct subject
 * at their beginning. NULL without memory. */
struct subject *subjects_take(struct subjects *subjects, unsigned kind,
			      const char *name, size_t size);
/* Takes it out and frees it, once what it holds has been seen to. */
void subjects_drop(struct subjects *subjects, struct subject *subject);

/* In their order; NULL behind the last. The next is asked for before one is
 * dropped. */
struct subject *subjects_first(const struct subjects *subjects);
struct subject *subjects_next(struct subject *subject);
