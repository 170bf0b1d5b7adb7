/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Ad-hoc commands (XEP-0050): requests and answers, and the sessions between
 * them. Which commands there are and who may is the caller's.
 *
 * A session is bound to the full JID that began it and to its node. Its id
 * cannot be guessed; another's is as unknown as one that never was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct stanza;

#define ADHOC_NS "http://jabber.org/protocol/commands"

enum {
	ADHOC_SESSION_MS = 15 * 60 * 1000, /* without a request */
	ADHOC_MAX_SESSIONS = 1000,         /* of all; the oldest gives way */
	ADHOC_MAX_OF_JID = 16,             /* of a bare JID; the same */
	ADHOC_MAX_ENDED = 4 * ADHOC_MAX_SESSIONS, /* known as expired */
	ADHOC_SESSIONID_CAP = 33,
};

enum adhoc_action {
	ADHOC_EXECUTE, /* begin, or what the step does by itself */
	ADHOC_NEXT,
	ADHOC_PREV,
	ADHOC_COMPLETE,
	ADHOC_CANCEL,
	ADHOC_NACTIONS
};

/* Table 6 of 4.4: what each is answered with. */
enum adhoc_outcome {
	ADHOC_E_MALFORMED_ACTION = 1,
	ADHOC_E_BAD_ACTION,
	ADHOC_E_BAD_LOCALE,
	ADHOC_E_BAD_PAYLOAD,
	ADHOC_E_BAD_SESSIONID,
	ADHOC_E_SESSION_EXPIRED,
	ADHOC_E_FORBIDDEN,
	ADHOC_E_NOT_FOUND,
	ADHOC_E_REQUEST, /* no command at all: no node, an iq that asks */
	ADHOC_NOUTCOMES
};

/* Borrowed from the stanza. */
struct adhoc_request {
	const char *from; /* full JID */
	const char *node;
	const char *sessionid;        /* NULL: none */
	const struct stanza *command; /* with its form, if any */
	enum adhoc_action action;
};

/* Whether @iq asks for a command, well or not. */
bool adhoc_is_command(const struct stanza *iq);
/*
 * @iq, for which adhoc_is_command(). 0, ADHOC_E_REQUEST,
 * ADHOC_E_MALFORMED_ACTION, ADHOC_E_BAD_LOCALE (no language tag of RFC 5646;
 * any that is one is answered in English, with xml:lang).
 */
CHECKED int adhoc_parse(struct adhoc_request *out, const struct stanza *iq);

/* *@reply is owned by the caller; @text may be NULL. 0, -ENOMEM. */
CHECKED int adhoc_error(struct stanza **reply, const struct stanza *iq,
			int outcome, const char *text);

/* ---- sessions ---- */

struct adhoc_sessions;
struct adhoc_session;

/* @ended is called once for each session when it is closed, for whatever
 * reason, with what it was opened with. */
typedef void (*adhoc_ended_fn)(void *arg);
/* *@out is owned by the caller. 0, -ENOMEM. */
CHECKED int adhoc_sessions_new(struct adhoc_sessions **out,
			       adhoc_ended_fn ended);
/* Closes all. NULL is fine; returns NULL. */
struct adhoc_sessions *adhoc_sessions_free(struct adhoc_sessions *sessions);

/* *@out is borrowed until it is closed. 0, -ENOMEM (@arg is the caller's). */
CHECKED int adhoc_session_open(struct adhoc_session **out,
			       struct adhoc_sessions *sessions,
			       const struct adhoc_request *request, void *arg,
			       uint64_t now_ms);
/* That of @request, which has an id. 0, ADHOC_E_BAD_SESSIONID,
 * ADHOC_E_SESSION_EXPIRED. */
CHECKED int adhoc_session_find(struct adhoc_session **out,
			       struct adhoc_sessions *sessions,
			       const struct adhoc_request *request,
			       uint64_t now_ms);
void adhoc_session_close(struct adhoc_sessions *sessions,
			 struct adhoc_session *session);
void *adhoc_session_arg(const struct adhoc_session *session);
const char *adhoc_session_id(const struct adhoc_session *session);
/* Close those whose time is over. */
void adhoc_sessions_expire(struct adhoc_sessions *sessions, uint64_t now_ms);
size_t adhoc_sessions_count(const struct adhoc_sessions *sessions);

/* ---- steps and answers ---- */

enum adhoc_status { ADHOC_EXECUTING, ADHOC_COMPLETED, ADHOC_CANCELED };

/* Where a session stands. */
struct adhoc_stage {
	const char *node, *sessionid;
	enum adhoc_status status;
	bool first, last; /* step of those that ask */
};

/*
 * What @action means at @stage, whose status is executing: ADHOC_NEXT, _PREV,
 * _COMPLETE or _CANCEL. 0, ADHOC_E_BAD_ACTION: not one of its actions (3.4).
 */
CHECKED int adhoc_resolve(enum adhoc_action *out, enum adhoc_action action,
			  const struct adhoc_stage *stage);

/* A result with <command/> in *@command, to which form and notes are added.
 * *@reply is owned by the caller. 0, -ENOMEM. */
CHECKED int adhoc_answer(struct stanza **reply, struct stanza **command,
			 const struct stanza *iq,
			 const struct adhoc_stage *stage);
/* @type: "info", "warn", "error". */
void adhoc_note(struct stanza *command, const char *type, const char *text);
