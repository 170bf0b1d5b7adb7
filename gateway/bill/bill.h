/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The billing hook: before each call and text somebody else may be asked
 * whether it may be, and how long; records of calls are pushed to the same. All
 * of it by JSON objects (wire.h has the ways):
 *
 *     authorise
 *         { "request": "authorise", "kind": "call" | "text", "id",
 *           "direction": "outbound" | "inbound",
 *           "part": "dialled" | "forwarded" | "transferred",
 *           "account", "from", "to", "trunk" }
 *     200
 *         { "allow": true | false, "seconds": 600, "reason": "…" }
 *
 *     record
 *         { "request": "record", "id", … } (bill_json.c)
 *     2xx taken; over unix: { "taken": true }
 *
 * A call is asked about once for each leg that it has to a trunk: a part of it
 * that is forwarded or transferred there is a question of its own, with the
 * same id, by the account that pays for it; it has a record of its own, by that
 * id with "-2", "-3", … (gateway/call/fare.h).
 *
 * "seconds" and "reason" may be left out: no limit, no words. Whatever else
 * comes, or nothing in time, counts as billing.allow_on_failure says. So many
 * questions as wire.h allows are open at once; BILL_WAITING_MAX more wait for
 * their turn, within their time; what is asked beyond that counts so, too. The
 * loop never waits; calls wait in a state of their own, and may be given up
 * meanwhile. Emergency calls and calls that leave for no trunk are nobody's to
 * refuse.
 */
#pragma once

#include <bsd/sys/queue.h>
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
	BILL_WAITING_MAX = 4096, /* questions that are not sent yet */
};

TAILQ_HEAD(questions, question);

struct bill {
	struct gateway *gateway;
	struct wire *wire;
	struct questions waiting; /* for their turn, in its order */
	unsigned nwaiting;
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
/* How it came to the leg that is asked about. */
enum bill_part { BILL_DIALLED, BILL_FORWARDED, BILL_TRANSFERRED };

struct bill_request { /* borrowed for the call alone */
	enum bill_kind kind;
	const char *id; /* the call's, as in its record */
	bool inbound;
	enum bill_part part;
	const char *account; /* who pays; a bare JID */
	const char *from, *to, *trunk;
};

struct bill_answer {
	bool allowed;
	uint32_t seconds;   /* the most; 0: as long as they like */
	const char *reason; /* fit for people; "" none. Borrowed */
};
/* From the loop, once; the question is freed behind it by who asked. */
typedef void (*bill_answer_fn)(const struct bill_answer *answer, void *arg);

/* *@out is owned by the caller: question_free(). 0 or -ENOMEM. */
CHECKED int bill_ask(struct question **out, struct gateway *gateway,
		     const struct bill_request *request, bill_answer_fn fn,
		     void *arg);
/* @fn is not called any more. NULL is fine; returns NULL. */
struct question *question_free(struct question *question);
