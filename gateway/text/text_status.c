/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_status.h"

#include <stddef.h>

static const struct meaning {
	unsigned status;
	const char *condition;
	const char *words; /* NULL: the general ones */
} meanings[] = {
	{ 300, "redirect", NULL },
	{ 301, "gone", "The number has changed." },
	{ 302, "redirect", NULL },
	{ 305, "redirect", NULL },
	{ 380, "not-acceptable", NULL },
	{ 401, "not-authorized", "The carrier refused our credentials." },
	{ 402, "bad-request", NULL },
	{ 403, "forbidden",
	  "The carrier does not allow texts to this number." },
	{ 404, "item-not-found", "This number is not in service." },
	{ 405, "feature-not-implemented", "The carrier takes no texts." },
	{ 406, "not-acceptable", NULL },
	{ 407, "registration-required",
	  "The carrier refused our credentials." },
	{ 408, "remote-server-timeout", "The carrier did not answer." },
	{ 410, "gone", "The number is out of service." },
	{ 413, "policy-violation", "The text is too long for the carrier." },
	{ 414, "policy-violation", NULL },
	{ 415, "not-acceptable", "The carrier does not take such texts." },
	{ 416, "not-acceptable", NULL },
	{ 420, "feature-not-implemented", NULL },
	{ 421, "not-acceptable", NULL },
	{ 423, "resource-constraint", NULL },
	{ 430, "recipient-unavailable", NULL },
	{ 439, "feature-not-implemented", NULL },
	{ 440, "policy-violation", NULL },
	{ 480, "recipient-unavailable", "The number cannot be reached now." },
	{ 481, "item-not-found", NULL },
	{ 482, "not-acceptable", NULL },
	{ 483, "not-acceptable", NULL },
	{ 484, "item-not-found", "The number is not complete." },
	{ 485, "item-not-found", NULL },
	{ 486, "recipient-unavailable", "The number takes no texts now." },
	{ 487, "recipient-unavailable", NULL },
	{ 488, "not-acceptable", "The carrier does not take such texts." },
	{ 489, "policy-violation", NULL },
	{ 491, "unexpected-request", NULL },
	{ 501, "feature-not-implemented", "The carrier takes no texts." },
	{ 502, "remote-server-not-found", NULL },
	{ 504, "remote-server-timeout", "The carrier did not answer." },
	{ 505, "not-acceptable", NULL },
	{ 513, "policy-violation", "The text is too long for the carrier." },
	{ 604, "item-not-found", "This number is not in service." },
	{ 606, "not-acceptable", NULL },
};

/* The rest of each class. */
static const char *const classes[] = {
	[3] = "redirect",
	[4] = "bad-request",
	[5] = "internal-server-error",
	[6] = "recipient-unavailable",
};

static const struct meaning *find(unsigned status)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].status == status)
			return &meanings[i];
	}
	return NULL;
}

bool text_status_may_pass(unsigned status, bool local)
{
	enum { TOO_MANY_REQUESTS = 429 };

	return local || status == 408 || status == TOO_MANY_REQUESTS ||
	       status == 491 || status == 500 || status == 503 || status == 504;
}

const char *text_status_condition(unsigned status)
{
	const struct meaning *meaning = find(status);
	unsigned class = status / 100;

	if (meaning)
		return meaning->condition;
	return class >= 3 && class <= 6 ? classes[class]
					: "internal-server-error";
}

const char *text_status_words(unsigned status)
{
	const struct meaning *meaning = find(status);

	return meaning && meaning->words ? meaning->words
					 : "The carrier refused the text.";
}
