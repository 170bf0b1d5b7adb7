/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Messages that people write (RFC 6121, 5), and what comes with them: receipts
 * (XEP-0184), stable ids (XEP-0359), hints (XEP-0334). Reading and writing
 * alone; who may write to whom is the gateway's.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct stanza;

enum chat_kind {
	CHAT_NOTHING,    /* states (XEP-0085), markers, receipts, errors */
	CHAT_TEXT,       /* @body is what was written */
	CHAT_ENCRYPTED,  /* nobody but its writer's friends can read it */
	CHAT_EDIT,       /* XEP-0308: of one that was sent */
	CHAT_RETRACTION, /* XEP-0424 */
	CHAT_REACTION,   /* XEP-0444 */
	CHAT_GROUP,      /* groupchat: there is no room here */
};

/* Borrowed from the stanza. */
struct chat {
	enum chat_kind kind;
	const char *from, *to;
	const char *id;   /* "" none */
	const char *body; /* CHAT_TEXT: not empty */
	const char *lang; /* of the body, RFC 5646; "" not said, or none */
	/* What tells a repetition from a new one: origin-id, else id; "" none.
	 */
	const char *origin_id;
	bool receipt_requested;
};

void chat_read(struct chat *out, const struct stanza *message);

/* A text to be written to an account. */
struct chat_text {
	const char *from, *to;
	const char *id; /* the same when it is sent again */
	const char *body;
	const char *lang; /* "" or NULL not said */
	const char *nick; /* XEP-0172; "" or NULL none */
};
/* *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int chat_format(struct stanza **out, const struct chat_text *text);

/* XEP-0184: @id has come to whom it was for. As chat_format(). */
CHECKED int chat_format_receipt(struct stanza **out, const char *from,
				const char *to, const char *id);
/* It has not, for RFC 6120's @condition; @text is for people. */
CHECKED int chat_format_error(struct stanza **out, const char *from,
			      const char *to, const char *id,
			      const char *condition, const char *text);
