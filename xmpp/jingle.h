/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One Jingle session (XEP-0166, 6 and 7) with RTP over ICE-UDP (XEP-0167, 0176,
 * 0320, 0338): its states, its actions both ways, and its answers to iqs. No
 * I/O: stanzas go out through the send handler.
 *
 * Every jingle iq gets exactly one answer, given here. Answers of the peer are
 * never waited for (Monal leaves many out). All handlers are idempotent on
 * repeated stanzas: a resumed stream delivers twice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"
#include "xmpp/reason.h"

struct media_cand;
struct media_content;
struct media_desc;
struct stanza;
struct jingle;

enum jingle_outcome {
	JINGLE_E_STATE = 1, /* not in this state */
};

enum {
	JINGLE_SID_MAX = 64,
	/* Iqs whose answers are kept, to be given again to a repetition. */
	JINGLE_SEEN_MAX = 32,
	JINGLE_SEEN_ID_MAX = 256, /* octets; longer ones are not kept */
	JINGLE_DTMF_MS = 100,     /* XEP-0181: when no duration is said */
	JINGLE_DTMF_MAX_MS = 8000,
};

enum jingle_info {
	JINGLE_INFO_RINGING,
	JINGLE_INFO_HOLD,
	JINGLE_INFO_UNHOLD, /* also <active/> */
	JINGLE_INFO_MUTE,
	JINGLE_INFO_UNMUTE,
};

/*
 * The session must not be freed in them; everything else may be called. All are
 * set; only .send for a session that is restored to be terminated.
 */
struct jingle_handlers {
	/* Send @stanza, an iq of type set, result or error, borrowed. A set has
	 * its id already; its answer belongs to jingle_reply(). */
	void (*send)(struct stanza *stanza, void *arg);
	/* session-initiate from the peer, answered with a result already. */
	void (*offer)(const struct media_desc *offer, void *arg);
	/* session-accept from the peer. */
	void (*answer)(const struct media_desc *answer, void *arg);
	/*
	 * transport-info with the credentials in force; one call a candidate.
	 * Those that come before the session-accept follow its answer().
	 */
	void (*candidate)(const char *mid, const struct media_cand *cand,
			  void *arg);
	/* transport-info with new credentials: the peer restarts ICE, or
	 * answers our restart. @content has mid, ufrag, pwd, candidates. */
	void (*restart)(const struct media_content *content, void *arg);
	void (*info)(enum jingle_info info, void *arg);
	/* XEP-0181 */
	void (*digit)(char digit, unsigned duration_ms, void *arg);
	/* content-modify: the direction that the peer wants now (hold), from
	 * its view: a bit set of enum media_dir. Told when it changes. */
	void (*direction)(unsigned dir, void *arg);
	/*
	 * The session is over by the peer's doing: session-terminate, an error
	 * answered to our session-initiate, unknown-session to anything, an
	 * offer or answer that cannot be (we have terminated it then). @text is
	 * borrowed, NULL none. Nothing is called after it, nor after
	 * jingle_terminate().
	 */
	void (*ended)(enum reason reason, const char *text, void *arg);
};

struct jingle_config {                    /* borrowed for the call alone */
	const char *sid, *local, *remote; /* full JIDs */
	bool initiator;                   /* we are */
};

/*
 * *@out is owned by the caller; @handlers and @arg must outlive it. 0, -EINVAL
 * (a sid that is none, no JIDs), -ENOMEM.
 */
CHECKED int jingle_new(struct jingle **out, const struct jingle_config *config,
		       const struct jingle_handlers *handlers, void *arg);
/* Says nothing to the peer. NULL is fine; returns NULL. */
struct jingle *jingle_free(struct jingle *jingle);
DEFINE_AUTO(struct jingle *, jingle_free)

/*
 * An iq of type set with <jingle/> of this session's sid. From another than its
 * peer it gets unknown-session; but a session-terminate from another resource
 * of the same account counts (Conversations after it lost its stream).
 */
void jingle_receive(struct jingle *jingle, const struct stanza *iq);
/*
 * An answer to one of our iqs. An error to session-initiate ends the session,
 * unknown-session to any as well; other errors are ignored (Siskin knows no
 * session-info), and so are results.
 */
