/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a leg of a call can do, whatever protocol it speaks: the seam between
 * SIP and XMPP. gateway/call/call.c knows no more than this; leg_sip.c,
 * leg_xmpp.c and leg_echo.c implement it.
 *
 * A leg adds its transport to the descriptions that pass through it and
 * keeps the bridge's side up to date; codecs and direction are the call's.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "gateway/call/cause.h"
#include "media/bridge.h"
#include "media/desc.h"

struct call;
struct leg;
struct session_row;

enum leg_outcome {
	LEG_E_TRANSFER = 1, /* not now, not there, or the peer takes none */
};

/* 0 or -errno throughout: a failure ends the call. */
struct leg_ops {
	const char *name; /* "sip", "xmpp", "echo" */
	/* Gives the other side back what it sends, in its own payload types. */
	bool echoes;
	/* Bare JID of the account it is the leg of; borrowed, NULL: not (yet)
	 * known. NULL: it is no account's. */
	const char *(*account)(const struct leg *leg);
	/* What the peer knows it by, Call-ID or sid; borrowed, NULL: nothing
	 * yet. NULL: it has no name. */
	const char *(*id)(const struct leg *leg);
	/* Callee: call the peer. */
	int (*offer)(struct leg *leg, const struct media_desc *offer);
	/* Caller: it rings there. Can come repeatedly. */
	int (*ring)(struct leg *leg);
	/* Caller whose offer is not known yet: ask for it (XEP-0353). */
	int (*proceed)(struct leg *leg);
	/* Answer the offer that is open: the first or a later one. */
	int (*answer)(struct leg *leg, const struct media_desc *answer);
	/* Callee: leg->local has changed, offer it anew. NULL: cannot. */
	int (*reoffer)(struct leg *leg);
	/* One more local candidate of this side (RFC 8838); NULL: cannot. */
	int (*candidate)(struct leg *leg, const struct media_cand *cand);
	/* The other party put the call on hold or took it back. */
	int (*hold)(struct leg *leg, bool on);
	/* A digit for a peer that takes no telephone-event. */
	int (*digit)(struct leg *leg, char digit, unsigned duration_ms);
	/* Have the peer call @number (E.164) itself, in the place of this call,
	 * which ends when it is answered there. 0, LEG_E_TRANSFER, -errno;
	 * NULL: cannot. */
	int (*transfer)(struct leg *leg, const char *number);
	/* A call that is up has lost its media on this side for good: have the
	 * peer come to it by another session. leg_agrees() or leg_ends()
	 * follows. 0 or -errno; NULL: cannot. */
	int (*recall)(struct leg *leg);
	/* Our address has moved: restart ICE where there is ICE. */
	int (*restart)(struct leg *leg);
	/* Over, in whatever way fits the state. Raises no event. */
	void (*hangup)(struct leg *leg, enum cause cause, const char *text);
	/* Write the leg's row of the session table: fill what is the leg's in
	 * @row, then call_record_put(). NULL: it has none. */
	int (*store)(struct leg *leg, struct session_row *row);
	/* Its call is that of a process that died: its descriptions are there
	 * and its side of the bridge is back. NULL: it need not know. */
	int (*resumed)(struct leg *leg);
	struct leg *(*free)(struct leg *leg);
};

struct leg {
	const struct leg_ops *ops;
	struct call *call; /* set by the call; outlives the leg */
	enum media_side side;
	bool answered; /* the peer or we have accepted */
	bool offerer;  /* the description in force was offered by us */
	bool recalled; /* … is none, until its peer has come anew */
	/* What we and the peer said last; owned. NULL: nothing yet. */
	struct media_desc *local, *remote;
};

/*
 * What legs tell the call. Nothing is done inside these: the event is queued
 * when one is being handled already. Descriptions are borrowed.
 */
/* The caller wants the callee and has made no offer yet. */
void leg_calls(struct leg *leg);
void leg_rings(struct leg *leg);
/* A callee has picked up; what it says of media is still to come. */
void leg_proceeds(struct leg *leg);
/* Ringing with media: leg->remote is set. */
void leg_rings_early(struct leg *leg);
/* The callee accepted; leg->remote is set. */
void leg_answers(struct leg *leg);
/* The peer's (late or new) offer; leg->remote is set. */
void leg_offers(struct leg *leg);
/* The answer to an offer of ours in a running call; leg->remote is set. */
void leg_agrees(struct leg *leg);
void leg_holds(struct leg *leg, bool on);
void leg_digit(struct leg *leg, char digit, unsigned duration_ms);
/* The peer ended or refused; @text is borrowed, what the peer said, or NULL. */
void leg_ends(struct leg *leg, enum cause cause, const char *text);

/* Replace leg->local or leg->remote by a copy. 0 or -ENOMEM. */
CHECKED int leg_set_local(struct leg *leg, const struct media_desc *desc);
CHECKED int leg_set_remote(struct leg *leg, const struct media_desc *desc);
/* The audio content in force on either side; NULL: none. */
struct media_content *leg_local_audio(const struct leg *leg);
struct media_content *leg_remote_audio(const struct leg *leg);
/* What both parties of the other leg agree on, or what was agreed with this one
 * when nobody is there; NULL: nothing yet. */
const struct media_desc *leg_agreed(const struct leg *leg);
/* What the party of the other leg sends, as it was told it first and knows it;
 * NULL: that does not matter. */
const struct media_codec *leg_heard(const struct leg *leg);
/* What we may send to the peer: its answer, or ours to its offer. */
const struct media_content *leg_tx_audio(const struct leg *leg);
void leg_fini(struct leg *leg);
