/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of a leg over XMPP, shared by leg_xmpp.c (what the call wants),
 * leg_xmpp_target.c (the accounts it is about), leg_xmpp_message.c (XEP-0353),
 * leg_xmpp_fork.c (devices without it), leg_xmpp_move.c (another device),
 * leg_xmpp_tie.c (who is called calls), leg_xmpp_recall.c (who lost its media)
 * and leg_xmpp_session.c (XEP-0166).
 * Nobody else includes it.
 */
#pragma once

#include <bsd/sys/queue.h>

#include "gateway/base/tree.h"
#include "gateway/leg/leg_xmpp.h"
#include "xmpp/jingle.h"

struct event;
struct xmpp_account;
struct xmpp_fork;
struct xmpp_move;
struct xmpp_recall;

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
	/* From a finish to the end of the session that it is about. */
	XMPP_FINISH_MS = 2000,
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
	XMPP_LEG_PROPOSED,  /* by the caller, or by us to the callees */
	XMPP_LEG_PROCEEDED, /* we told the caller to begin its session */
	XMPP_LEG_SESSION,   /* session-initiate has passed */
	XMPP_LEG_RECALLING, /* its media is lost, its call is up */
	XMPP_LEG_ENDED,
};

enum xmpp_target_state {
	XMPP_TARGET_OPEN,  /* may still answer, or is the one we talk to */
	XMPP_TARGET_ENDED, /* .cause says why */
};

/*
 * An account that the leg is about: who calls, or one of those who are called.
 * It is found by the sid and the account, and counts as a call of that account
 * until it has ended.
 */
struct xmpp_target {
	RB_ENTRY(xmpp_target) link;
	LIST_ENTRY(xmpp_target) entry; /* of leg_xmpp.targets */
	struct leg_xmpp *xmpp;
	struct xmpp_account *account;    /* NULL: counted no more */
	LIST_ENTRY(xmpp_target) counted; /* of .account */
	enum xmpp_target_state state;
	enum cause cause;
	bool bounced; /* nobody there takes proposals */
	bool missed;  /* the call knows that it did not answer */
	bool theirs;  /* the sid: it called, or moved the call */
	char sid[XMPP_SID_CAP];
	const char *bare; /* domain and local in lower case */
	char text[];      /* what bare points to */
};

struct leg_xmpp {
	struct leg leg;
	struct gateway *gateway;
	enum xmpp_leg_state state;
	bool caller;
	bool initiated; /* by messages, not by a session at once */
	/* It is called, and has called the number itself: the device offers. */
	bool calls_back;
	bool rung;     /* the callee's ringing was told */
	bool ringing;  /* the caller was told that it rings */
	bool heard;    /* the device has answered our session-initiate */
	bool finished; /* the peer says so; its session is still there */
	enum cause finish_cause;
	bool restarting;  /* our ICE restart waits for its answer */
	bool restart_due; /* once that is there, or the session is */
	char sid[XMPP_SID_CAP];
	char *local;      /* our full JID */
	char *local_bare; /* as jid_bare() writes it */
	char *peer;       /* full JID of the device; NULL: none yet */
	char *nick;       /* of who calls, for the callees; NULL: none */
	LIST_HEAD(, xmpp_target) targets;
	struct jingle *jingle;
	LIST_HEAD(, xmpp_fork) forks; /* devices called by sessions at once */
	struct xmpp_move *move;       /* to another device; NULL: none is on */
	struct xmpp_recall *recall;   /* until it has answered; NULL: none */
	unsigned niqs;                /* out */
	struct event *timer;
	uint64_t proposed_ms;
};

static inline struct leg_xmpp *xmpp_of(struct leg *leg)
{
	return (struct leg_xmpp *)leg;
}

/* leg_xmpp.c */

/* Not of a call; NULL: no memory. */
struct leg_xmpp *xmpp_leg_new(struct gateway *gateway, const char *local);
void xmpp_arm(struct leg_xmpp *xmpp, unsigned ms);
CHECKED int xmpp_set_peer(struct leg_xmpp *xmpp, const char *full_jid);
/* Say that it is over, in the way that fits the state. */
void xmpp_hangup_now(struct leg_xmpp *xmpp, enum cause cause, const char *text);

