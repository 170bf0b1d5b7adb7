/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Inside of a Jingle session; for jingle*.c alone.
 *
 * An incoming iq is one action. Unless it has come before (jingle_seen.c) it is
 * read (jingle_read.c: syntax, no effect), answered, and then done
 * (jingle_act.c); the table in jingle.c says in which states. What we send is
 * in jingle_send.c.
 */
#pragma once

#include "media/desc.h"
#include "xmpp/jingle.h"
#include "xmpp/stanza.h"

#define JINGLE_NS_ERRORS "urn:xmpp:jingle:errors:1"
#define JINGLE_NS_INFO   "urn:xmpp:jingle:apps:rtp:info:1"
#define JINGLE_NS_DTMF   "urn:xmpp:jingle:dtmf:0"

enum { JINGLE_ID_LEN = 20 };

/* XEP-0166, 6.1: pending, active, ended; pending is two, one for each role. */
enum jingle_phase {
	JINGLE_IDLE,    /* before session-initiate */
	JINGLE_OFFERED, /* pending: ours is sent */
	JINGLE_INVITED, /* pending: the peer's has come */
	JINGLE_ACTIVE,
	JINGLE_ENDED,
	JINGLE_NPHASES,
};

/* XEP-0166, 7.2, in its order. */
enum jingle_action {
	JINGLE_CONTENT_ACCEPT,
	JINGLE_CONTENT_ADD,
	JINGLE_CONTENT_MODIFY,
	JINGLE_CONTENT_REJECT,
	JINGLE_CONTENT_REMOVE,
	JINGLE_DESCRIPTION_INFO,
	JINGLE_SECURITY_INFO,
	JINGLE_SESSION_ACCEPT,
	JINGLE_SESSION_INFO,
	JINGLE_SESSION_INITIATE,
	JINGLE_SESSION_TERMINATE,
	JINGLE_TRANSPORT_ACCEPT,
	JINGLE_TRANSPORT_INFO,
	JINGLE_TRANSPORT_REJECT,
	JINGLE_TRANSPORT_REPLACE,
	JINGLE_NACTIONS,
};

/* What an iq is answered with: static; NULL is a result. */
struct jingle_fault {
	const char *condition; /* RFC 6120 */
	const char *detail;    /* XEP-0166, 10; NULL none */
};

/* What an incoming action says. */
struct jingle_event {
	enum jingle_action action;
	const struct stanza *jingle; /* borrowed */
	uint64_t digest;             /* of all that it says */
	struct media_desc *desc;     /* session-initiate, session-accept */
	bool too_many;               /* its contents: desc is NULL then */
	enum reason reason;          /* session-terminate */
	const char *text;
	int info;   /* session-info: enum jingle_info, or -1 */
	char digit; /* NUL none */
	unsigned duration_ms;
};

/* ICE credentials of one side. */
struct jingle_creds {
	char ufrag[MEDIA_UFRAG_CAP], pwd[MEDIA_PWD_CAP];
};

struct jingle_seen {
	char *id; /* NULL: free */
	enum jingle_action action;
	uint64_t digest;
	const struct jingle_fault *fault;
};

struct jingle {
	const struct jingle_handlers *handlers;
	void *arg;
	char *sid, *local, *remote;
	bool initiator;
	enum jingle_phase phase;
	char mid[MEDIA_MID_CAP]; /* of the content that carries the call */
	enum media_dir remote_dir;
	struct jingle_creds ours, theirs;
	/* Theirs before the last restart: what still comes with it is late. */
	char stale_ufrag[MEDIA_UFRAG_CAP];
	bool restarting; /* ours has no answer yet */
	/* Candidates and fingerprints that came before the session-accept,
	 * which says whose they are. */
	struct media_content *early; /* owned; NULL none */
	char initiate_id[JINGLE_ID_LEN + 1];
	struct jingle_seen seen[JINGLE_SEEN_MAX];
	size_t next_seen;
};

/* jingle.c */

/* The one writer of phase. */
void jingle_enter(struct jingle *jingle, enum jingle_phase phase);

/* jingle_seen.c: iqs that come again */

/* Of a <jingle/>; 0 without memory. */
uint64_t jingle_seen_digest(const struct stanza *element);
/* The iq of that @id that said the same, borrowed, or NULL. */
const struct jingle_seen *jingle_seen_find(const struct jingle *jingle,
					   const char *id,
					   const struct jingle_event *e);
/* @e was answered with @fault. */
void jingle_seen_keep(struct jingle *jingle, const char *id,
		      const struct jingle_event *e,
		      const struct jingle_fault *fault);

/* jingle_read.c */

extern const char *const jingle_action_names[JINGLE_NACTIONS];
/* JINGLE_NACTIONS: none. */
enum jingle_action jingle_action_parse(const char *name);
/* @out->action and @out->jingle are set. NULL, or what is wrong with it. */
const struct jingle_fault *jingle_read(struct jingle *jingle,
				       struct jingle_event *out);
void jingle_event_fini(struct jingle_event *event);
/*
 * StanzaJS sends the ufrag without the pwd, others neither: then they are those
 * in force. New ones restart ICE, on the content that carries the call alone; a
 * content that was refused has its own.
 */
bool jingle_is_restart(const struct jingle *jingle,
		       const struct media_content *content);

/* jingle_act.c: what each action does once it has its result. */
void jingle_on_initiate(struct jingle *jingle, const struct jingle_event *e);
void jingle_on_accept(struct jingle *jingle, const struct jingle_event *e);
void jingle_on_terminate(struct jingle *jingle, const struct jingle_event *e);
void jingle_on_info(struct jingle *jingle, const struct jingle_event *e);
void jingle_on_transport(struct jingle *jingle, const struct jingle_event *e);
void jingle_on_add(struct jingle *jingle, const struct jingle_event *e);
void jingle_on_modify(struct jingle *jingle, const struct jingle_event *e);
void jingle_on_remove(struct jingle *jingle, const struct jingle_event *e);
void jingle_on_replace(struct jingle *jingle, const struct jingle_event *e);
void jingle_on_nothing(struct jingle *jingle, const struct jingle_event *e);

/* jingle_send.c */

/* Refuse contents or transports that the peer would add or exchange. */
void jingle_send_refusal(struct jingle *jingle, enum jingle_action action,
			 const struct stanza *theirs);
