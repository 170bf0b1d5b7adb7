/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * From which of its numbers an account writes to somebody: from the one that
 * they wrote to last, else from its first. Kept with its contacts
 * (db/contact.h).
 */
#pragma once

#include <stdbool.h>

struct gateway;
struct number;

/* The number of @account (bare JID) that writes to the localpart @party; false:
 * it has none. */
bool text_from(struct number *out, const struct gateway *gateway,
	       const char *account, const char *party);

/*
 * @party has written to the account's @number: answers come from there. True:
 * from another one than before, which is worth telling.
 */
bool text_from_note(struct gateway *gateway, const char *account,
		    const char *party, const char *number);
