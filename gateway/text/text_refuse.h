/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What an account is told when we do not take what it wrote: a stanza error
 * each time, and where many clients show none (a reaction has no bubble) once
 * a day in each conversation a text in plain words, if it has a number here.
 */
#pragma once

#include "xmpp/chat.h"

struct gateway;

enum {
	TEXT_EXPLAIN_MS = 24 * 3600 * 1000,
	TEXT_EXPLAINED_MAX = 65536, /* conversations */
};

struct text_refusal {
	const char *condition; /* RFC 6120, 8.3.3 */
	const char *words;     /* one or two sentences */
};

/* Why we take none of the kind; NULL: we do. Static. */
const struct text_refusal *text_refusal_of(enum chat_kind kind);

void text_refuse(struct gateway *gateway, const struct chat *chat,
		 const struct text_refusal *why);
/* The same, and in plain words each time, up to texts_per_minute. */
void text_refuse_aloud(struct gateway *gateway, const struct chat *chat,
		       const struct text_refusal *why);
