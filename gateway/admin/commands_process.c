/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The process itself: whether it takes calls, and what it logs. */
#include <string.h>

#include "gateway/admin/commands.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"

static const struct form_spec drain_fields[] = {
	{ .var = "drain",
	  .label = "Take no new calls",
	  .type = FORM_BOOLEAN,
	  .required = true,
	  .initial = "true" },
};

static const struct form_option level_options[] = {
	{ "error", NULL }, { "warn", NULL }, { "info", NULL },
	{ "debug", NULL }, { NULL, NULL },
};

static const struct form_spec level_fields[] = {
	{ .var = "level",
	  .label = "Level",
	  .type = FORM_LIST_SINGLE,
	  .required = true,
	  .options = level_options,
	  .desc = "Until the next start; debug says what people write" },
};

static enum command_result run_drain(struct request *request)
{
	struct gateway *gateway = request->gateway;
	bool drain = request_flag(request, "drain");

	request_changed(request, "gateway",
			gateway->draining ? "draining" : "open",
			drain ? "draining" : "open");
	gateway->draining = drain;
	gateway->retiring = gateway->retiring && drain;
	if (drain)
		answer_info(request->answer,
			    "No new calls are taken; %u go on.",
			    gateway->ncalls);
	else
		answer_info(request->answer, "Calls are taken again.");
	return COMMAND_DONE;
}

static void fill_level(const struct request *request, struct form *form)
{
	(void)request;
	form_set(form_find(form, "level"), log_level_name(log_level()));
}

static enum command_result run_level(struct request *request)
{
	const char *name = request_text(request, "level");
	enum log_level level;

	if (!request_well(request, log_level_parse(name, &level)))
		return COMMAND_DONE;
	request_changed(request, "log", log_level_name(log_level()), name);
	log_set_level(level);
	answer_info(request->answer, "The log's level is %s.", name);
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "drain",
	  .title = "Take no new calls, or again",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(drain_fields) },
	  .run = run_drain },
	{ .node = "log-level",
	  .title = "How much is logged",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(level_fields, .fill = fill_level) },
	  .run = run_level },
};
const struct commands commands_process = COMMANDS(table);
