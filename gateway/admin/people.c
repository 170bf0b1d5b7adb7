/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/people.h"

#include "db/account.h"
#include "db/contact.h"
#include "db/setting.h"
#include "gateway/gateway.h"
#include "gateway/route/blocks.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/service/presence.h"
#include "gateway/text/texts.h"

struct each {
	people_fn fn;
	void *arg;
};

static void on_account(const struct account *account, void *arg)
{
	const struct each *each = arg;

	each->fn(account->jid, account, each->arg);
}

void people_each(const struct gateway *gateway, people_fn fn, void *arg)
{
	struct each each = { fn, arg };
	const char *owner = "";

	account_each(gateway->accounts, on_account, &each);
	while ((owner = config_owner_after(gateway->config, owner))) {
		if (!account_find(gateway->accounts, owner))
			fn(owner, NULL, arg);
	}
}

void people_forget(struct gateway *gateway, const char *jid)
{
	/* As long as it is known of what; the file may name it as an owner. */
	if (!number_count(gateway, jid))
		presence_part(gateway, jid);
	limits_forget(gateway, QUOTA_ACCOUNT, jid);
	setting_forget(gateway->settings, SETTING_ACCOUNT, jid);
	contact_forget(gateway->contacts, jid);
	blocks_forget(gateway, jid);
	texts_forget_account(gateway, jid);
}
