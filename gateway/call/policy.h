/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What holds for an account: what an administrator has set for it
 * (db/account.h), else the keys of its number in tandem.conf(5), else the
 * defaults.
 */
#pragma once

#include <stdbool.h>

#include "db/account.h"

struct gateway;

enum {
	POLICY_RING_MIN_S = 5,
	POLICY_RING_MAX_S = 180,
	POLICY_TARGETS_MAX = 4,
};

struct policy {
	enum account_second second_call;
	const char *forward; /* a bare JID, a number, "sip:user@host", or "";
			      * borrowed until the accounts or the
			      * configuration change */
	const char *targets; /* bare JIDs that ring as well, blanks between;
			      * borrowed like @forward */
	enum account_early early_media; /* 0: the trunk's */
	bool chat_digits;
	bool enabled;       /* may be called */
	bool quiet;         /* wants not to be rung now */
	bool quiet_for_now; /* … as it is that time of the day */
	bool forwards;      /* every call, if @forward is not "" */
	unsigned ring_s;    /* then @forward, or nobody; 0: as configured */
};

/* @called: the number of the call, whose keys go before; NULL: any. */
void policy_of(struct policy *out, const struct gateway *gateway,
	       const char *account, const char *called);
