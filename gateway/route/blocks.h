/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whose texts and calls are not heard: by one account, or by all. In memory and
 * on disk (db/text_row.h); set by administrators and by accounts themselves.
 *
 * @party is the localpart under which a telephone is known: "+15551234567",
 * "anonymous"; or, with "*" at its end, all that begin so: "+1900*", "*".
 */
#pragma once

#include <stdbool.h>

#include "db/text_row.h"
#include "gateway/base/err.h"

struct gateway;
struct number;

enum { BLOCKS_MAX = 1000 }; /* of one account; of all in common, too */

/* Reads what was set. 0 or -errno. */
CHECKED int blocks_new(struct gateway *gateway);
void blocks_free(struct gateway *gateway);

/* Whether @account (bare JID), or everybody, does not hear @party. */
bool blocks_has(const struct gateway *gateway, const char *account,
		const char *party);
/* Those owners of @number who do not hear @party are none of it any more. */
void blocks_leave_out(const struct gateway *gateway, struct number *number,
		      const char *party);

/*
 * @account (bare JID; "": everybody) does not hear @party any more; or does
 * again. What is so already is fine. 0, -EINVAL (no such localpart), -E2BIG,
 * -ENOBUFS, -ENOMEM: nothing has changed.
 */
CHECKED int blocks_add(struct gateway *gateway, const char *account,
		       const char *party);
CHECKED int blocks_drop(struct gateway *gateway, const char *account,
			const char *party);

/* All again, as account_put_all(). */
CHECKED int blocks_put_all(struct gateway *gateway);

/* All of @account (a bare JID, in lower case), in memory alone: the disk is
 * seen to (account_drop()). */
void blocks_forget(struct gateway *gateway, const char *account);

/* Whom @from does not hear (bare JIDs, in lower case), @to does not either; in
 * memory alone, as account_move() does it on the disk. 0 or -ENOMEM. */
CHECKED int blocks_copy(struct gateway *gateway, const char *from,
			const char *to);

/* All of @account, in their order, as struct block_row; nothing may change
 * meanwhile. */
void blocks_each(const struct gateway *gateway, const char *account,
		 db_row_fn fn, void *arg);
