/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Texts for accounts that the XMPP server has taken and sends back: it does not
 * reach the account's server, or starts, or has no room. The telephone's side
 * has its answer already, so they are given to it again, later, until it keeps
 * them or they are too old; the same stanza with the same id, which says when
 * it was written (XEP-0203).
 *
 *     given --bounced, may pass--> waiting (on disk) --due--> given
 *       |                             ^
 *       |   its turn, behind one of   |
 *       |   its conversation that  ---/
 *       |   waits
 *       \--bounced for good, or kept so long--> forgotten
 *
 * What was written later does not overtake what waits: a conversation waits as
 * a whole and is given as a whole, in its order. What was given and is not back
 * is in memory, and on disk in the outbox, for a few minutes.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/outbox_past.h"

struct chat;
struct gateway;
struct outbox_kept;
struct text_again;

enum {
	TEXT_GIVEN_MAX = OUTBOX_PAST_MAX, /* the oldest gives way */
	TEXT_GIVEN_OCTETS_MAX = OUTBOX_PAST_OCTETS_MAX,
	TEXT_GIVEN_MS = OUTBOX_PAST_MS,
	/* Waiting, their octets, and of both an account's share; the next that
	 * is back is lost for good, and what is new overtakes them. */
	TEXT_AGAIN_MAX = 5000, /* all of them may be given in one go */
	TEXT_AGAIN_ACCOUNT_MAX = TEXT_AGAIN_MAX / 4,
	TEXT_AGAIN_OCTETS_MAX = 16 * 1024 * 1024,
	TEXT_AGAIN_ACCOUNT_OCTETS_MAX = TEXT_AGAIN_OCTETS_MAX / 4,
	/* Doubled with each time, up to the second. */
	TEXT_AGAIN_MIN_MS = 10 * 1000,
	TEXT_AGAIN_MAX_MS = 15 * 60 * 1000,
	/* Times, where the server does not say whether it will pass: an account
	 * that is not there and one that is away get the same error. */
	TEXT_AGAIN_FEW = 3,
};
static_assert(TEXT_GIVEN_MAX > TEXT_AGAIN_MAX &&
		      TEXT_GIVEN_OCTETS_MAX >= TEXT_AGAIN_OCTETS_MAX,
	      "what is given again is known when it comes back once more");

/* Reads what an earlier run has left. 0 or -errno. */
CHECKED int text_again_new(struct text_again **out, struct gateway *gateway);
/* NULL is fine; returns NULL. */
struct text_again *text_again_free(struct text_again *again);

/* The turn of @message in the outbox. True: it waits here, on disk, behind
 * others. Else it is given; without memory it is not known when it comes back.
 */
bool text_again_turn(struct text_again *again,
		     const struct outbox_kept *message);

/* Whether the text @id from @from for @account (JIDs) was given to the server
 * in the last minutes, also by the run before, or waits here: it is on disk. */
bool text_again_has(const struct text_again *again, const char *account,
		    const char *from, const char *id);

/* CHAT_BOUNCED came. True: it will be given again. */
bool text_again_bounced(struct text_again *again, const struct chat *chat);

/* Give those again whose time has come at @now_ms (wall time), the first of
 * them now, more from the loop; what was given long before is forgotten. */
void text_again_due(struct text_again *again, int64_t now_ms);
/* Those for @account (bare JID) are not given again. */
void text_again_forget(struct text_again *again, const char *account);
/* All again, as rewriting_some_fn; of what was given, the outbox's rows. */
bool text_again_put_some(struct text_again *again, bool begin, int *r);
/* That wait. */
size_t text_again_waiting(const struct text_again *again);
