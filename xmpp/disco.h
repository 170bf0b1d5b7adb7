/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What our domain and our number JIDs say of themselves: XEP-0030, XEP-0115,
 * presence of numbers, and the small queries XEP-0092, 0199, 0202.
 */
#pragma once

#include "gateway/base/err.h"

struct stanza;

enum disco_entity {
	DISCO_GATEWAY,   /* the bare domain: gateway/pstn, sip, sms */
	DISCO_COMMANDED, /* the same, for who may command it */
	DISCO_NUMBER,    /* +15551234567@domain, bare and full */
	DISCO_ECHO,      /* the built-in numbers */
};

enum { DISCO_CAPS_CAP = 32 };

/* Namespaces of the queries that disco_answer() is for. */
#define DISCO_NS_INFO  "http://jabber.org/protocol/disco#info"
#define DISCO_NS_ITEMS "http://jabber.org/protocol/disco#items"
/* What our caps' node begins with (XEP-0115, 4): the software, no place. */
#define DISCO_CAPS_NODE "https://tandem.invalid/gateway"
/* The localpart of the built-in number, an item of the domain. */
#define DISCO_ECHO_LOCAL "echo"

/*
 * The answer to a disco#info or disco#items query, an iq of type get or set.
 * The node of our caps is known, with and without its hash, and echoed; an
 * unknown node: item-not-found (XEP-0030, 3.3). A set, or another query, gets
 * its error. *@reply is owned by the caller. 0 or -ENOMEM.
 */
CHECKED int disco_answer(struct stanza **reply, const struct stanza *iq,
			 enum disco_entity entity);

/* XEP-0115, 5.1: base64 of SHA-1 over sorted identities and features. 0 or
 * -ENOMEM. */
CHECKED int disco_caps_hash(char out[static DISCO_CAPS_CAP],
			    enum disco_entity entity);

/* Available presence with caps, from @from to @to. *@out is owned by the
 * caller. 0 or -ENOMEM. */
CHECKED int disco_presence(struct stanza **out, enum disco_entity entity,
			   const char *from, const char *to);

/*
 * Answers to queries that every entity understands: ping, version, time.
 * *@reply is owned by the caller. 0, -ENOMEM, or 1: not one of these.
 */
CHECKED int disco_basic_answer(struct stanza **reply, const struct stanza *iq);
