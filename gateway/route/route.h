/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Where a call goes: from an account's number to a trunk, from a trunk to the
 * account that owns the number, or to a built-in number. All numbers in here
 * are E.164; route_dial() says how a trunk writes them.
 */
#pragma once

#include "gateway/base/err.h"
#include "gateway/config/config.h"
#include "gateway/route/origin.h"
#include "sip/parties.h"

struct addr;
struct gateway;
struct number;
struct sip_invite;
struct sip_trunk;

/* Localparts of our domain: the echo, and who does not show a number. */
#define ROUTE_ECHO_LOCAL      "echo"
#define ROUTE_ANONYMOUS_LOCAL "anonymous"

enum {
	ROUTE_USER_CAP = 64,  /* a number, or a SIP user; with NUL */
	ROUTE_MAX_TRUNKS = 8, /* that a call tries */
};

/* What somebody wants to know it for. */
enum route_use {
	ROUTE_FOR_CALL,
	ROUTE_FOR_TRANSFER, /* of a call that counts already */
	/* Of a call to him, which goes on there. Help is called by people, not
	 * by whoever dials their number, and the echo is called for oneself. */
	ROUTE_FOR_FORWARD,
	ROUTE_FOR_LATER, /* a forward that he wants to set: nothing counts */
};

enum route_kind {
	ROUTE_TRUNK,   /* XMPP to SIP: trunks, from, to */
	ROUTE_ACCOUNT, /* to the account of @owner */
	ROUTE_ECHO,
};

enum route_outcome {
	ROUTE_E_FORBIDDEN = 1,   /* the account owns no number */
	ROUTE_E_NUMBER = 2,      /* not a number, not a user of a trunk */
	ROUTE_E_COUNTRY = 3,     /* a number in another form: moved.h */
	ROUTE_E_UNKNOWN = 4,     /* nobody owns it */
	ROUTE_E_BUSY = 5,        /* the account's limit of calls is reached */
	ROUTE_E_RATE = 6,        /* … of calls a minute */
	ROUTE_E_DESTINATION = 7, /* a prefix that is not allowed */
	ROUTE_E_MINUTES = 8,     /* … of minutes a day */
	ROUTE_E_TRUNK_BUSY = 9,  /* a limit of every trunk it could take */
	ROUTE_E_EMERGENCY = 10,  /* emergency calls are refused here */
	ROUTE_E_STRANGER = 11,   /* no trunk's, or none that it names */
	ROUTE_E_ANONYMOUS = 12,  /* refused by the trunk's rule */
	ROUTE_E_VERDICT = 13,    /* the same, for what was verified */
	ROUTE_NOUTCOMES
};

struct route_trunk {
	struct sip_trunk *trunk;           /* borrowed */
	const struct config_trunk *config; /* borrowed */
};

struct route {
	enum route_kind kind;
	/* The first of the trunks below; of a call from a trunk, its own. */
	struct sip_trunk *trunk;                 /* borrowed */
	const struct config_trunk *trunk_config; /* borrowed; NULL: none */
	/* In the order to try: those that answer before those that are down. */
	struct route_trunk trunks[ROUTE_MAX_TRUNKS];
	size_t ntrunks;
	const char *account; /* that calls; bare JID, borrowed, NULL */
	const char *owner;   /* bare JID, borrowed */
	/* The caller of a trunk as its rules write it; "" withheld, or too
	 * long. */
	char caller[ROUTE_USER_CAP];
	char from[ROUTE_USER_CAP]; /* what the called party sees */
	char to[ROUTE_USER_CAP];
	const char *display; /* a name to go with it, borrowed; NULL none */
	bool withhold;       /* the called party does not see who calls */
	bool emergency;      /* never limited */
	bool dialled_plain;  /* @to is a trunk's user or code, as it stands */
	enum route_use use;
	const char *diverted; /* our number that sends it on; borrowed, NULL */
	enum sip_diversion why_diverted;
	const struct sip_onward *onward; /* borrowed, NULL */
};

/* @account (bare JID) calls the localpart @local of our domain. */
CHECKED int route_from_account(struct route *out, struct gateway *gateway,
			       const char *account, const char *local);

/* The same for a call of the account's that lasts, and is to go on there: it
 * is no call more. */
CHECKED int route_transfer(struct route *out, struct gateway *gateway,
			   const char *account, const char *local);
/* The same for a call to the account, which goes on there. */
CHECKED int route_forward(struct route *out, struct gateway *gateway,
			  const char *account, const char *local);
/* Whether calls to the account could go on there, unless what is used up, or in
 * use, forbids it at that time. 0, ROUTE_E_*. */
CHECKED int route_can_forward(struct gateway *gateway, const char *account,
			      const char *local);

/* "+112" and "112" alike: those of the configuration, and what is known as one
 * in @region ("" none). */
bool route_is_emergency(const struct gateway *gateway, const char *text,
			const char *region);

/* Whether the echo may call @account (bare JID) as a test: 0, ROUTE_E_*. */
CHECKED int route_echo_to(struct gateway *gateway, const char *account);

/* As the @i-th of the route's trunks writes them. *@out is owned by the caller:
 * sip_parties_free(). 0, -EMSGSIZE, -ENOMEM. */
CHECKED int route_dial(struct sip_parties **out, const struct route *route,
		       size_t i);

/*
 * A trunk brings a call. @out->from is the localpart under which the caller is
 * known, @origin what else the trunk says.
 */
CHECKED int route_from_trunk(struct route *out, struct origin *origin,
			     struct gateway *gateway,
			     const struct sip_invite *invite);
/* The same of a text, for which limits of calls do not count. */
CHECKED int route_text_from_trunk(struct route *out, struct origin *origin,
				  struct gateway *gateway,
				  const struct sip_invite *invite);

/* Which number of ours a trunk's request names; by its Request-URI alone. 0,
 * ROUTE_E_STRANGER, ROUTE_E_UNKNOWN. */
CHECKED int route_number(struct number *out, struct gateway *gateway,
			 const struct sip_invite *request);

/*
 * Whose mailbox a NOTIFY of a trunk is about: of the number that @account (""
 * not said), its Request-URI or its To names, or of the only one on that trunk.
 * 0, ROUTE_E_STRANGER, ROUTE_E_UNKNOWN.
 */
CHECKED int route_mailbox(struct number *out, struct gateway *gateway,
			  const struct sip_invite *request,
			  const char *account);

/* Whose call @invite is; borrowed, or NULL. */
struct sip_trunk *route_trunk_for(struct gateway *gateway,
				  const struct sip_invite *invite);

/* Whether a trunk may speak from @source: the first that does, or NULL. */
struct sip_trunk *route_trunk_of(struct gateway *gateway,
				 const struct addr *source);

/*
 * The localpart under which a telephone that calls is known: "+digits", or
 * "user\40trunk" for others, or ROUTE_ANONYMOUS_LOCAL. 0 or -EMSGSIZE.
 */
CHECKED int route_caller_local(char *out, size_t cap, const char *user,
			       const char *trunk);
