/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/people.h"

#include <stdbool.h>

#include "db/account.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"

struct each {
	people_fn fn;
	void *arg;
};

static void on_account(const struct account *account, void *arg)
{
	const struct each *each = arg;

	each->fn(account->jid, account, each->arg);
}

/* By the database, or by a number before the @n-th. */
static bool is_told(const struct gateway *gateway, size_t n, const char *jid)
{
	const struct config_number *numbers = gateway->config->numbers;

	if (account_find(gateway->accounts, jid))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (number_is_owned(&numbers[i], jid))
			return true;
	}
	return false;
}

void people_each(const struct gateway *gateway, people_fn fn, void *arg)
{
	struct each each = { fn, arg };

	account_each(gateway->accounts, on_account, &each);
	for (size_t i = 0; i < gateway->config->nnumbers; i++) {
		const struct config_number *number =
			&gateway->config->numbers[i];

		for (size_t k = 0; k < number->nowners; k++) {
			if (!is_told(gateway, i, number->owners[k]))
				fn(number->owners[k], NULL, arg);
		}
	}
}
