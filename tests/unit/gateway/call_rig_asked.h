/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who is asked about a call: limits and a billing system that say what a test
 * wants; and who only looks on. */
#pragma once

#include "gateway/bill/bill.h"
#include "gateway/call/call_state.h"
#include "gateway/route/limits.h"
#include "gateway/trace/trace.h"
#include "gateway/watch/quality.h"
#include "gateway/watch/watch.h"
#include "tests/unit/gateway/call_rig_said.h"

/* ---- limits ---- */

static enum limit reached; /* by accounts; what has no prefix, by all */
static int64_t allowed_ms = INT64_MAX; /* a day, to accounts */

enum limit limits_check(struct gateway *of, enum quota_kind kind,
			const char *name, const char *to, unsigned flags)
{
	(void)of;
	(void)name;
	(void)flags;
	if (to && *to != '+')
		return LIMIT_DESTINATION;
	return kind == QUOTA_ACCOUNT ? reached : LIMIT_NONE;
}

int limits_start(struct gateway *of, struct toll_meter *meter,
		 enum quota_kind kind, const char *name, int64_t since_ms)
{
	int r = toll_start(of, meter, (enum toll_kind)kind, name, since_ms);

	if (!r && kind == QUOTA_ACCOUNT)
		toll_allow(of, TOLL_ACCOUNT, name, allowed_ms);
	return r;
}

const char *limit_name(enum limit limit)
{
	return limit ? "minutes" : "none";
}

/* ---- who looks on ---- */

void trace_call_changed(const struct call *call, const char *from,
			const char *event, const char *to)
{
	(void)call;
	assert_string_not_equal(from, to);
	assert_non_null(event);
}

void trace_media_changed(const struct call *call, enum media_side side,
			 const char *what)
{
	(void)call;
	(void)side;
	assert_non_null(what);
}

void watch_call_began(struct call *call)
{
	(void)call;
}

void watch_call_ended(const struct call *call, const struct cdr *cdr)
{
	(void)call;
	(void)cdr;
}

void watch_media_failed(const struct call *call, enum media_side side,
			const char *why)
{
	(void)call;
	(void)side;
	(void)why;
}

void quality_forget(struct call *call)
{
	assert_null(call->quality);
}

/* ---- the billing system ---- */

static bool billed, question_open;
static bill_answer_fn bill_answers;
static char asked_of[256];
static void *bill_arg;

bool bill_asks(const struct gateway *of)
{
	(void)of;
	return billed;
}

bool bill_pushes(const struct gateway *of)
{
	(void)of;
	return billed;
}

void bill_record_written(struct gateway *of)
{
	(void)of;
}

int bill_ask(struct question **out, struct gateway *of,
	     const struct bill_request *request, bill_answer_fn fn, void *arg)
{
	static char question;

	(void)of;
	say("asked");
	snprintf(asked_of, sizeof(asked_of), "%s %s %s %s %s",
		 request->inbound ? "in" : "out", request->account,
		 request->from, request->to, request->trunk);
	*out = (struct question *)&question;
	question_open = true;
	bill_answers = fn;
	bill_arg = arg;
	return 0;
}

struct question *question_free(struct question *question)
{
	if (question)
		question_open = false;
	return NULL;
}
