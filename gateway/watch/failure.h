/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The last calls that failed or were refused, in memory: for the status page,
 * and for who asks why his last call failed when it never became a call.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct failures;

enum {
	FAILURES_MAX = 200,
	/* Who is refused in masses pushes nobody else out: of one caller. */
	FAILURES_EACH_MAX = 20,
	FAILURE_TEXT_MAX = 1024, /* octets of each text; more is cut */
};

/* Texts are copied, and borrowed until the next is added. */
struct failure {
	int64_t at_ms;         /* wall */
	const char *call;      /* "": it was refused before it was one */
	const char *from, *to; /* a number, a JID; of refused ones as given */
	const char *trunk;     /* "" none */
	const char *cause;     /* a cause's name, or a refusal's */
	const char *why;       /* in words for people; "" none */
};

/* *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int failures_new(struct failures **out);
/* NULL is fine; returns NULL. */
struct failures *failures_free(struct failures *failures);

/* The oldest gives way. Without memory it is not kept. */
void failures_add(struct failures *failures, const struct failure *failure);

/* Those kept, the newest first. */
typedef void (*failure_fn)(const struct failure *failure, void *arg);
void failures_each(const struct failures *failures, failure_fn fn, void *arg);
