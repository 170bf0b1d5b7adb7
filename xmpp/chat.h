/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Messages that people write (RFC 6121, 5), and what comes with them: receipts
 * (XEP-0184), markers (XEP-0333), stable ids (XEP-0359), hints (XEP-0334).
 * Reading and writing alone; who may write to whom is the gateway's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct stanza;

#define NS_DELAY "urn:xmpp:delay" /* XEP-0203 */

enum chat_kind {
	CHAT_NOTHING,    /* states (XEP-0085) and what else nobody wrote */
	CHAT_TEXT,       /* @body is what was written */
	CHAT_EMPTY,      /* a body with nothing in it */
	CHAT_ENCRYPTED,  /* nobody but its writer's friends can read it */
	CHAT_EDIT,       /* XEP-0308: of one that was sent */
	CHAT_RETRACTION, /* XEP-0424 */
	CHAT_REACTION,   /* XEP-0444 */
	CHAT_FILE,       /* XEP-0447, 0385 without an address in the body */
	CHAT_MARKUP,     /* XEP-0071 without the plain text that it needs */
	CHAT_GROUP,      /* groupchat, invitation: there is no room here */
	/* Of a text that we delivered, @about is its id: */
	CHAT_RECEIVED,  /* XEP-0184 */
	CHAT_DISPLAYED, /* XEP-0333, 0490 */
	CHAT_BOUNCED,   /* an error; @body is its text, if any, … */
};

enum { CHAT_LINKS_MAX = 16 };

/* Borrowed from the stanza. */
struct chat {
	enum chat_kind kind;
	const char *from, *to;
	const char *id;      /* "" none */
	const char *body;    /* CHAT_TEXT: not empty */
	const char *subject; /* "" none */
	const char *lang;    /* of the body, RFC 5646; "" not said, or none */
	/* What tells a repetition from a new one: origin-id, else id; "" none.
	 */
	const char *origin_id;
	const char *about;
	const char *condition, *error_type; /* … RFC 6120, 8.3.2; "" none */
	/* What is to be looked at: XEP-0066, or the addresses of XEP-0447; what
	 * is more than that is left out. Without a body the first is it. */
	const char *links[CHAT_LINKS_MAX];
	size_t nlinks;
	bool receipt_requested;
	bool markable; /* XEP-0333: who wrote it wants to know of more */
};

void chat_read(struct chat *out, const struct stanza *message);
/* Whether people wrote @message; not: it says what became of one. */
bool chat_has_words(const struct stanza *message);

/* A text to be written to an account. */
struct chat_text {
	const char *from, *to;
	const char *id; /* the same when it is sent again */
	const char *body;
	const char *subject;      /* "" or NULL none */
	const char *lang;         /* "" or NULL not said */
	const char *nick;         /* XEP-0172; "" or NULL none */
	const char *const *links; /* XEP-0066 */
	size_t nlinks;
	bool receipt;  /* who wrote it wants to know that it has come */
	bool markable; /* … that it has been seen */
	bool passing;  /* of this moment: nobody is to keep or copy it */
};
/* *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int chat_format(struct stanza **out, const struct chat_text *text);

/* XEP-0203: it was written at @wall_ms, says @domain. */
void chat_add_delay(struct stanza *message, const char *domain,
		    int64_t wall_ms);

/* XEP-0184: @id has come to whom it was for. As chat_format(). */
CHECKED int chat_format_receipt(struct stanza **out, const char *from,
				const char *to, const char *id);
/* XEP-0333: and was seen there. */
CHECKED int chat_format_displayed(struct stanza **out, const char *from,
				  const char *to, const char *id);
/* It has not, for RFC 6120's @condition; @text is for people. */
CHECKED int chat_format_error(struct stanza **out, const char *from,
			      const char *to, const char *id,
			      const char *condition, const char *text);
