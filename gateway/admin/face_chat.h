/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The commands as a conversation with the domain, for clients without
 * XEP-0050: "help", "calls", "number-assign +1555… alice@example.org"; what a
 * command needs and was not said is asked for. To who may none, the domain
 * answers as if there were no such thing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct actor;
struct chat;
struct chats;
struct command;
struct form_values;
struct gateway;

enum {
	CHATS_MAX = 200,           /* conversations; the oldest gives way */
	CHATS_MAX_OF_JID = 16,     /* of a bare JID; the same */
	CHATS_MS = 15 * 60 * 1000, /* of a question without an answer */
};

CHECKED int chats_new(struct chats **out);
struct chats *chats_free(struct chats *chats);
void chats_expire(struct chats *chats, uint64_t now_ms);

/*
 * @command, which is live, with what was said of it to another face: it goes on
 * as a conversation with @jid, as far as @actor may. 0, or as args_add() and
 * form_values_merge().
 */
CHECKED int face_chat_begin(struct gateway *gateway, const struct actor *actor,
			    const struct command *command, const char *jid,
			    const struct form_values *said);

/* A message: whether it was for the domain, and has been answered or will be.
 */
bool face_chat_take(struct gateway *gateway, const struct chat *chat);
/* Those that a live command tells, and who may not hear it any more, are told
 * that. Not from within a command. */
void face_chat_recheck(struct gateway *gateway);
/* A message that came back: what a live command would tell there, nobody
 * hears. */
void face_chat_bounced(struct gateway *gateway, const struct chat *chat);
