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

enum jingle_info {
	JINGLE_INFO_RINGING,
	JINGLE_INFO_HOLD,
	JINGLE_INFO_UNHOLD, /* also <active/> */
	JINGLE_INFO_MUTE,
	JINGLE_INFO_UNMUTE,
};

struct jingle_handlers {
	/* Send @stanza, an iq of type set, result or error, borrowed. */
	void (*send)(struct stanza *stanza, void *arg);
	/* session-initiate from the peer. */
	void (*offer)(const struct media_desc *offer, void *arg);
	/* session-accept from the peer. */
	void (*answer)(const struct media_desc *answer, void *arg);
	/* transport-info with the credentials in force; one call a candidate.
	 */
	void (*candidate)(const char *mid, const struct media_cand *cand,
			  void *arg);
	/* transport-info with new credentials: the peer restarts ICE, or
	 * answers our restart. @content has ufrag, pwd, candidates. */
	void (*restart)(const struct media_content *content, void *arg);
	void (*info)(enum jingle_info info, void *arg);
	/* XEP-0181 */
	void (*digit)(char digit, unsigned duration_ms, void *arg);
	/* content-modify: the direction the peer wants now (hold). */
	void (*direction)(unsigned dir, void *arg);
	/* session-terminate from the peer, or an error it answered to our
	 * session-initiate. @text is borrowed. Nothing is called after it. */
	void (*ended)(enum reason reason, const char *text, void *arg);
};

struct jingle_config {                    /* borrowed for the call alone */
	const char *sid, *local, *remote; /* full JIDs */
	bool initiator;                   /* we are */
};

CHECKED int jingle_new(struct jingle **out, const struct jingle_config *config,
		       const struct jingle_handlers *handlers, void *arg);
struct jingle *jingle_free(struct jingle *jingle);

/* An iq of type set with <jingle/> of this session's sid from its peer. */
void jingle_receive(struct jingle *jingle, const struct stanza *iq);
/* An answer to one of our iqs; unknown-session ends the session. */
void jingle_reply(struct jingle *jingle, const struct stanza *iq);

/* session-initiate. 0, JINGLE_E_STATE, -ENOMEM. */
CHECKED int jingle_offer(struct jingle *jingle, const struct media_desc *offer);
/* session-accept. */
CHECKED int jingle_answer(struct jingle *jingle,
			  const struct media_desc *answer);
/* transport-info: one content, one candidate, the credentials in force. */
CHECKED int jingle_candidate(struct jingle *jingle,
			     const struct media_content *content,
			     const struct media_cand *cand);
/* transport-info with new credentials and all candidates: restart or answer. */
CHECKED int jingle_restart(struct jingle *jingle,
			   const struct media_content *content);
/* session-info of XEP-0167, 7: ringing, hold, active. */
CHECKED int jingle_info(struct jingle *jingle, enum jingle_info info);
/* session-terminate with a reason, always. */
void jingle_terminate(struct jingle *jingle, enum reason reason,
		      const char *text);

const char *jingle_sid(const struct jingle *jingle);
const char *jingle_local(const struct jingle *jingle);
const char *jingle_remote(const struct jingle *jingle);
bool jingle_is_up(const struct jingle *jingle);

/*
 * The errors of a jingle iq that belongs to no session: item-not-found with
 * unknown-session (XEP-0166, 7.2 and 6.6). *@reply is owned by the caller.
 */
CHECKED int jingle_unknown(struct stanza **reply, const struct stanza *iq);
/* The <jingle/> of an iq, its sid and whether it is session-initiate; NULL:
 * @iq has none. Borrowed. */
const char *jingle_iq_sid(const struct stanza *iq, bool *initiate);

/* All a fresh process needs to take the session up. Owned by the struct. */
struct jingle_state {
	char *sid, *local, *remote, *mid, *creator;
	bool initiator;
	char *local_ufrag, *local_pwd, *remote_ufrag, *remote_pwd;
};
CHECKED int jingle_save(const struct jingle *jingle, struct jingle_state *out);
void jingle_state_fini(struct jingle_state *state);
CHECKED int jingle_restore(struct jingle **out,
			   const struct jingle_state *state,
			   const struct jingle_handlers *handlers, void *arg);