/* leg_xmpp_target.c */

/* @account, of any case and with or without a resource, is one that @xmpp is
 * about, by @sid. 0, -EINVAL, -EEXIST (another leg's), -ENOMEM. */
CHECKED int xmpp_target_add(struct leg_xmpp *xmpp, const char *sid,
			    const char *account);
void xmpp_target_drop(struct xmpp_target *target);
/* Each leg of which an account has not ended. */
void xmpp_each(struct gateway *gateway, void (*fn)(struct leg_xmpp *));
/* That of the account of @jid, or NULL. */
struct xmpp_target *xmpp_target_find(struct leg_xmpp *xmpp, const char *jid);
/* It takes the call no more. */
void xmpp_target_end(struct xmpp_target *target, enum cause cause);
/* The leg ends by @cause: who has not answered has missed the call. */
void xmpp_targets_missed(const struct leg_xmpp *xmpp, enum cause cause);
/* Whether somebody may still answer; if not, @cause is that of all. */
bool xmpp_targets_open(const struct leg_xmpp *xmpp, enum cause *cause);

/* By which @account proposes a call to @local, that rings yet; borrowed, or
 * NULL. */
const char *xmpp_proposed_sid(struct gateway *gateway, const char *account,
			      const char *local);

/* leg_xmpp_message.c: what is said outside the session. 0, or it is lost: what
 * ends something never is. */
struct xmpp_words {
	enum jmi_action action;
	enum cause cause;   /* of what ends something */
	const char *text;   /* NULL none */
	const char *sid;    /* NULL: the leg's */
	enum reason reason; /* instead of the cause's, unless NONE */
	const char *migrated_to;
	bool tie_break;
};
int xmpp_say(struct leg_xmpp *xmpp, const char *to,
	     const struct xmpp_words *words);
/* To the device, or to the accounts that may still answer but @but, or NULL.
 * 0, or no one could be told. */
int xmpp_say_all(struct leg_xmpp *xmpp, const struct xmpp_target *but,
		 const struct xmpp_words *words);
void xmpp_say_ringing(struct leg_xmpp *xmpp);
void xmpp_send_receipt(struct leg_xmpp *xmpp, const struct jmi *propose);
/* What it means that the peer ends with @reason. */
enum cause xmpp_cause(const struct leg_xmpp *xmpp, enum reason reason);
/* @taker's device has the call: the other accounts stop ringing; with @all the
 * taker's other devices too, which no carbon tells. */
void xmpp_take(struct leg_xmpp *xmpp, const struct xmpp_target *taker,
	       bool all);
/* One of those who are called does not take it: the others may. */
void xmpp_end_target(struct leg_xmpp *xmpp, struct xmpp_target *target,
		     enum cause cause, const char *text);
/* It rings at a callee's: tell the call, once. */
void xmpp_rings(struct leg_xmpp *xmpp);
/* The peer has said that it is over, by a message alone. */
void xmpp_finish(struct leg_xmpp *xmpp);
/* The callee's device does not go on; the call does with the next, or ends. */
void xmpp_give_up(struct leg_xmpp *xmpp, enum cause cause, const char *text);

/* leg_xmpp_fork.c */

/* Call the devices of all targets that take no proposals. */
void xmpp_forks_begin(struct leg_xmpp *xmpp);
/* They stop ringing; @target NULL: those of all. */
void xmpp_forks_end(struct leg_xmpp *xmpp, const struct xmpp_target *target,
		    enum cause cause);
bool xmpp_forks_alive(const struct leg_xmpp *xmpp,
		      const struct xmpp_target *target);
/* Whether the device at @jid, a full JID, is called by such a session. */
bool xmpp_forks_call(const struct leg_xmpp *xmpp, const char *jid);
/* One more candidate of the offer that all of them have. 0 or -errno. */
CHECKED int xmpp_forks_candidate(struct leg_xmpp *xmpp,
				 const struct media_content *content,
				 const struct media_cand *cand);
