/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Stanzas that must reach the XMPP server, whatever becomes of the stream, the
 * server or this process: texts, receipts, what became of a text.
 *
 * A component stream acknowledges nothing (XEP-0114), so each batch is followed
 * by a ping (XEP-0199) that goes through the server and comes back: what was
 * sent before it has been taken. Until then a stanza is on disk, and is sent
 * again with the same id on the next stream.
 *
 *     kept --sent, ping answered--> taken --a later ping answered--> past
 *       ^---------the stream ends----/
 *
 * A server that ends answers a while longer than it delivers: ejabberd 23.01
 * takes what comes for sessions that it has ended already, and loses it. So
 * what it took in its last text_settle_ms (tandem.conf(5)) is sent again as
 * well. When this process ends that is no reason to send again what was taken.
 *
 * Calls never wait behind it: it has at most OUTBOX_WINDOW stanzas on the way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"

struct gateway;
struct stanza;

enum {
	/* Stanzas that wait, and their octets. What people write has half of
	 * the room, and of that an account a quarter; what became of texts
	 * that were acknowledged already (it has no words) has all of it. */
	OUTBOX_MAX = 40000,
	OUTBOX_NEW_MAX = OUTBOX_MAX / 2,
	OUTBOX_ACCOUNT_MAX = OUTBOX_NEW_MAX / 4,
	OUTBOX_OCTETS_MAX = 64 * 1024 * 1024,
	OUTBOX_NEW_OCTETS_MAX = OUTBOX_OCTETS_MAX / 2,
	OUTBOX_ACCOUNT_OCTETS_MAX = OUTBOX_NEW_OCTETS_MAX / 4,
	/* Of one stanza: less than a stream and its reader take
	 * (xmpp/stanza_text.h), as it is read in a wrapping after a restart
	 * and may have to say when it came. */
	OUTBOX_STANZA_MAX = 62 * 1024,
	OUTBOX_WINDOW = 64, /* sent and not confirmed */
	/* Sent later than that after it came: says when that was (XEP-0203). */
	OUTBOX_LATE_MS = 5000,
};

/* Reads what an earlier run has left. 0 or -errno. */
CHECKED int outbox_new(struct gateway *gateway);
void outbox_free(struct gateway *gateway);

void outbox_stream_up(struct gateway *gateway);
void outbox_stream_down(struct gateway *gateway);

/*
 * Keep @stanza, which has an id, and send it. It stays the caller's. @done (may
 * be NULL): 0, it is on disk; or -errno, the disk refuses it: then it has been
 * forgotten; without @done, which could say so, it is sent all the same. From
 * the loop, never from here; outbox_forget() ends that.
 * 0, -ENOBUFS, -EMSGSIZE (also what no stanza may be), -ENOMEM.
 */
CHECKED int outbox_send(struct gateway *gateway, const struct stanza *stanza,
			db_done_fn done, void *arg);
void outbox_forget(struct gateway *gateway, const void *arg);

/* The same of one that came at @kept_ms (wall time), which it says of itself
 * if that is a while ago. */
CHECKED int outbox_send_again(struct gateway *gateway,
			      const struct stanza *stanza, int64_t kept_ms);

/* What the outbox keeps; borrowed. */
struct outbox_kept {
	const struct stanza *stanza;
	uint64_t id; /* of its row, which outlasts it here (outbox_past.h) */
	int64_t kept_ms;
};

/*
 * The turn of @kept has come. True: another has it on disk now and sends it
 * again when it may go; the outbox forgets it. It must not be sent from there.
 */
typedef bool (*outbox_turn_fn)(const struct outbox_kept *kept, void *arg);
/* Who is asked; NULL nobody. */
void outbox_set_turn(struct gateway *gateway, outbox_turn_fn turn, void *arg);

/* Nothing that is for @account (bare JID) is sent, or sent again, or stays on
 * disk. */
void outbox_forget_account(struct gateway *gateway, const char *account);

/* All again, as rewriting_some_fn. */
bool outbox_put_some(struct gateway *gateway, bool begin, int *r);

/* Stanzas that the server has not taken. */
size_t outbox_waiting(const struct gateway *gateway);

typedef void (*outbox_fn)(const struct outbox_kept *kept, void *arg);
/* Those, and what it took a moment ago, in their order. At the start: all that
 * it has taken in the last minutes (gateway/outbox_past.h). */
void outbox_each(const struct gateway *gateway, outbox_fn fn, void *arg);
