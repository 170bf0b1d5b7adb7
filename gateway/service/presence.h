/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Presence of the gateway and its numbers: subscriptions both ways, probes, and
 * the announcement when the stream comes up (XEP-0100; without presence and
 * caps Dino, Movim and the iOS clients show no call button).
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "xmpp/disco.h"

struct gateway;
struct stanza;

/* What lives at the localpart @local of our domain for @account (a JID); false:
 * nothing. */
bool presence_entity(enum disco_entity *out, const struct gateway *gateway,
		     const char *account, const char *local);

/* Before the others; 0 or -ENOMEM. */
CHECKED int presence_new(struct gateway *gateway);
void presence_free(struct gateway *gateway);

void presence_receive(struct gateway *gateway, const struct stanza *presence);

/*
 * Tell @to that what lives at @local is there, with its caps. 0, -EINVAL
 * (nothing lives there), -ENOMEM, XMPP_E_*.
 */
int presence_show(struct gateway *gateway, const char *local, const char *to);
/* Ask which devices of @account (a bare JID) are there (RFC 6121, 4.3). 0,
 * -EINVAL, -ENOMEM, XMPP_E_*. */
int presence_probe(struct gateway *gateway, const char *local,
		   const char *account);
/* XEP-0100, 4.3.1: @account (a bare JID) is none of ours any more. What it is
 * subscribed to of ours ends, both ways. */
void presence_part(struct gateway *gateway, const char *account);
/* That it is not: never while @to has a call with it, which would end in Siskin
 * and StanzaJS. As presence_show(). */
int presence_hide(struct gateway *gateway, const char *local, const char *to);