void xmpp_forks_free(struct leg_xmpp *xmpp);
/* Whether @iq is of such a session; then it was taken care of. */
bool xmpp_forks_iq(struct leg_xmpp *xmpp, const struct stanza *iq);

/* leg_xmpp_move.c */

/* No other device takes the call; the second tells it. */
void xmpp_move_drop(struct leg_xmpp *xmpp);
void xmpp_move_refuse(struct leg_xmpp *xmpp, enum cause cause,
		      const char *text);
/* The session has ended: whether the call goes on, as another device is about
 * to take it. */
bool xmpp_move_outlives(struct leg_xmpp *xmpp);
/* Whether @jmi, or @iq, is of another session than the one in force; then it
 * was taken care of. */
bool xmpp_move_message(struct leg_xmpp *xmpp, const struct jmi *jmi);
bool xmpp_move_iq(struct leg_xmpp *xmpp, const struct stanza *iq);

/* The session in force ends, as the call goes on by that of @target, the only
 * one from now on; the device is told if @migrated. Media of before is gone. 0
 * or -errno. */
CHECKED int xmpp_leave_session(struct leg_xmpp *xmpp,
			       struct xmpp_target *target, bool migrated);

/* leg_xmpp_recall.c: leg_ops.recall */
CHECKED int xmpp_recall(struct leg *leg);
void xmpp_recall_drop(struct leg_xmpp *xmpp);
/* Nobody is called any more. */
void xmpp_recall_withdraw(struct leg_xmpp *xmpp, enum cause cause);
/* As the call ends: nor is there the session of before. */
void xmpp_recall_refuse(struct leg_xmpp *xmpp, enum cause cause);
void xmpp_recall_stream_up(struct leg_xmpp *xmpp);
/* The session in force has ended by @cause, or cannot go on: whether the call
 * does, as the device is called anew. */
bool xmpp_recall_outlives(struct leg_xmpp *xmpp, enum cause cause);
/* Whether @jmi is about that; then it was taken care of. */
bool xmpp_recall_message(struct leg_xmpp *xmpp, const struct jmi *jmi);
/* The device has accepted: leg.remote is set. */
void xmpp_recall_answered(struct leg_xmpp *xmpp);

/* leg_xmpp_tie.c: the offer of a device that calls back has come, and is
 * answered. 0, NEGOTIATE_E_*, or -errno. */
CHECKED int xmpp_tie_answer(struct leg_xmpp *xmpp);
/* A sid for those who are called, that counts against theirs. */
void xmpp_tie_sid(struct leg_xmpp *xmpp,
		  const struct leg_xmpp_callees *callees);

/* leg_xmpp_session.c */
extern const struct jingle_handlers xmpp_session_handlers;
/* Whether @stanza, of a session, is kept for when the stream is up again. */
bool xmpp_send_later(struct leg_xmpp *xmpp, const struct stanza *stanza);
CHECKED int xmpp_session_new(struct leg_xmpp *xmpp, bool initiator);
/* Open our side of the bridge and describe it, unless that is done. */
CHECKED int xmpp_session_prepare(struct leg_xmpp *xmpp);
/* Give our side of the bridge to the audio of @desc, and keep it. */
CHECKED int xmpp_describe(struct leg_xmpp *xmpp, struct media_desc *desc);
CHECKED int xmpp_session_offer(struct leg_xmpp *xmpp);
CHECKED int xmpp_session_restart(struct leg_xmpp *xmpp);
/* What had to wait. 0 or -errno. */
CHECKED int xmpp_session_restart_due(struct leg_xmpp *xmpp);
/* Say a restart without an answer again: the stream was down. */
void xmpp_session_repeat(struct leg_xmpp *xmpp);

/* leg_xmpp_save.c: leg_ops.store */
CHECKED int xmpp_store(struct leg *leg, struct session_row *row);
