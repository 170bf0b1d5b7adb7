/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The devices of our accounts that are there, as their presence tells (RFC
 * 6121), and what they can do (XEP-0030, asked once for each XEP-0115 hash):
 * who cannot be proposed to (XEP-0353) is called directly.
 *
 * Presence says nothing of calls that run: streams are resumed (XEP-0198).
 */
#pragma once

#include "gateway/base/err.h"

struct gateway;
struct stanza;

enum { DEVICES_MAX = 16 /* of one account */ };

CHECKED int devices_new(struct gateway *gateway);
void devices_free(struct gateway *gateway);

/* Any presence that comes. Accounts without a number are not kept. */
void devices_presence(struct gateway *gateway, const struct stanza *presence);

/* How many there are of @account (bare JID). */
unsigned devices_count(const struct gateway *gateway, const char *account);

typedef void (*device_fn)(const char *jid, void *arg);
/* Those of @account (bare JID) that take audio calls, but no proposals. Nothing
 * changes meanwhile. */
void devices_each_direct(const struct gateway *gateway, const char *account,
			 device_fn fn, void *arg);
