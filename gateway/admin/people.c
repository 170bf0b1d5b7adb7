/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/people.h"

#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "db/contact.h"
#include "db/setting.h"
#include "gateway/gateway.h"
#include "gateway/route/blocks.h"
#include "gateway/route/limits.h"
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

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The owners in the file, in order, some of them several times; *@out is owned
 * by the caller. 0, -ENOMEM. */
static int sort_owners(const char ***out, size_t *n,
		       const struct config *config)
{
	size_t all = 0;

	*n = 0;
	for (size_t i = 0; i < config->nnumbers; i++)
		all += config->numbers[i].nowners;
	*out = calloc(all + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < config->nnumbers; i++) {
		const struct config_number *number = &config->numbers[i];

		for (size_t k = 0; k < number->nowners; k++)
			(*out)[(*n)++] = number->owners[k];
	}
	qsort(*out, *n, sizeof(**out), compare);
	return 0;
}

int people_each(const struct gateway *gateway, people_fn fn, void *arg)
{
	struct each each = { fn, arg };
	const char **owners;
	size_t n;
	int r = sort_owners(&owners, &n, gateway->config);

	if (r)
		return r;
	account_each(gateway->accounts, on_account, &each);
	for (size_t i = 0; i < n; i++) {
		bool again = i && !strcmp(owners[i - 1], owners[i]);

		if (!again && !account_find(gateway->accounts, owners[i]))
			fn(owners[i], NULL, arg);
	}
	free(owners);
	return 0;
}

void people_forget(struct gateway *gateway, const char *jid)
{
	limits_forget(gateway, QUOTA_ACCOUNT, jid);
	setting_forget(gateway->settings, SETTING_ACCOUNT, jid);
	contact_forget(gateway->contacts, jid);
	blocks_forget(gateway, jid);
	texts_forget_account(gateway, jid);
}
