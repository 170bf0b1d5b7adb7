/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What gateway/text/text_account.c and gateway/text/text_trunk.c share. Nobody
 * else includes it.
 */
#pragma once

#include <bsd/sys/queue.h>

#include "gateway/base/slice.h"

struct gateway;
struct recent;
struct text_queue;

#define TEXT_MAX_WORDS "1300" /* SIP_MESSAGE_TEXT_MAX */

LIST_HEAD(arrivals, arrival);

struct texts {
	struct text_queue *queue;
	struct arrivals arrivals; /* of trunks, not on disk yet */
	struct recent *seen;      /* repetitions */
	unsigned nseen;           /* put to disk since the start */
	struct recent *rates;     /* texts of an account in a minute */
};

/*
 * @text as it may be shown: lines end in "\n", what is no character for people
 * becomes U+FFFD. Owned by the caller: free(). NULL without memory.
 */
char *text_body(struct slice text);

/* gateway/text/text_trunk.c: nobody waits for them any more. */
void text_arrivals_free(struct gateway *gateway);
