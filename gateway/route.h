/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Where a call goes: from an account's number to a trunk, from a trunk to the
 * account that owns the number, or to a built-in number.
 */
#pragma once

#include "gateway/base/err.h"
#include "gateway/config.h"

struct addr;
struct gateway;
struct sip_trunk;

enum {
	ROUTE_USER_CAP = 64, /* a number, or a SIP user; with NUL */
};

enum route_kind {
	ROUTE_TRUNK,   /* XMPP to SIP: trunk, from, to */
	ROUTE_ACCOUNT, /* to the account of @owner */
	ROUTE_ECHO,
};

enum route_outcome {
	ROUTE_E_FORBIDDEN = 1, /* the account owns no number */
	ROUTE_E_NUMBER = 2,    /* not a number, not a user of a trunk */
	ROUTE_E_COUNTRY = 3,   /* a number in another form: gateway/moved.h */
	ROUTE_E_UNKNOWN = 4,   /* nobody owns it */
	ROUTE_E_BUSY = 5,      /* the account's limit of calls is reached */
};

struct route {
	enum route_kind kind;
	struct sip_trunk *trunk;                 /* borrowed */
	const struct config_trunk *trunk_config; /* borrowed; NULL: none */
	const char *owner;                       /* bare JID, borrowed */
	char from[ROUTE_USER_CAP]; /* what the called party sees */
	char to[ROUTE_USER_CAP];
};

/* @account (bare JID) calls the localpart @local of our domain. */
CHECKED int route_from_account(struct route *out, struct gateway *gateway,
			       const char *account, const char *local);

/* @trunk brings a call for @user, or else for @to_user (RFC 3261, 8.2.2.1). */
CHECKED int route_from_trunk(struct route *out, struct gateway *gateway,
			     const char *user, const char *to_user);

/* The trunk that may speak from @source: borrowed, or NULL. */
struct sip_trunk *route_trunk_of(struct gateway *gateway,
				 const struct addr *source);

/*
 * The localpart under which a telephone that calls is known: "+digits", or
 * "user\40trunk" for others, or "anonymous". 0 or -EMSGSIZE.
 */
CHECKED int route_caller_local(char *out, size_t cap, const char *user,
			       const char *trunk);
