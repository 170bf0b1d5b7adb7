/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Placing a call: the first message of either side becomes two legs and a call,
 * or a refusal that says why.
 */
#pragma once

#include "sip/agent.h"

struct gateway;
struct jmi;
struct stanza;

/* An account proposes a call (XEP-0353); refused by a reject. */
void place_proposal(struct gateway *gateway, const struct jmi *propose);

/* An account begins a session at once. Returns the stanza error's condition
 * when it is refused, NULL when the session has answered. */
const char *place_session(struct gateway *gateway, const struct stanza *iq,
			  const char *sid);

/* What an INVITE like @request would get now: 200, 486, 503. */
unsigned place_options(struct gateway *gateway,
		       const struct sip_invite *request);
/* A trunk's INVITE; refused with its status. */
void place_invite(struct gateway *gateway, struct sip_dialog *dialog,
		  const struct sip_invite *invite);
