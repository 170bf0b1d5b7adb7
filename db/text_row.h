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
	int64_t taken_ms;   /* by the server; 0: not yet */
};

enum text_kind {
	TEXT_PLAIN = 0,
	TEXT_REPORT = 1, /* @body is a report (RFC 5438); nobody waits for it */
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
	enum text_kind kind;
	uint64_t sent; /* octets of the body that the trunk has */
	bool markable; /* the sender wants to know more (XEP-0333) */
};

struct seen_row {
	const char *key;
	int64_t seen_ms;
};

/* Somebody wants to know what becomes of a text: gateway/text/text_report.h. */
struct report_row {
	const char *key;
	bool inbound;       /* a telephone wrote it */
	const char *jid;    /* the full JID that wrote it; "" a telephone did */
	const char *id;     /* under which who wrote it knows it; "" none */
	const char *number; /* the account's */
	const char *party;
	const char *trunk;
	const char *date; /* of the text, as its envelope has it */
	uint32_t wants;
	int64_t kept_ms;
};

/* The XMPP server has sent it back, and gets it again. */
struct again_row {
	const char *key;
	const char *stanza; /* XML */
	int64_t kept_ms, next_ms;
	uint32_t tries;
};

/* Not heard by @account (bare JID; "": by nobody): @party, a localpart of ours,
 * or, with "*" at its end, all that begin so. */
struct block_row {
	const char *account, *party;
	int64_t since_ms;
};

/* A row that the server has taken; one that is there stays as it is. */
CHECKED int outbox_row_keep(struct db *db, const struct outbox_row *row);
/* As session_put(). */
CHECKED int outbox_row_put(struct db *db, const struct outbox_row *row,
			   db_done_fn done, void *arg);
CHECKED int text_row_put(struct db *db, const struct text_row *row,
			 db_done_fn done, void *arg);
CHECKED int seen_row_put(struct db *db, const struct seen_row *row);
CHECKED int report_row_put(struct db *db, const struct report_row *row);
CHECKED int again_row_put(struct db *db, const struct again_row *row);
CHECKED int block_row_put(struct db *db, const struct block_row *row,
			  db_done_fn done, void *arg);

/* The trunk has so many octets of the text. */
CHECKED int text_row_sent(struct db *db, uint64_t id, uint64_t sent);

/* The server has taken those above @after up to @id. */
CHECKED int outbox_row_take(struct db *db, uint64_t after, uint64_t id,
			    int64_t taken_ms);
/* It has not taken those from @id on. */
CHECKED int outbox_row_take_back(struct db *db, uint64_t id);
/* All up to @id. */
CHECKED int outbox_row_drop_to(struct db *db, uint64_t id);
CHECKED int outbox_row_drop(struct db *db, uint64_t id);
CHECKED int text_row_drop(struct db *db, uint64_t id);
CHECKED int seen_row_drop(struct db *db, const char *key);
CHECKED int report_row_drop(struct db *db, const char *key);
CHECKED int again_row_drop(struct db *db, const char *key);
CHECKED int block_row_drop(struct db *db, const char *account,
			   const char *party, db_done_fn done, void *arg);
/* Those from before @before_ms. */
CHECKED int seen_row_expire(struct db *db, int64_t before_ms);
CHECKED int report_row_expire(struct db *db, int64_t before_ms);

/* In the order of ids, or of time; rows are of the struct that the name says.
 * As session_load_all(). */
CHECKED int outbox_row_load_all(struct db *db, db_row_fn fn, void *arg);
CHECKED int text_row_load_all(struct db *db, db_row_fn fn, void *arg);
CHECKED int seen_row_load_all(struct db *db, db_row_fn fn, void *arg);
CHECKED int report_row_load_all(struct db *db, db_row_fn fn, void *arg);
CHECKED int again_row_load_all(struct db *db, db_row_fn fn, void *arg);
CHECKED int block_row_load_all(struct db *db, db_row_fn fn, void *arg);
