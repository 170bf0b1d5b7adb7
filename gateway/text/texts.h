/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Texts between accounts and telephones.
 *
 *     account --message--> text_account.c --text_queue.c--> MESSAGE --> trunk
 *     account <--message-- outbox.c <-- text_trunk.c <------ MESSAGE <-- trunk
 *                                       text_waiting.c <----- NOTIFY <-- trunk
 *
 * A text is on disk before it is acknowledged to whom it came from, and leaves
 * it when the next has taken it: the trunk by a 2xx, the XMPP server as
 * gateway/outbox.h says. Those of one conversation go in their order, one at a
 * time.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct chat;
struct gateway;
struct sip_message;
struct sip_invite;
struct sip_message_in;
struct sip_trunk;
struct sip_waiting;

enum {
	TEXTS_MAX = 20000, /* that wait for trunks */
	/* Of them those of one account, which leaves room for others. */
	TEXTS_PER_ACCOUNT_MAX = 5000,
	/* The octets of their words. */
	TEXTS_OCTETS_MAX = 32 * 1024 * 1024,
	TEXTS_PER_ACCOUNT_OCTETS_MAX = TEXTS_OCTETS_MAX / 4,
	/* Unanswered MESSAGEs at a trunk; calls go beside them. */
	TEXTS_AT_ONCE = 16,
	/* After a failure that may pass: doubled up to the second. */
	TEXTS_RETRY_MIN_MS = 5 * 1000,
	TEXTS_RETRY_MAX_MS = 300 * 1000,
	/* How long a repetition is known. */
	TEXTS_SEEN_MS = 3600 * 1000,
	TEXTS_SEEN_MAX = 65536,
};

/* Reads what an earlier run has left. 0 or -errno. */
CHECKED int texts_new(struct gateway *gateway);
void texts_free(struct gateway *gateway);

/* The account (bare JID) is no more: nothing of it or for it is kept. */
void texts_forget_account(struct gateway *gateway, const char *account);

/* What is known of them again, as rewriting_some_fn. */
bool texts_put_some(struct gateway *gateway, bool begin, int *r);

/* A trunk may take texts again. */
void texts_trunk_up(struct gateway *gateway, const struct sip_trunk *trunk);

/* Somebody wrote @chat to an address of ours: taken, or answered. */
void texts_from_account(struct gateway *gateway, const struct chat *chat);
/* A trunk brings @what; @message is answered, now or later. */
void texts_from_trunk(struct gateway *gateway, struct sip_message *message,
		      const struct sip_message_in *what);
/*
 * A trunk tells of a mailbox (RFC 3842): the owners of its number are written
 * to when there is something new in it, not each time that it is told again.
 */
void texts_waiting(struct gateway *gateway, const struct sip_invite *request,
		   const struct sip_waiting *waiting);
