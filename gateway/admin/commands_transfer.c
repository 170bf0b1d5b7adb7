/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A user hands a call of his over to another number. */
#include <string.h>

#include "gateway/admin/commands.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg.h"
#include "xmpp/jid.h"

enum { LABEL_CAP = 160 };

static const struct form_spec transfer_fields[] = {
	{ .var = "call",
	  .label = "The call",
	  .type = FORM_LIST_SINGLE,
	  .required = true,
	  .open = true },
	{ .var = "to",
	  .label = "To the number",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .regex = COMMAND_NUMBER_REGEX,
	  .expects = COMMAND_NUMBER_EXPECTS },
};

static bool is_own(const struct call *call, const struct request *request)
{
	return call_talks(call) &&
	       jid_same_bare(call_account(call), request->actor.account);
}

static void fill_transfer(const struct request *request, struct form *form)
{
	struct form_field *field = form_find(form, "call");
	const struct call *call;
	bool first = true;

	LIST_FOREACH(call, &request->gateway->calls, link) {
		char label[LABEL_CAP];

		if (!is_own(call, request))
			continue;
		if (text_format(label, sizeof(label), "with %.60s",
				call->inbound ? call->from : call->to))
			label[0] = '\0';
		form_add_option(field, call_name(call), label);
		if (first)
			form_set(field, call_name(call));
		first = false;
	}
}

static struct call *find_call(const struct request *request)
{
	const char *name = request_text(request, "call");
	struct call *call;

	LIST_FOREACH(call, &request->gateway->calls, link) {
		if (!strcmp(call_name(call), name) && is_own(call, request))
			return call;
	}
	return NULL;
}

static enum command_result run_transfer(struct request *request)
{
	const char *to = request_text(request, "to");
	struct call *call = find_call(request);
	int r;

	if (!call) {
		answer_error(request->answer, "There is no such call now.");
		return COMMAND_DONE;
	}
	r = call_transfer(call, to);
	if (r == LEG_E_TRANSFER) {
		answer_error(request->answer,
			     "This call cannot be handed over to %s.", to);
		return COMMAND_DONE;
	}
	if (!request_well(request, r))
		return COMMAND_DONE;
	request_changed(request, call_name(call), "", to);
	answer_info(request->answer,
		    "%s is being called; your call ends when it answers.", to);
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "transfer-call",
	  .title = "Hand a call over to another number",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(transfer_fields, .fill = fill_transfer) },
	  .run = run_transfer },
};
const struct commands commands_transfer = COMMANDS(table);
