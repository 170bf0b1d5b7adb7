/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of the queue of texts, shared by text_queue.c (conversations),
 * text_kept.c (how texts come into them), text_send.c (what is sent, and what
 * became of it) and text_bill.c. Nobody else includes it.
 */
#pragma once

#include <bsd/sys/queue.h>

#include "db/text_row.h"
#include "gateway/base/rand.h"
#include "gateway/base/tree.h"
#include "gateway/config/config.h"
#include "gateway/route/route.h"
#include "gateway/text/text_queue.h"
#include "gateway/text/text_sender.h"

struct event;
struct question;
struct sip_request;
struct tally;

enum { TEXT_KEY_CAP = ROUTE_USER_CAP + TEXT_SENDER_CAP };

struct text {
	TAILQ_ENTRY(text) link;
	struct conversation *conversation;
	uint64_t id;
	char *sender, *stanza_id, *lang, *body;
	char call_id[RAND_UUID_CAP];
	enum text_kind kind;
	size_t sent; /* octets of the body that the trunk has */
	bool receipt, markable, on_disk;
	uint64_t hold; /* its stanza, until it is on disk: xmpp_stream.h */
	bool paid;     /* billing lets it go; asked anew after a restart */
	int64_t received_ms;
};

/* One number writes to another. It lives as long as it has texts. */
struct conversation {
	RB_ENTRY(conversation) link;
	TAILQ_ENTRY(conversation) ready; /* of its lane */
	struct text_queue *queue;
	struct lane *lane;
	char key[TEXT_KEY_CAP]; /* "number party" */
	char number[ROUTE_USER_CAP], party[TEXT_SENDER_CAP];
	TAILQ_HEAD(, text) texts;
	bool is_ready;
	struct sip_request *request; /* of the first, on its way */
	struct question *question;   /* about the first; NULL: none is open */
	size_t part;                 /* octets of the first in it */
	bool reported;       /* what became of the first will be told later */
	struct event *retry; /* NULL before the first failure */
	unsigned failures;   /* in a row */
};

/* What goes to one trunk. */
struct lane {
	SLIST_ENTRY(lane) link;
	char name[CONFIG_TRUNK_NAME_MAX + 1];
	TAILQ_HEAD(, conversation) ready;
	unsigned at_once;
};

struct text_queue {
	struct gateway *gateway;
	RB_HEAD(conversations, conversation) conversations;
	SLIST_HEAD(, lane) lanes;
	size_t n, octets;
	struct tally *writers; /* bare JIDs, with what each has here */
	uint64_t last_id;
	struct event *sweep; /* for what has waited too long */
	/* text_queue_put_some(): the last, and its conversation */
	uint64_t put_id;
	char put_key[TEXT_KEY_CAP];
};

/* text_kept.c: all of it again. 0 or -errno. */
CHECKED int text_put_again(const struct text *text);
/* A db_row_fn for a struct text_queue. */
void text_read_row(const void *row, void *queue);

/* text_queue.c: that of @row, made when there is none. NULL without memory. */
struct conversation *text_conversation(struct text_queue *queue,
				       const struct text_row *row);
void text_conversation_free(struct conversation *c);
/* @text is none of its conversation, and freed. */
void text_take_out(struct text *text);
void text_free(struct text *text);

/* text_queue.c: its first text can go, unless it is on its way or waits for
 * another try. */
void text_wake(struct conversation *c);
/* It is not to go now. */
void text_rest(struct conversation *c);
/* The part of its first text that was on its way is with the trunk. @c may be
 * freed. */
void text_part_taken(struct conversation *c);
/* It goes by @trunk from now on. 0 or -ENOMEM. */
CHECKED int text_move(struct conversation *c, const char *trunk);
/* Its first text is over: delivered, refused or too old. @c may be freed. */
void text_finish_first(struct conversation *c);

/* text_send.c: send what may go to one trunk. */
void text_pump(struct text_queue *queue, struct lane *lane);
/* The whole of the first text of @c is with the trunk. @c may be freed. */
void text_delivered(struct conversation *c);
/* Whether the first text of @c was too old, and has been refused. */
bool text_refuse_if_old(struct conversation *c);
/* The first text of @c is over, and its writer is told so. @c may be freed. */
void text_refuse_first(struct conversation *c, const char *condition,
		       const char *words);

enum text_bill_outcome {
	TEXT_BILL_E_ASKED = 1, /* it waits for the answer */
};
/* text_bill.c: 0, the first text of @c may go; TEXT_BILL_E_ASKED, -ENOMEM. */
CHECKED int text_bill(struct conversation *c);
