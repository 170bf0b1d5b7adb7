/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A user tries his own client: it is called, and he hears himself. */
#include "gateway/admin/commands.h"
#include "gateway/call/echo_call.h"
#include "gateway/call/policy.h"
#include "gateway/gateway.h"
#include "gateway/route/refusal.h"

static const struct form_spec fields[] = {
	{ .var = "seconds",
	  .label = "Ring for so many seconds",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .initial = "30",
	  .integer = true,
	  .min = POLICY_RING_MIN_S,
	  .max = POLICY_RING_MAX_S },
};

static enum command_result run(struct request *request)
{
	const char *account = request->actor.account;
	const struct refusal *why = echo_call_place(
		request->gateway, account, request_number(request, "seconds"));

	if (why) {
		const char *text = refusal_text(why, request->gateway->config);

		answer_error(request->answer, "You cannot be called now: %s",
			     text ? text : why->what);
		return COMMAND_DONE;
	}
	request_changed(request, account, "", "test call");
	answer_info(request->answer,
		    "You are being called. Answer and speak: you hear "
		    "yourself.");
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "my-test-call",
	  .title = "Call me as a test: I hear myself",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(
		  fields, .instructions = "Your client is called. Answer and "
					  "speak: you hear yourself.") },
	  .run = run },
};
const struct commands commands_test_call = COMMANDS(table);
