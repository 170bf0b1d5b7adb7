/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Sessions of commands: XEP-0050, 2.3 and 6. An id that has ended is known for
 * a while to who had it, so that "session-expired" is told from
 * "bad-sessionid"; to all others it never was.
 */
#include <bsd/sys/queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "gateway/base/recent.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/base/tree.h"
#include "xmpp/adhoc.h"

enum { ENDED_MS = 24 * 3600 * 1000 };

struct adhoc_session {
	RB_ENTRY(adhoc_session) node_of_tree;
	TAILQ_ENTRY(adhoc_session) link; /* by last use */
	char id[ADHOC_SESSIONID_CAP];
	char *jid, *node; /* owned */
	void *arg;
	uint64_t used_ms;
};

RB_HEAD(session_tree, adhoc_session);

struct adhoc_sessions {
	struct session_tree tree;
	TAILQ_HEAD(, adhoc_session) order;
	size_t n;
	adhoc_ended_fn ended;
	struct recent *past; /* "id jid" */
};

static int compare(const struct adhoc_session *a, const struct adhoc_session *b)
{
	return strcmp(a->id, b->id);
}

TREE_GENERATE(session_tree, adhoc_session, node_of_tree, compare)

int adhoc_sessions_new(struct adhoc_sessions **out, adhoc_ended_fn ended)
{
	struct adhoc_sessions *sessions = calloc(1, sizeof(*sessions));
	int r = sessions
			? recent_new(&sessions->past, ADHOC_MAX_ENDED, ENDED_MS)
			: -ENOMEM;

	if (r) {
		free(sessions);
		return r;
	}
	RB_INIT(&sessions->tree);
	TAILQ_INIT(&sessions->order);
	sessions->ended = ended;
	*out = sessions;
	return 0;
}

/* NULL without memory: what has ended is unknown then. */
static char *past_name(const char *id, const char *jid)
{
	char *name = NULL;

	return asprintf(&name, "%s %s", id, jid) < 0 ? NULL : name;
}

static void remember(struct adhoc_sessions *sessions,
		     const struct adhoc_session *session)
{
	char *name = past_name(session->id, session->jid);

	if (name)
		recent_add(sessions->past, name, session->used_ms);
	free(name);
}

static bool is_past(const struct adhoc_sessions *sessions,
		    const struct adhoc_request *request, uint64_t now_ms)
{
	char *name = past_name(request->sessionid, request->from);
	bool known = name && recent_has(sessions->past, name, now_ms);

	free(name);
	return known;
}

void adhoc_session_close(struct adhoc_sessions *sessions,
			 struct adhoc_session *session)
{
	RB_REMOVE(session_tree, &sessions->tree, session);
	TAILQ_REMOVE(&sessions->order, session, link);
	sessions->n--;
	remember(sessions, session);
	sessions->ended(session->arg);
	free(session->jid);
	free(session->node);
	free(session);
}

struct adhoc_sessions *adhoc_sessions_free(struct adhoc_sessions *sessions)
{
	struct adhoc_session *session;

	if (!sessions)
		return NULL;
	while ((session = TAILQ_FIRST(&sessions->order)))
		adhoc_session_close(sessions, session);
	recent_free(sessions->past);
	free(sessions);
	return NULL;
}

/* Resources cost nobody anything. */
static bool is_same_account(const char *a, const char *b)
{
	size_t n = strcspn(a, "/");

	return n == strcspn(b, "/") && !strncmp(a, b, n);
}

/* The oldest gives way: of the same account, and of all. */
static void make_room(struct adhoc_sessions *sessions, const char *jid)
{
	struct adhoc_session *session, *oldest = NULL;
	size_t n = 0;

	TAILQ_FOREACH(session, &sessions->order, link) {
		if (!is_same_account(session->jid, jid))
			continue;
		if (!oldest)
			oldest = session;
		n++;
	}
	if (n >= ADHOC_MAX_OF_JID)
		adhoc_session_close(sessions, oldest);
	if (sessions->n >= ADHOC_MAX_SESSIONS)
		adhoc_session_close(sessions, TAILQ_FIRST(&sessions->order));
}

int adhoc_session_open(struct adhoc_session **out,
		       struct adhoc_sessions *sessions,
		       const struct adhoc_request *request, void *arg,
		       uint64_t now_ms)
{
	struct adhoc_session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->jid = text_dup(slice_of(request->from));
	session->node = text_dup(slice_of(request->node));
	if (!session->jid || !session->node) {
		free(session->jid);
		free(session->node);
		free(session);
		return -ENOMEM;
	}
	make_room(sessions, request->from);
	rand_token(session->id, sizeof(session->id) - 1);
	session->arg = arg;
	session->used_ms = now_ms;
	RB_INSERT(session_tree, &sessions->tree, session);
	TAILQ_INSERT_TAIL(&sessions->order, session, link);
	sessions->n++;
	*out = session;
	return 0;
}

int adhoc_session_find(struct adhoc_session **out,
		       struct adhoc_sessions *sessions,
		       const struct adhoc_request *request, uint64_t now_ms)
{
	struct adhoc_session key, *session = NULL;

	adhoc_sessions_expire(sessions, now_ms);
	if (!text_set(key.id, sizeof(key.id), request->sessionid))
		session = RB_FIND(session_tree, &sessions->tree, &key);
	if (session && !strcmp(session->jid, request->from) &&
	    !strcmp(session->node, request->node)) {
		session->used_ms = now_ms;
		TAILQ_REMOVE(&sessions->order, session, link);
		TAILQ_INSERT_TAIL(&sessions->order, session, link);
		*out = session;
		return 0;
	}
	return is_past(sessions, request, now_ms) ? ADHOC_E_SESSION_EXPIRED
						  : ADHOC_E_BAD_SESSIONID;
}

void *adhoc_session_arg(const struct adhoc_session *session)
{
	return session->arg;
}

const char *adhoc_session_id(const struct adhoc_session *session)
{
	return session->id;
}

void adhoc_sessions_expire(struct adhoc_sessions *sessions, uint64_t now_ms)
{
	struct adhoc_session *session;

	while ((session = TAILQ_FIRST(&sessions->order)) &&
	       now_ms - session->used_ms >= ADHOC_SESSION_MS)
		adhoc_session_close(sessions, session);
}

size_t adhoc_sessions_count(const struct adhoc_sessions *sessions)
{
	return sessions->n;
}
