/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Live calls, told again and again until somebody stops it. */
#include "gateway/admin/commands.h"
#include "gateway/call/call_view.h"
#include "gateway/watch/live.h"

enum {
	EVERY_MIN_S = 2, /* a look at the calls' media takes as long */
	EVERY_MAX_S = 60,
	MINUTES_MAX = 60,
	S_PER_MIN = 60,
};

static const struct form_spec fields[] = {
	{ .var = "call",
	  .label = "Call",
	  .type = FORM_LIST_SINGLE,
	  .open = true,
	  .desc = "All that there are, if none is given" },
	{ .var = "minutes",
	  .label = "For how many minutes",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .integer = true,
	  .min = 1,
	  .max = MINUTES_MAX,
	  .initial = "10" },
	{ .var = "every",
	  .label = "Every so many seconds",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .integer = true,
	  .min = EVERY_MIN_S,
	  .max = EVERY_MAX_S,
	  .initial = "5" },
};

static void on_tell(const char *text, size_t n, void *arg)
{
	request_tell(arg, text, n);
}

static void stop(struct request *request)
{
	request->work = live_free(request->work);
}

static void on_done(const char *why, void *arg)
{
	struct request *request = arg;

	answer_info(request->answer, "%s", why);
	stop(request);
	request_done(request);
}

static enum command_result run_watch(struct request *request)
{
	static const struct live_handlers handlers = { .tell = on_tell,
						       .done = on_done };
	const struct live_config config = {
		.call = request_text(request, "call"),
		.every_s = request_number(request, "every"),
		.last_s = request_number(request, "minutes") * S_PER_MIN,
	};
	struct live *live = NULL;
	int r = live_new(&live, request->gateway, &config, &handlers, request);

	request->work = live;
	request->abandon = stop;
	if (!r)
		return COMMAND_LATER;
	if (r == LIVE_E_NONE)
		answer_error(request->answer, "There is no such call now.");
	else
		answer_error(request->answer,
			     r == LIVE_E_FULL
				     ? "Too many watch already; try later."
				     : "Out of memory.");
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "watch",
	  .title = "Watch live calls",
	  .need = NEED_READER,
	  .live = true,
	  .steps = { COMMAND_FIELDS(fields, .fill = commands_fill_calls) },
	  .run = run_watch },
};
const struct commands commands_watch = COMMANDS(table);
