/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Accounts that are about to get another JID. Both JIDs prove themselves: the
 * old one asks and is given a code, the new one says it. Kept in memory: a
 * restart ends them.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "xmpp/jid.h"

struct moves;

enum {
	MOVES_MAX = 1000, /* open at a time; the oldest gives way */
	MOVE_MS = 10 * 60 * 1000,
	MOVE_TRIES = 5,
	MOVE_CODE_LEN = 8,
};

enum move_outcome {
	MOVE_E_CODE = 1, /* that is none, or its time is over */
	MOVE_E_OVER,     /* … and it was the last try */
};

CHECKED int moves_new(struct moves **out);
struct moves *moves_free(struct moves *moves);

/* From @from to @to, bare JIDs, in the place of what @from has asked before.
 * 0 or -ENOMEM. */
CHECKED int moves_open(struct moves *moves, const char *from, const char *to,
		       char code[static MOVE_CODE_LEN + 1]);
/* Whether one to @to, a bare JID, is open. @moves NULL: no. */
bool moves_await(const struct moves *moves, const char *to);
/* @to says @code: which account it proves, in @from, whose move is closed. 0,
 * MOVE_E_*. */
CHECKED int moves_prove(struct moves *moves, const char *to, const char *code,
			char from[static JID_CAP]);
