/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over XMPP: message initiation (XEP-0353), then a Jingle session
 * (XEP-0166), or the session at once. Its media is ICE with DTLS-SRTP.
 */
#pragma once

#include "gateway/leg.h"
#include "xmpp/jmi.h"

struct gateway;
struct stanza;

struct leg_xmpp_peer {     /* text is copied */
	const char *local; /* our full JID, +15551234567@domain/sip */
	const char *peer;  /* full JID of a caller, bare JID of a callee */
	const char *sid;   /* NULL for a callee: made */
};

/* *@out is owned by the caller, until a call takes it. 0, -EEXIST (the sid is
 * in use with that peer), -ENOMEM. */
CHECKED int leg_xmpp_new_callee(struct leg **out, struct gateway *gateway,
				const struct leg_xmpp_peer *peer);
CHECKED int leg_xmpp_new_caller(struct leg **out, struct gateway *gateway,
				const struct leg_xmpp_peer *peer);

/* A caller's leg is in its call now: take its proposal, or its
 * session-initiate. */
void leg_xmpp_begin(struct leg *leg, const struct jmi *propose);
void leg_xmpp_begin_session(struct leg *leg, const struct stanza *iq);

/* The leg of @sid whose peer is of @peer's account; borrowed, or NULL. */
struct leg *leg_xmpp_find(struct gateway *gateway, const char *sid,
			  const char *peer);
/* Whether that leg was a caller's and ended a while ago: what comes for it now
 * is late, or delivered twice, and begins nothing. */
bool leg_xmpp_has_ended(const struct gateway *gateway, const char *sid,
			const char *peer);
/* A message of initiation for the leg. */
void leg_xmpp_message(struct leg *leg, const struct jmi *jmi);
/* A jingle iq of type set for the leg: it is answered here. */
void leg_xmpp_iq(struct leg *leg, const struct stanza *iq);

/* Ask the peers of running sessions whether they still know them: what they
 * said while the stream was down is lost. So may be our ICE restarts: they are
 * said again. */
void leg_xmpp_stream_up(struct gateway *gateway);

/* The index of legs; one a gateway. */
CHECKED int leg_xmpp_index_new(struct gateway *gateway);
void leg_xmpp_index_free(struct gateway *gateway);
/* Forget the ended sessions whose time of being known is over. */
void leg_xmpp_index_expire(struct gateway *gateway, uint64_t now_ms);
