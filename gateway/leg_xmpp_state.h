/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of a leg over XMPP, shared by leg_xmpp.c (what the call wants),
 * leg_xmpp_message.c (XEP-0353) and leg_xmpp_session.c (XEP-0166). Nobody else
 * includes it.
 */
#pragma once

#include "gateway/base/tree.h"

#include "gateway/leg_xmpp.h"
#include "xmpp/jingle.h"

struct event;

enum {
	XMPP_SID_CAP = 65,
	/* Conversations gives up 12 s after its proposal, Monal 30 s. */
	XMPP_RINGING_LATEST_MS = 8000,
	/* Monal's ringing lasts 45 s unless it is said again. */
	XMPP_RINGING_REPEAT_MS = 40000,
	/* Borogove, and clients without the number in their roster, send no
	 * ringing: a proposal that did not bounce rings. */
	XMPP_RINGS_ANYWAY_MS = 3000,
	/* Conversations rejects by itself after 30 s: that is no answer. */
	XMPP_REJECT_IS_TIMEOUT_MS = 28000,
	/* From our session-initiate to any sign of life of the device. */
	XMPP_SILENT_MS = 20000,
	/* How long the sid of an ended call is known: streams are resumed
	 * (XEP-0198) within minutes, and deliver again what they delivered. */
	XMPP_ENDED_MS = 600000,
	XMPP_ENDED_MAX = 4096,
	/* Our iqs whose answers are waited for. A peer that has us send more
	 * (content-add, to be refused) takes none of the others' room. */
	XMPP_IQS_MAX = 64,
};

enum xmpp_leg_state {
	XMPP_LEG_IDLE,
	XMPP_LEG_PROPOSED,  /* by the caller, or by us to the callee */
	XMPP_LEG_PROCEEDED, /* we told the caller to begin its session */
	XMPP_LEG_SESSION,   /* session-initiate has passed */
	XMPP_LEG_ENDED,
};

struct leg_xmpp {
	struct leg leg;
	RB_ENTRY(leg_xmpp) link;
	struct gateway *gateway;
	enum xmpp_leg_state state;
	bool caller;
	bool initiated;   /* by messages, not by a session at once */
	bool rung;        /* the callee's ringing was told */
	bool ringing;     /* the caller was told that it rings */
	bool heard;       /* the device has answered our session-initiate */
	bool restarting;  /* our ICE restart waits for its answer */
	bool restart_due; /* once that is there, or the session is */
	char sid[XMPP_SID_CAP];
	char *local;     /* our full JID */
	char *peer;      /* full JID once known, else bare */
	char *peer_bare; /* with domain and local in lower case */
	struct jingle *jingle;
	unsigned niqs; /* out */
	struct event *timer;
	uint64_t proposed_ms;
};

static inline struct leg_xmpp *xmpp_of(struct leg *leg)
{
	return (struct leg_xmpp *)leg;
}

/* leg_xmpp.c */
void xmpp_arm(struct leg_xmpp *xmpp, unsigned ms);
CHECKED int xmpp_set_peer(struct leg_xmpp *xmpp, const char *full_jid);

/* leg_xmpp_message.c: what is said outside the session. 0, or it is lost: what
 * ends something never is. */
int xmpp_say(struct leg_xmpp *xmpp, enum jmi_action action, enum cause cause,
	     const char *text);
void xmpp_say_ringing(struct leg_xmpp *xmpp);
/* What it means that the peer ends with @reason. */
enum cause xmpp_cause(const struct leg_xmpp *xmpp, enum reason reason);

/* leg_xmpp_session.c */
CHECKED int xmpp_session_new(struct leg_xmpp *xmpp, bool initiator);
/* Give our side of the bridge to the audio of @desc, and keep it. */
CHECKED int xmpp_describe(struct leg_xmpp *xmpp, struct media_desc *desc);
CHECKED int xmpp_session_offer(struct leg_xmpp *xmpp);
CHECKED int xmpp_session_restart(struct leg_xmpp *xmpp);
/* What had to wait. 0 or -errno. */
CHECKED int xmpp_session_restart_due(struct leg_xmpp *xmpp);
/* Say a restart without an answer again: the stream was down. */
void xmpp_session_repeat(struct leg_xmpp *xmpp);
