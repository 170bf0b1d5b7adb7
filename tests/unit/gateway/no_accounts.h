/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A database in which an administrator has set nothing. Who has an answer of
 * his own to one of the questions defines OWN_<it> before.
 */
#pragma once

#include "db/account.h"

#ifndef OWN_ACCOUNT_FIND
const struct account *account_find(const struct account_store *store,
				   const char *jid)
{
	(void)store;
	(void)jid;
	return NULL;
}
#endif

const struct account_number *account_find_number(
	const struct account_store *store, const char *number)
{
	(void)store;
	(void)number;
	return NULL;
}

const struct account_number *account_first_carried(
	const struct account_store *store, const char *component)
{
	(void)store;
	(void)component;
	return NULL;
}

#ifndef OWN_ACCOUNT_EACH_NUMBER
void account_each_number(const struct account_store *store, const char *owner,
			 account_number_fn fn, void *arg)
{
	(void)store;
	(void)owner;
	(void)fn;
	(void)arg;
}
#endif
