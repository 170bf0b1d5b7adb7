/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who calls an account: the name that a trunk gave, kept for that account alone
 * (db/contact.h), and how the caller's address is made known to its devices.
 */
#pragma once

#include "gateway/base/err.h"
#include "gateway/route/route.h"
#include "sip/identity.h"
#include "xmpp/jid.h"

struct gateway;

enum {
	CALLER_NAME_MAX = 128, /* octets; a longer one is cut */
	CALLER_NICK_CAP = SIP_DISPLAY_CAP + JID_PART_MAX + ROUTE_USER_CAP + 16,
};

/* @display is cleaned text, or ""; a name that is the number again is none. */
void caller_keep_name(struct gateway *gateway, const char *account,
		      const char *local, const char *display);

/* The name under which @local has called @account; NULL none. Borrowed until
 * the next change of the contacts. */
const char *caller_name(const struct gateway *gateway, const char *account,
			const char *local);

/*
 * What clients show as the name (XEP-0172) of who calls or writes from our
 * @jid: the trunk's @name (NULL or "" none), and which number it is to, where
 * that is one of several (else @to is NULL). "": nothing to show. 0 or
 * -EMSGSIZE.
 */
CHECKED int caller_nick(char out[static CALLER_NICK_CAP], const char *name,
			const char *jid, const char *to);

/*
 * Before a proposal. Who is not subscribed to @local gets its presence with its
 * caps (XEP-0353, 0.8, 3.1): Dino and the iOS clients take calls, and offer to
 * call back, by what they say. Who is gets its nickname, if it has one
 * (XEP-0172, 4.5; Conversations shows no other).
 */
void caller_introduce(struct gateway *gateway, const char *account,
		      const char *local);
