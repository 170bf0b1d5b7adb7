/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The end of the process, and its end with another in its place, as XEP-0133
 * has them (4.31, 4.32): after a while, and users may be told.
 */
#include <stdlib.h>

#include "gateway/admin/admin.h"
#include "gateway/admin/commands.h"
#include "gateway/gateway.h"
#include "gateway/upgrade.h"

/* Those of the XEP, and none. */
static const struct form_option delays[] = {
	{ "0", "none" },         { "30", "30 seconds" },
	{ "60", "60 seconds" },  { "90", "90 seconds" },
	{ "120", "2 minutes" },  { "180", "3 minutes" },
	{ "240", "4 minutes" },  { "300", "5 minutes" },
	{ "600", "10 minutes" }, { "900", "15 minutes" },
	{ NULL, NULL },
};

#define DELAY_FIELD                                                         \
	{                                                                   \
		.var = "delay", .label = "After", .type = FORM_LIST_SINGLE, \
		.required = true, .initial = "0", .options = delays         \
	}
#define ANNOUNCEMENT_FIELD                                                \
	{                                                                 \
		.var = "announcement", .label = "Tell all users",         \
		.type = FORM_TEXT_MULTI, .desc = "Empty: nothing is told" \
	}

static const struct form_spec restart_fields[] = {
	COMMAND_ADMIN_FORM_TYPE,
	DELAY_FIELD,
	ANNOUNCEMENT_FIELD,
};

static const struct form_spec shutdown_fields[] = {
	COMMAND_ADMIN_FORM_TYPE,
	DELAY_FIELD,
	ANNOUNCEMENT_FIELD,
	{ .var = "sure",
	  .label = "End all calls, and start by hand alone",
	  .type = FORM_BOOLEAN,
	  .required = true,
	  .initial = "false" },
};

/* What is to come, @what, and the users who are told of it. */
static enum command_result later(struct request *request, const char *what,
				 void (*fn)(struct gateway *gateway))
{
	unsigned delay_s = request_number(request, "delay");
	char *text = request_lines(request, "announcement");

	if (!text) {
		(void)request_well(request, -ENOMEM);
		return COMMAND_DONE;
	}
	if (request_well(request, admin_later(request->gateway, delay_s, fn))) {
		request_changed(request, "gateway", TANDEM_VERSION, what);
		answer_info(request->answer,
			    "The process begins its %s in %u s.", what,
			    delay_s);
		if (*text)
			commands_announce(request, text);
	}
	free(text);
	return COMMAND_DONE;
}

static enum command_result run_restart(struct request *request)
{
	return later(request, "restart", upgrade_begin);
}

static enum command_result run_shutdown(struct request *request)
{
	if (request_flag(request, "sure"))
		return later(request, "shutdown", gateway_end);
	answer_info(request->answer, "Nothing was done.");
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = COMMAND_ADMIN "#restart",
	  .word = "restart",
	  .title = "Start the process anew under the calls of now",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(restart_fields) },
	  .run = run_restart },
	{ .node = COMMAND_ADMIN "#shutdown",
	  .word = "shutdown",
	  .title = "End the process, with all calls",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(shutdown_fields) },
	  .run = run_shutdown },
};
const struct commands commands_stop = COMMANDS(table);
