/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Digits as a text: who talks to a number and sends it "1234#" as a chat
 * message presses these keys; while the call connects they wait for it. For
 * clients that have none (Conversations, Dino, Monal). A text of its own to a
 * number is another's matter.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct gateway;
struct stanza;

enum {
	CHAT_DIGITS_MAX = 32, /* of one message */
	CHAT_DIGITS_MS = 100, /* each */
};

CHECKED int chat_digits_new(struct gateway *gateway);
void chat_digits_free(struct gateway *gateway);

/*
 * Whether @message was that: nothing but the sixteen keys and blanks, live,
 * from an account that talks to this number now, or is about to, and whose
 * policy allows it. Then it was played, once however often it comes, and has
 * its receipt (XEP-0184).
 */
bool chat_digits_take(struct gateway *gateway, const struct stanza *message);
