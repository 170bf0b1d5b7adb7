/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Texts as they are stored. Each is on disk before it is acknowledged to whom
 * it came from, and leaves it when the next has taken it:
 *
 *     outbox  stanzas for the XMPP server
 *     text    texts for a trunk
 *     seen    keys of what came already, so that it is not taken twice
 *
 * Ids ascend in the order of arrival. Strings are borrowed for the call. These
 * rows outlive a loss of power too: their commits wait for the disk.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

struct outbox_row {
	uint64_t id;
	const char *stanza; /* XML */
	int64_t kept_ms;    /* wall time */
};

struct text_row {
	uint64_t id;
	const char *sender;    /* full JID */
	const char *stanza_id; /* the sender's, "" none */
	const char *number;    /* the sender's */
	const char *party;     /* whom it is for */
	const char *trunk;     /* by name */
	const char *call_id;   /* of its MESSAGE, whenever that is sent */
	const char *lang;      /* RFC 5646, "" not said */
	const char *body;
	bool receipt; /* the sender wants to know (XEP-0184) */
	int64_t received_ms;
};

struct seen_row {
	const char *key;
	int64_t seen_ms;
};

/* As session_put(). */
CHECKED int outbox_row_put(struct db *db, const struct outbox_row *row,
			   db_done_fn done, void *arg);
CHECKED int text_row_put(struct db *db, const struct text_row *row,
			 db_done_fn done, void *arg);
CHECKED int seen_row_put(struct db *db, const struct seen_row *row);

/* The server has taken all up to @id. */
CHECKED int outbox_row_drop_to(struct db *db, uint64_t id);
CHECKED int outbox_row_drop(struct db *db, uint64_t id);
CHECKED int text_row_drop(struct db *db, uint64_t id);
CHECKED int seen_row_drop(struct db *db, const char *key);
/* Those from before @before_ms. */
CHECKED int seen_row_expire(struct db *db, int64_t before_ms);

typedef void (*outbox_row_fn)(const struct outbox_row *row, void *arg);
typedef void (*text_row_fn)(const struct text_row *row, void *arg);
typedef void (*seen_row_fn)(const struct seen_row *row, void *arg);
/* In the order of ids, or of time. As session_load_all(). */
CHECKED int outbox_row_load_all(struct db *db, outbox_row_fn fn, void *arg);
CHECKED int text_row_load_all(struct db *db, text_row_fn fn, void *arg);
CHECKED int seen_row_load_all(struct db *db, seen_row_fn fn, void *arg);
