/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Numbers whose texts go by another component of the XMPP server, as the SGXes
 * of Soprani.ca carry them for Cheogram: tandem.conf(5), number { texts }.
 *
 *     alice@example.org/phone           -> +15551234567@OURS       becomes
 *     alice\40example.org@OURS/phone    -> +15551234567@COMPONENT
 *
 * and back. A group is written to as "+15551230001,+15551230002@OURS", which is
 * the bare component and addresses sms:+… (XEP-0033) there; what comes from a
 * group says in its text who of it wrote. Short codes and senders with letters
 * are localparts with ";phone-context=…", and pictures links (XEP-0066): both
 * pass as they are.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "xmpp/jid.h"

struct chat;
struct gateway;
struct number;
struct stanza;

enum { TEXT_GROUP_MAX = 20 }; /* numbers that one text goes to */

/* Whether such a component could know the localpart @local. */
bool text_component_is_party(const char *local);

/* The account @jid, and its device, as a component knows it. 0 or -errno. */
CHECKED int text_component_proxy(char out[static JID_CAP],
				 const struct gateway *gateway,
				 const char *jid);

/* Write @chat of @account (bare JID) to the localpart @party by the component
 * of its @number. 0 or as outbox_send(). */
CHECKED int text_component_send(struct gateway *gateway,
				const struct chat *chat,
				const struct number *number,
				const char *account, const char *party);

/* What an account says of a text that came by a component: received, or seen.
 * False: it came by none. */
bool text_component_answer(struct gateway *gateway, const struct chat *chat);

/* An iq of @account (bare JID) to our domain. True: it asks about a
 * registration (XEP-0077) with the component that carries its texts, and is
 * answered. */
bool text_component_register(struct gateway *gateway, const struct stanza *iq,
			     const char *account);

/* What a component says to one of its accounts. False: it comes from none. */
bool text_component_take(struct gateway *gateway, const struct stanza *message);
