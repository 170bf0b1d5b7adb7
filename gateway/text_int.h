/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What gateway/text_account.c and gateway/text_trunk.c share. Nobody else
 * includes it.
 */
#pragma once

#include "gateway/base/slice.h"

struct recent;
struct text_queue;

#define TEXT_MAX_WORDS "1300" /* SIP_MESSAGE_TEXT_MAX */

struct texts {
	struct text_queue *queue;
	struct recent *seen;  /* repetitions */
	unsigned nseen;       /* put to disk since the start */
	struct recent *rates; /* texts of an account in a minute */
};

/*
 * @text as it may be shown: lines end in "\n", what is no character for people
 * becomes U+FFFD. Owned by the caller: free(). NULL without memory.
 */
char *text_body(struct slice text);