void jingle_reply(struct jingle *jingle, const struct stanza *iq);

/* session-initiate, once, by the initiator. 0, JINGLE_E_STATE, -ENOMEM. */
CHECKED int jingle_offer(struct jingle *jingle, const struct media_desc *offer);
/* session-accept, once, by the responder. 0, JINGLE_E_STATE, -ENOMEM. */
CHECKED int jingle_answer(struct jingle *jingle,
			  const struct media_desc *answer);
/*
 * transport-info: one content, one candidate, the credentials in force. This
 * and those below: 0, JINGLE_E_STATE, -ENOMEM. JINGLE_E_STATE also for the
 * responder before its answer: Conversations never applies those; put them into
 * the answer.
 */
CHECKED int jingle_candidate(struct jingle *jingle,
			     const struct media_content *content,
			     const struct media_cand *cand);
/*
 * transport-info with new credentials. A restart of ours has these alone and
 * its candidates follow, one each: Conversations takes credentials that come
 * with candidates for the answer to a restart of its own. The answer to the
 * peer's has all of them.
 *
 * When both restart at once the initiator's counts (XEP-0166, 7.2.16): the
 * peer's restart() without candidates, to a responder, overrules ours.
 */
CHECKED int jingle_restart(struct jingle *jingle,
			   const struct media_content *content);
CHECKED int jingle_answer_restart(struct jingle *jingle,
				  const struct media_content *content);
/* session-info of XEP-0167, 7. JINGLE_INFO_UNHOLD is written <active/>. */
CHECKED int jingle_info(struct jingle *jingle, enum jingle_info info);
/* An empty session-info (XEP-0166, 6.8): is the session still known? */
CHECKED int jingle_ping(struct jingle *jingle);
/*
 * session-terminate with a reason, always (REASON_NONE is written success).
 * Before session-initiate, and after the end, nothing is sent: the former
 * throws in Conversations. Nothing is told any more.
 */
void jingle_terminate(struct jingle *jingle, enum reason reason,
		      const char *text);

const char *jingle_sid(const struct jingle *jingle);
const char *jingle_local(const struct jingle *jingle);
const char *jingle_remote(const struct jingle *jingle);
/* Accepted, and not ended. */
bool jingle_is_up(const struct jingle *jingle);

/*
 * The errors of a jingle iq that belongs to no session: item-not-found with
 * unknown-session (XEP-0166, 7.2 and 6.6), or bad-request when its sid or its
 * action is none. *@reply is owned by the caller.
 * 0 or -ENOMEM.
 */
CHECKED int jingle_unknown(struct stanza **reply, const struct stanza *iq);
/* That of a session-initiate which loses against one of ours: conflict with
 * tie-break (XEP-0166, 7.2.16). As above. */
CHECKED int jingle_tie(struct stanza **reply, const struct stanza *iq);
/* Whether @iq has a <jingle/>, however malformed. */
bool jingle_is_iq(const struct stanza *iq);
/*
 * The sid of the <jingle/> of an iq and whether it is session-initiate,
 * borrowed. NULL: @iq has none, or its sid is none (bad-request then): 1 to
 * JINGLE_SID_MAX characters '!' to '~'.
 */
const char *jingle_iq_sid(const struct stanza *iq, bool *initiate);
/* Whether its action is session-terminate. */
bool jingle_iq_terminates(const struct stanza *iq);

/* All a fresh process needs to take the session up. Owned by the struct. */
struct jingle_state {
	char *sid, *local, *remote, *mid, *creator;
	bool initiator;
	char *local_ufrag, *local_pwd, *remote_ufrag, *remote_pwd;
};
/*
 * Of a session that has begun. It is restored as one that is up: what is saved
 * before the session-accept leaves shall hold when it has. Our credentials are
 * those of our offer or answer, "" before there is one. 0, JINGLE_E_STATE (not
 * begun, ended), -ENOMEM.
 */
CHECKED int jingle_save(const struct jingle *jingle, struct jingle_state *out);
void jingle_state_fini(struct jingle_state *state);
/* A session that is up. As jingle_new(); -EINVAL too for parts too long. */
CHECKED int jingle_restore(struct jingle **out,
			   const struct jingle_state *state,
			   const struct jingle_handlers *handlers, void *arg);
