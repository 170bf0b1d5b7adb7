/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Texts that the XMPP server was given and may send back, and those that are
 * back and wait: in memory, bounded in number and octets. What waits stands in
 * the conversation to which it belongs, in the order in which it was written;
 * a conversation waits as a whole. Private to gateway/text/text_again.c.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/base/tree.h"

struct tally;
struct text_held;

struct text_given {
	RB_ENTRY(text_given) link;
	TAILQ_ENTRY(text_given) entry; /* of the given, or of its held */
	struct text_held *held;        /* it waits there; NULL: it is given */
	char *key;                     /* "account party id" */
	char *xml;
	uint64_t id; /* of its row in the outbox; 0: it has another again */
	int64_t kept_ms, given_ms; /* wall time */
	int64_t order;             /* in its conversation */
	uint32_t tries;
	size_t octets;
	bool counted; /* in the accounts */
	bool on_disk; /* while it waits: in a row of its own */
};
TAILQ_HEAD(text_given_list, text_given);

/* What waits from one party to an account. It lives as long as it has texts. */
struct text_held {
	RB_ENTRY(text_held) link;
	TAILQ_ENTRY(text_held) by_time;
	int64_t next_ms;              /* when it is given again (wall time) */
	struct text_given_list texts; /* by order */
	const char *key;              /* "account party" */
	char text[];
};

RB_HEAD(text_given_tree, text_given);
RB_HEAD(text_held_tree, text_held);
struct text_givens {
	struct text_given_tree tree;
	struct text_held_tree conversations;       /* that wait */
	TAILQ_HEAD(text_held_list, text_held) due; /* the same by next_ms */
	struct text_given_list given;              /* by given_ms */
	size_t ngiven, nwaiting;
	size_t given_octets, waiting_octets;
	struct tally *accounts; /* what waits for each */
	int64_t last_order;
};

/* 0 or -ENOMEM; to be ended either way. */
CHECKED int text_givens_init(struct text_givens *givens);
void text_givens_fini(struct text_givens *givens);

/* NULL: not known. */
struct text_given *text_given_find(const struct text_givens *givens,
				   const char *key);
/* The one behind @key, which need not be there, in their order; NULL: none. */
struct text_given *text_given_next(const struct text_givens *givens,
				   const char *key);
struct text_written {
	const char *key, *xml;
	int64_t kept_ms;
	bool earlier; /* by a run before this: by its time among those known */
};
/* @written, behind all that are known, is given at @now_ms; all is copied. The
 * oldest of those given are forgotten. NULL without memory. */
struct text_given *text_given_add(struct text_givens *givens,
				  const struct text_written *written,
				  int64_t now_ms);
/* One that waits is given. Its conversation may be freed. */
void text_given_give(struct text_givens *givens, struct text_given *given,
		     int64_t now_ms);
/* Of those given, forget the oldest: who is above the limits of text_again.h.
 */
void text_givens_expire(struct text_givens *givens, int64_t now_ms);
/* Whether another one may wait. */
bool text_given_has_room(const struct text_givens *givens,
			 const struct text_given *given);
/* It waits, and its conversation with it, until @next_ms or until that was to
 * wait, whichever is later. 0 or -ENOMEM: as before. */
CHECKED int text_given_hold(struct text_givens *givens,
			    struct text_given *given, int64_t next_ms);
/* The conversation of @given, if one that was written before it waits there. */
struct text_held *text_given_held_before(const struct text_givens *givens,
					 const struct text_given *given);
/* @held waits until @next_ms. */
void text_held_set(struct text_givens *givens, struct text_held *held,
		   int64_t next_ms);
/* Its conversation may be freed. */
void text_given_forget(struct text_givens *givens, struct text_given *given);
/* The first of those for @account (bare JID), or NULL. */
struct text_given *text_given_first_of(const struct text_givens *givens,
				       const char *account);
