/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What our domain and our number JIDs say of themselves: XEP-0030, XEP-0115,
 * presence of numbers, and the small queries XEP-0092, 0199, 0202.
 */
#pragma once

#include "gateway/base/err.h"

struct stanza;

enum disco_entity {
	DISCO_GATEWAY, /* the bare domain: gateway/pstn, gateway/sip */
	DISCO_NUMBER,  /* +15551234567@domain, bare and full */
	DISCO_ECHO,    /* the built-in numbers */
};

enum { DISCO_CAPS_CAP = 32 };

/*
 * The answer to a disco#info or disco#items query. *@reply is owned by the
 * caller. An unknown node: item-not-found (XEP-0030, 3.3). 0 or -ENOMEM.
 */
CHECKED int disco_answer(struct stanza **reply, const struct stanza *iq,
			 enum disco_entity entity);

/* XEP-0115, 5.1: base64 of SHA-1 over sorted identities and features. */
CHECKED int disco_caps_hash(char out[static DISCO_CAPS_CAP],
			    enum disco_entity entity);

/* Available presence with caps, from @from to @to. */
CHECKED int disco_presence(struct stanza **out, enum disco_entity entity,
			   const char *from, const char *to);

/*
 * Answers to queries that every entity understands: ping, version, time.
 * 0, -ENOMEM, or 1: not one of these.
 */
CHECKED int disco_basic_answer(struct stanza **reply, const struct stanza *iq);
