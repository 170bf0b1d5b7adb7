/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * All accounts: those in the database, and those that own a number of
 * tandem.conf(5) alone.
 */
#pragma once

struct account;
struct gateway;

/* @account: NULL where nothing is set. Nothing may change meanwhile. */
typedef void (*people_fn)(const char *jid, const struct account *account,
			  void *arg);
void people_each(const struct gateway *gateway, people_fn fn, void *arg);

/* The database has nothing of @jid any more (account_drop()): all that is in
 * memory goes as well. */
void people_forget(struct gateway *gateway, const char *jid);
