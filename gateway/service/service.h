/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The small queries that the domain and its numbers answer besides disco: how
 * numbers are written (XEP-0100), registration (XEP-0077), cards (XEP-0292,
 * 0054, 0172), where telephones are reached (XEP-0215), and who is not to be
 * heard (XEP-0191).
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "xmpp/disco.h"

struct gateway;
struct stanza;

#define NS_REGISTER "jabber:iq:register"

enum service_outcome {
	SERVICE_E_UNKNOWN = 1, /* no query of ours, or not here */
};

/* All borrowed for the call. */
struct service_query {
	struct gateway *gateway;
	const struct stanza *iq; /* get or set */
	enum disco_entity entity;
	const char *local;   /* of whom is asked; "": the domain */
	const char *account; /* who asks: a bare JID in lower case */
	/* What follows is filled in by service_answer(). */
	const struct stanza *payload;
	bool set;
};

/* The result or the error, owned by the caller. 0, SERVICE_E_UNKNOWN, -ENOMEM.
 */
CHECKED int service_answer(struct stanza **reply,
			   const struct service_query *query);

/* Hand @st over as the reply when all of it was kept. 0 or -ENOMEM. */
CHECKED int service_finish(struct stanza **reply, struct stanza **st);

/* One kind of query each; 0 or -ENOMEM. */
CHECKED int service_prompt(struct stanza **reply,
			   const struct service_query *query);
CHECKED int service_registration(struct stanza **reply,
				 const struct service_query *query);
CHECKED int service_telephones(struct stanza **reply,
			       const struct service_query *query);
CHECKED int service_card(struct stanza **reply,
			 const struct service_query *query);
CHECKED int service_old_card(struct stanza **reply,
			     const struct service_query *query);
CHECKED int service_block(struct stanza **reply,
			  const struct service_query *query);
CHECKED int service_items(struct stanza **reply,
			  const struct service_query *query);
