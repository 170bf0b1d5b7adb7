/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Calls that are over: for administrators all, for users their own. */
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/commands_history.h"
#include "gateway/admin/span.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/watch/failure.h"
#include "gateway/watch/watch.h"
#include "gateway/watch/why.h"
#include "xmpp/jid.h"

#define COUNT_FIELD                                                            \
	{                                                                      \
		.var = "count", .label = "How many", .type = FORM_TEXT_SINGLE, \
		.initial = "20", .integer = true, .min = 1,                    \
		.max = CDR_FIND_MAX                                            \
	}
static const struct form_spec all_fields[] = {
	COMMAND_HISTORY_FIELDS,
	COUNT_FIELD,
};

static const struct form_spec own_fields[] = {
	{ .var = "party",
	  .label = "Number",
	  .type = FORM_TEXT_SINGLE,
	  .desc = "Empty: all" },
	COMMAND_HISTORY_FAILED,
	COUNT_FIELD,
};

static void put_call(struct answer *answer, const struct cdr *cdr, bool all)
{
	int64_t talked =
		cdr->answered_ms ? cdr->ended_ms - cdr->answered_ms : 0;

	answer_cell(answer, "%s", span_time(cdr->started_ms).s);
	answer_cell(answer, "%s", cdr->caller);
	answer_cell(answer, "%s", cdr->callee);
	answer_cell(answer, "%s",
		    talked > 0 ? span_text((uint64_t)talked).s : "");
	answer_cell(answer, "%s", cdr->cause);
	if (!all)
		return;
	answer_cell(answer, "%s", cdr->account);
	answer_cell(answer, "%s", cdr->trunk);
	answer_cell(answer, "%u", cdr->sip_status);
	answer_cell(answer, "%s", cdr->call);
}

static void show(struct request *request, const struct cdr *rows, size_t n,
		 bool all)
{
	static const char *const columns[] = {
		"When (UTC)", "From",  "To",         "Talked", "Ended by",
		"Account",    "Trunk", "SIP status", "Call",
	};
	enum { NOWN = 5, NALL = sizeof(columns) / sizeof(columns[0]) };

	for (size_t i = 0; i < (all ? NALL : NOWN); i++)
		answer_column(request->answer, columns[i]);
	for (size_t i = 0; i < n; i++)
		put_call(request->answer, &rows[i], all);
	if (!n)
		answer_info(request->answer, "There are no such calls.");
}

static void on_all(int result, const struct cdr *rows, size_t n, void *arg)
{
	if (request_well(arg, result))
		show(arg, rows, n, true);
	request_done(arg);
}

static void on_own(int result, const struct cdr *rows, size_t n, void *arg)
{
	if (request_well(arg, result))
		show(arg, rows, n, false);
	request_done(arg);
}

struct newest {
	const char *account;
	struct failure found; /* at_ms 0: none */
};

static void on_refused(const struct failure *failure, void *arg)
{
	struct newest *newest = arg;

	if (!newest->found.at_ms && !*failure->call && *failure->why &&
	    jid_same_bare(failure->from, newest->account))
		newest->found = *failure;
}

/* What was refused before it became a call has no record. Borrowed until the
 * loop's next turn; at_ms 0: there was nothing. */
static struct failure last_refusal(const struct request *request)
{
	struct newest newest = { .account = request->actor.account };

	failures_each(request->gateway->watch->failures, on_refused, &newest);
	return newest.found;
}

static void tell_failure(struct request *request, const struct failure *what)
{
	answer_info(request->answer, "%s", what->why);
	answer_fact(request->answer, "When (UTC)", "%s",
		    span_time(what->at_ms).s);
	answer_fact(request->answer, "From", "%s", what->from);
	answer_fact(request->answer, "To", "%s", what->to);
}

/* One failure, told in words. */
static void on_failure(int result, const struct cdr *rows, size_t n, void *arg)
{
	struct request *request = arg;
	struct failure refused = last_refusal(request);
	char why[WHY_CAP];

	if (refused.at_ms &&
	    (result || !n || refused.at_ms > rows[0].started_ms)) {
		tell_failure(request, &refused);
	} else if (request_well(request, result) && n &&
		   !why_text(why, &rows[0])) {
		tell_failure(request,
			     &(struct failure){ .at_ms = rows[0].started_ms,
						.from = rows[0].caller,
						.to = rows[0].callee,
						.why = why });
	} else if (!result) {
		answer_info(request->answer,
			    "None of your calls has failed, as far as is "
			    "known.");
	}
	request_done(request);
}

static void abandon(struct request *request)
{
	db_forget(request->gateway->db, request);
}

static enum command_result find(struct request *request,
				const struct cdr_filter *filter, cdr_rows_fn fn)
{
	request->abandon = abandon;
	return request_well(request,
			    cdr_find(request->gateway->db, filter, fn, request))
		       ? COMMAND_LATER
		       : COMMAND_DONE;
}

static int64_t time_of(const struct request *request, const char *var)
{
	int64_t ms;

	return span_parse_time(&ms, request_text(request, var)) ? ms : 0;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

struct cdr_filter commands_history_filter(const struct request *request,
					  char account[static JID_CAP])
{
	request_jid(account, request, "account");
	return (struct cdr_filter){
		.account = account,
		.party = or_null(request_text(request, "party")),
		.trunk = or_null(request_text(request, "trunk")),
		.cause = or_null(request_text(request, "cause")),
		.failed = request_flag(request, "failed"),
		.since_ms = time_of(request, "since"),
		.until_ms = time_of(request, "until"),
	};
}

static enum command_result run_history(struct request *request)
{
	char account[JID_CAP];
	struct cdr_filter filter = commands_history_filter(request, account);

	filter.limit = request_number(request, "count");
	return find(request, &filter, on_all);
}

static enum command_result run_own(struct request *request)
{
	const struct cdr_filter filter = {
		.account = request->actor.account,
		.party = or_null(request_text(request, "party")),
		.failed = request_flag(request, "failed"),
		.limit = request_number(request, "count"),
	};

	return find(request, &filter, on_own);
}

static enum command_result run_why(struct request *request)
{
	const struct cdr_filter filter = {
		.account = request->actor.account,
		.failed = true,
		.limit = 1,
	};

	return find(request, &filter, on_failure);
}

static const struct command table[] = {
	{ .node = "history",
	  .title = "Calls that are over",
	  .need = NEED_READER,
	  .steps = { COMMAND_FIELDS(all_fields) },
	  .run = run_history },
	{ .node = "my-calls",
	  .title = "My calls",
	  .need = NEED_USER,
	  .steps = { COMMAND_FIELDS(own_fields) },
	  .run = run_own },
	{ .node = "why-failed",
	  .title = "Why did my last call fail?",
	  .need = NEED_USER,
	  .run = run_why },
};
const struct commands commands_history = COMMANDS(table);
