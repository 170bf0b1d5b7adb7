/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who may what: administrators by the keys admins, operators and readers of
 * tandem.conf(5), users by the numbers they own.
 */
#pragma once

#include <stdbool.h>

#include "xmpp/disco.h"
#include "xmpp/jid.h"

struct gateway;

/* Of an administrator; each may what those before it may. */
enum role { ROLE_NONE, ROLE_READER, ROLE_OPERATOR, ROLE_OWNER, ROLE_NVALUES };
/* "none", "read-only", "operator", "owner". False: another. */
bool role_parse(enum role *out, const char *name);

/* What a command asks for. */
enum role_need {
	NEED_USER, /* owns a number */
	NEED_MOVE, /* an account wants to become this one (moves.h) */
	NEED_READER,
	NEED_OPERATOR,
	NEED_OWNER,
};

/* Who does something, by which face. */
struct actor {
	char who[JID_CAP];     /* for the audit: a bare JID, or "uid 0" */
	char account[JID_CAP]; /* a bare JID whose user commands work; "" */
	const char *face;      /* "ad-hoc", "chat", "socket"; constant */
	enum role role;
	bool is_user;
	bool is_awaited; /* NEED_MOVE */
};

/* Who writes from @from, a JID. False: it is none. */
bool role_actor(struct actor *out, const struct gateway *gateway,
		const char *from, const char *face);
bool role_may(const struct actor *actor, enum role_need need);
/* Whether there is any command for @from. */
bool role_may_anything(const struct gateway *gateway, const char *from);

/* The domain as @from sees it: with commands or without. */
enum disco_entity role_entity(const struct gateway *gateway, const char *from,
			      enum disco_entity entity);
