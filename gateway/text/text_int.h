/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the files of gateway/text share, and their tests. Nobody else includes
 * it.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "gateway/base/rand.h"
#include "gateway/base/slice.h"
#include "xmpp/jid.h"

struct gateway;
struct recent;
struct text_again;
struct text_queue;
struct text_reports;

enum { TEXT_SEEN_CAP = 2 * JID_CAP + sizeof(" 0123456789abcdef") };

LIST_HEAD(arrivals, arrival);
LIST_HEAD(askings, asking);

RB_HEAD(mailboxes, mailbox);

struct texts {
	struct mailboxes mailboxes; /* what was told of them last */
	struct text_queue *queue;
	struct text_reports *reports; /* that are awaited */
	struct text_again *again;     /* what the server may send back */
	struct arrivals arrivals;     /* of trunks, not on disk yet */
	struct askings askings;       /* of components, not answered yet */
	struct recent *seen;          /* repetitions */
	unsigned nseen;               /* put to disk since the start */
	struct recent *rates;         /* texts of an account in a minute */
	struct recent *sources;       /* of a telephone to a number, the same */
	struct recent *explained;     /* conversations; text_refuse.c */
	/* texts_put_some(): which of them, whether that is to begin, and the
	 * last key of what was seen. */
	size_t put;
	bool put_begins;
	char put_key[TEXT_SEEN_CAP];
};

/*
 * @text as it may be shown: lines end in "\n", what is no character for people
 * becomes U+FFFD. Owned by the caller: free(). NULL without memory.
 */
char *text_body(struct slice text);

/*
 * The stanza id of what the text @key becomes for @to: the same when it is
 * taken a second time, because we died before the first was acknowledged. By
 * chance where @key is "".
 */
void text_id(char out[static RAND_UUID_CAP], const char *key, const char *to,
	     const char *body);

/* What tells a repetition of the text @words with @id, by @account to @party;
 * "" nothing does. */
void text_key(char out[static TEXT_SEEN_CAP], const char *account,
	      const char *party, const char *id, const char *words);
/* Whether another text by @account to @party had that @id. */
bool texts_know_id(const struct gateway *gateway, const char *account,
		   const char *party, const char *id);
/* Whether the disk takes all that a text becomes, with its key: both are there
 * after a death, or neither is. */
bool texts_have_room(const struct gateway *gateway);
/* A text with that key has been taken, for this run and the next: what comes
 * with the same is a repetition. Or it has not, and may come again. */
void texts_remember(struct gateway *gateway, const char *key);
void texts_forget(struct gateway *gateway, const char *key);

/* By an administrator: @account (bare JID) has no say. */
bool texts_are_closed(const struct gateway *gateway, const char *account);
/* @account (bare JID) writes @n texts: whether that is more than it may in a
 * minute. */
bool texts_are_too_fast(struct gateway *gateway, const char *account, size_t n);

/* gateway/text/text_component_register.c: nobody waits for them any more. */
void text_askings_free(struct gateway *gateway);

/* gateway/text/text_trunk.c: nobody waits for them any more. */
void text_arrivals_free(struct gateway *gateway);

/* gateway/text/text_waiting.c */
void text_mailboxes_free(struct texts *texts);
