/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_from.h"

#include <string.h>

#include "db/contact.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"

/* What is kept for the contact @local, as long as the account owns it. */
static bool find_kept(struct number *out, const struct gateway *gateway,
		      const char *account, const char *local)
{
	const struct contact *contact =
		contact_find(gateway->contacts, account, local);

	return contact && contact->number && *contact->number &&
	       number_find(out, gateway, contact->number) &&
	       number_has_owner(out, account);
}

bool text_from(struct number *out, const struct gateway *gateway,
	       const char *account, const char *party)
{
	return find_kept(out, gateway, account, party) ||
	       number_of(out, gateway, account, NULL);
}

static void keep(struct gateway *gateway, const char *account,
		 const char *local, const char *number)
{
	const struct contact *known =
		contact_find(gateway->contacts, account, local);
	const struct contact contact = {
		.account = account,
		.local = local,
		.name = known ? known->name : "",
		.subscribed = known && known->subscribed,
		.seen_ms = clock_wall_ms(),
		.number = number,
	};

	int r = contact_put(gateway->contacts, &contact);

	if (r)
		log_warn("text=number-not-kept account=%s party=%s r=%d",
			 log_text(slice_of(account)).s,
			 log_text(slice_of(local)).s, r);
}

bool text_from_note(struct gateway *gateway, const char *account,
		    const char *party, const char *number)
{
	struct number before;

	/* Who has one number alone needs no memory. */
	if (number_count(gateway, account) < 2)
		return false;
	bool differs = !text_from(&before, gateway, account, party) ||
		       strcmp(before.number, number) != 0;
	/* Kept even where it is the first, which may change. */
	if (differs || !find_kept(&before, gateway, account, party))
		keep(gateway, account, party, number);
	return differs;
}
