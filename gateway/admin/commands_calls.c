/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Calls of now: who, how well, and their end. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/commands.h"
#include "gateway/admin/rows.h"
#include "gateway/admin/span.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg.h"
#include "gateway/watch/live.h"
#include "media/bridge.h"

enum { LABEL_CAP = 160 };

static const struct form_spec call_fields[] = {
	{ .var = "call",
	  .label = "Call",
	  .type = FORM_LIST_SINGLE,
	  .required = true,
	  .open = true },
};

static const struct form_spec list_fields[] = {
	{ .var = "find",
	  .label = "Number, address or trunk",
	  .type = FORM_TEXT_SINGLE,
	  .desc = "Any part of it; empty: all" },
	ROWS_FIELDS,
};

/* ---- list ---- */

static bool fits(const struct call *call, const char *find)
{
	return strstr(call->from, find) || strstr(call->to, find) ||
	       strstr(call->account, find) || strstr(call->trunk, find);
}

static void put_call(struct answer *answer, const struct call *call)
{
	answer_cell(answer, "%s", call->name);
	answer_cell(answer, "%s", call_state_name(call));
	answer_cell(answer, "%s", call->from);
	answer_cell(answer, "%s", call->to);
	answer_cell(answer, "%s", call->account);
	answer_cell(answer, "%s", call->trunk);
	answer_cell(answer, "%s", span_text(call_lasts_ms(call)).s);
	for (int side = MEDIA_SIDE_A; side <= MEDIA_SIDE_B; side++) {
		answer_cell(answer, "%s",
			    live_codec(call, (enum media_side)side).s);
		answer_cell(answer, "%s",
			    live_quality(call, (enum media_side)side).s);
	}
}

static enum command_result run_calls(struct request *request)
{
	static const char *const columns[] = {
		"Call",    "State",        "From",     "To",
		"Account", "Trunk",        "Duration", "Caller codec",
		"Caller",  "Callee codec", "Callee",
	};
	const char *find = request_text(request, "find");
	const struct call *call;
	struct rows rows;

	rows_start(&rows, request, columns,
		   sizeof(columns) / sizeof(columns[0]));
	LIST_FOREACH(call, &request->gateway->calls, link) {
		if (call->state != CALL_CLOSED && fits(call, find) &&
		    rows_take(&rows))
			put_call(request->answer, call);
	}
	rows_end(&rows, "calls");
	return COMMAND_DONE;
}

/* ---- hang up ---- */

void commands_fill_calls(const struct request *request, struct form *form)
{
	struct form_field *field = form_find(form, "call");
	const struct call *call;

	LIST_FOREACH(call, &request->gateway->calls, link) {
		char label[LABEL_CAP];

		if (call->state == CALL_CLOSED)
			continue;
		if (text_format(label, sizeof(label), "%.60s to %.60s, %s",
				call->from, call->to, call_state_name(call)))
			label[0] = '\0';
		form_add_option(field, call->name, label);
	}
}

static struct call *find_call(const struct gateway *gateway, const char *name)
{
	struct call *call;

	LIST_FOREACH(call, &gateway->calls, link) {
		if (!strcmp(call->name, name) && call->state != CALL_CLOSED)
			return call;
	}
	return NULL;
}

static enum command_result run_hangup(struct request *request)
{
	const char *name = request_text(request, "call");
	struct call *call = find_call(request->gateway, name);

	if (!call) {
		answer_error(request->answer, "There is no such call now.");
		return COMMAND_DONE;
	}
	answer_info(request->answer, "The call from %s to %s is ended.",
		    call->from, call->to);
	request_changed(request, name, call_state_name(call), "ended");
	call_hangup(call, CAUSE_NORMAL);
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "calls",
	  .title = "Calls of now",
	  .need = NEED_READER,
	  .steps = { COMMAND_FIELDS(list_fields) },
	  .run = run_calls },
	{ .node = "call-hangup",
	  .title = "End a call",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(call_fields, .fill = commands_fill_calls) },
	  .run = run_hangup },
};
const struct commands commands_calls = COMMANDS(table);
