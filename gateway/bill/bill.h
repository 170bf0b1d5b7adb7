/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The billing hook: before each call and text somebody else may be asked
 * whether it may be, and how long; records of calls are pushed to the same. All
 * of it by JSON objects (wire.h has the ways):
 *
 *     authorise
 *         { "request": "authorise", "kind": "call" | "text", "id",
 *           "direction": "outbound" | "inbound", "account", "from", "to",
 *           "trunk" }
 *     200
 *         { "allow": true | false, "seconds": 600, "reason": "…" }
 *
 *     record
 *         { "request": "record", "id", … } (bill_json.c)
 *     2xx taken; over unix: { "taken": true }
 *
 * "seconds" and "reason" may be left out: no limit, no words. Whatever else
 * comes, or nothing in time, counts as billing.on_failure says. The loop never
 * waits; calls wait in a state of their own, and may be given up meanwhile.
 * Emergency calls and calls that leave for no trunk are nobody's to refuse.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct bill;
struct bill_records;
struct gateway;
struct question;
struct wire;

enum {
	BILL_REASON_CAP = 128, /* of words for a person; longer is cut */
	BILL_SECONDS_MAX = 7 * 24 * 3600,
};

struct bill {
	struct gateway *gateway;
	struct wire *wire;
	struct bill_records *records; /* NULL: not pushed */
};

/* Nothing without billing.url. 0 or -errno (logged). */
CHECKED int bill_new(struct gateway *gateway);
void bill_free(struct gateway *gateway);

/* Whether calls and texts are asked about. */
bool bill_asks(const struct gateway *gateway);
/* Whether records are pushed: cdr.push. */
bool bill_pushes(const struct gateway *gateway);
/* A record to be pushed was given to the database. */
void bill_record_written(struct gateway *gateway);

enum bill_kind { BILL_CALL, BILL_TEXT };

struct bill_request { /* borrowed for the call alone */
	enum bill_kind kind;
	const char *id; /* the call's, as in its record */
	bool inbound;
	const char *account, *from, *to, *trunk;
};

struct bill_answer {
	bool allowed;
	bool answered;    /* else on_failure decided */
	uint32_t seconds; /* the most; 0: as long as they like */
	const char
		*reason; /* for the person, fit for people; "" none. Borrowed */
};
/* From the loop, once; the question is freed behind it by who asked. */
typedef void (*bill_answer_fn)(const struct bill_answer *answer, void *arg);

/* *@out is owned by the caller: question_free(). 0 or -ENOMEM. */
CHECKED int bill_ask(struct question **out, struct gateway *gateway,
		     const struct bill_request *request, bill_answer_fn fn,
		     void *arg);
/* @fn is not called any more. NULL is fine; returns NULL. */
struct question *question_free(struct question *question);
