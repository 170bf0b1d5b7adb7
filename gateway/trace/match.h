/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a trace follows: an account and its numbers, a number however it is
 * written, or one call by any of its names (ours, Call-ID, sid). What it has
 * matched teaches it further names, by which the rest of a conversation is
 * found.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"
#include "xmpp/jid.h"

struct gateway;
struct stanza;

enum {
	MATCH_WHAT_CAP = JID_CAP,
	MATCH_NUMBER_MIN = 7, /* digits that make two spellings one number */
	MATCH_NUMBERS_MAX = 8,
	MATCH_DIGITS_CAP = 20,
	MATCH_NAMES_MAX = 256, /* learned; the oldest is forgotten */
	MATCH_NAME_CAP = 256,
};

struct match {
	char jid[JID_CAP];                                 /* bare; "" none */
	char numbers[MATCH_NUMBERS_MAX][MATCH_DIGITS_CAP]; /* digits alone */
	size_t nnumbers;
	char (*names)[MATCH_NAME_CAP]; /* a ring of MATCH_NAMES_MAX */
	size_t nnames;                 /* ever learned */
};

/* @what as somebody typed it. @match: match_fini(). 0, -EINVAL (neither a JID,
 * nor a number, nor a name that fits), -ENOMEM. */
CHECKED int match_init(struct match *match, const struct gateway *gateway,
		       const char *what);
void match_fini(struct match *match);

/* Text that may be a number, in any spelling: "+1555…", "001555…", "555…". */
bool match_number(const struct match *match, struct slice text);
bool match_jid(const struct match *match, const char *jid);
/* A name of a conversation: known already, and from now on. Longer ones than
 * MATCH_NAME_CAP are none. */
bool match_knows(const struct match *match, struct slice name);
void match_learn(struct match *match, struct slice name);

/* The whole message by its addresses or Call-ID. */
bool match_sip(const struct match *match, struct slice message);
/* The stanza by its addresses, or the names of a conversation in it. */
bool match_stanza(const struct match *match, const struct stanza *stanza);
/* The sid or proposal (XEP-0166, 0353) that a stanza is about; empty: none. */
struct slice match_sid(const struct stanza *stanza);
/* So that the answer to a request is found. */
void match_learn_request(struct match *match, const struct stanza *stanza);
