/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over XMPP: message initiation (XEP-0353), then a Jingle session
 * (XEP-0166), or the session at once. Its media is ICE with DTLS-SRTP.
 */
#pragma once

#include "gateway/leg/leg.h"
#include "xmpp/jingle.h"
#include "xmpp/jmi.h"

struct gateway;
struct stanza;

struct leg_xmpp_caller {
	const char *local; /* our full JID, +15551234567@domain/sip */
	const char *peer;  /* the full JID of the device that calls */
	const char *sid;
};

/* All of them ring, with one sid; the first that proceeds has the call. */
struct leg_xmpp_callees {
	const char *local;
	const char *const *accounts; /* bare JIDs */
	size_t naccounts;            /* at least one */
	const char *nick; /* a name for who calls (XEP-0172); NULL none */
};

/* *@out is owned by the caller, until a call takes it. Text is copied. 0,
 * -EEXIST (the sid is in use with that peer), -EINVAL (a JID, the sid),
 * -ENOMEM. */
CHECKED int leg_xmpp_new_callee(struct leg **out, struct gateway *gateway,
				const struct leg_xmpp_callees *callees);
CHECKED int leg_xmpp_new_caller(struct leg **out, struct gateway *gateway,
				const struct leg_xmpp_caller *caller);

/* A caller's leg is in its call now: take its proposal, or its
 * session-initiate. */
void leg_xmpp_begin(struct leg *leg, const struct jmi *propose);
void leg_xmpp_begin_session(struct leg *leg, const struct stanza *iq);

/* The leg of @sid whose peer is of @peer's account; borrowed, or NULL. */
struct leg *leg_xmpp_find(struct gateway *gateway, const char *sid,
			  const char *peer);
/* Whether that sid was the peer's and ended a while ago: what comes for it now
 * is late, or delivered twice, and begins nothing. */
bool leg_xmpp_has_ended(const struct gateway *gateway, const char *sid,
			const char *peer);
/* The account of a leg that talks proposes a call to the same number by another
 * device: it goes on there (XEP-0353, 0.8, existing session). */
void leg_xmpp_move(struct leg *leg, const struct jmi *propose);
/*
 * The account of a leg that leg_xmpp_calling() found proposes a call to who
 * calls it, or begins a session at once: one of the two counts, and both talk.
 */
void leg_xmpp_tie(struct leg *leg, const struct jmi *propose);
void leg_xmpp_tie_session(struct leg *leg, const struct stanza *iq);
/* A message of initiation for the leg. */
void leg_xmpp_message(struct leg *leg, const struct jmi *jmi);
/* A jingle iq of type set for the leg: it is answered here. */
void leg_xmpp_iq(struct leg *leg, const struct stanza *iq);

/* Ask the peers of running sessions whether they still know them: what they
 * said while the stream was down is lost. So may be our ICE restarts: they are
 * said again. */
void leg_xmpp_stream_up(struct gateway *gateway);

/* The calls that @account (a JID) has now, those that only ring included. */
unsigned leg_xmpp_calls_of(const struct gateway *gateway, const char *account);

/* The leg of @account (a JID) that talks to @local, our JID of a number, with
 * or without a resource; borrowed, or NULL. */
struct leg *leg_xmpp_talking(struct gateway *gateway, const char *account,
			     const char *local);

/* The leg by which @local calls @account, that nobody has taken yet. */
struct leg *leg_xmpp_calling(struct gateway *gateway, const char *account,
			     const char *local);
/* The same of a leg that takes digits: it talks, or is about to. */
struct leg *leg_xmpp_dialling(struct gateway *gateway, const char *account,
			      const char *local);

/* The index of legs; one a gateway. */
CHECKED int leg_xmpp_index_new(struct gateway *gateway);
void leg_xmpp_index_free(struct gateway *gateway);
/* Forget the ended sessions whose time of being known is over. */
void leg_xmpp_index_expire(struct gateway *gateway, uint64_t now_ms);

/* What @row tells of a session, to be taken up or ended. The caller's:
 * jingle_state_fini(). 0 or -ENOMEM. */
CHECKED int leg_xmpp_read_state(struct jingle_state *out,
				const struct session_row *row);
/* The leg of a call that another process was in, as its @row tells. *@out is
 * owned by the caller, until a call takes it. 0 or -errno. */
CHECKED int leg_xmpp_resume(struct leg **out, struct gateway *gateway,
			    const struct session_row *row);
