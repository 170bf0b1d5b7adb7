/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What was changed by commands. */
#include <string.h>

#include "db/audit_row.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/span.h"
#include "gateway/gateway.h"

static const struct form_spec fields[] = {
	{ .var = "who", .label = "By whom", .type = FORM_TEXT_SINGLE },
	{ .var = "object",
	  .label = "Of what",
	  .type = FORM_TEXT_SINGLE,
	  .desc = "A number, an address, a trunk, what it was or became: any "
		  "part of it; or a command" },
	{ .var = "count",
	  .label = "How many",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .initial = "50",
	  .integer = true,
	  .min = 1,
	  .max = AUDIT_ROW_MAX },
};

static void on_row(const void *data, void *arg)
{
	const struct audit_row *row = data;
	struct request *request = arg;
	struct answer *answer = request->answer;

	answer_cell(answer, "%s", span_time(row->at_ms).s);
	answer_cell(answer, "%s", row->who);
	answer_cell(answer, "%s", row->face);
	answer_cell(answer, "%s", row->node);
	answer_cell(answer, "%s", row->object);
	answer_cell(answer, "%s", row->before);
	answer_cell(answer, "%s", row->after);
}

static void on_written(int result, void *arg)
{
	static const char *const columns[] = { "When (UTC)", "Who",  "By",
					       "Command",    "What", "From",
					       "To" };
	struct request *request = arg;

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		answer_column(request->answer, columns[i]);
	if (result)
		answer_warn(request->answer,
			    "The last changes are not on disk yet.");
	int r = audit_row_find(
		request->gateway->db,
		&(struct audit_filter){
			.who = request_text(request, "who"),
			.what = request_text(request, "object"),
			.limit = request_number(request, "count") },
		on_row, request);
	if (r)
		answer_error(request->answer, "The database cannot be read.");
	else if (!answer_rows(request->answer))
		answer_info(request->answer, "There are no such changes.");
	request_done(request);
}

static void abandon(struct request *request)
{
	db_forget(request->gateway->db, request);
}

/* Those that are still on their way to the disk first. */
static enum command_result run_changes(struct request *request)
{
	request->abandon = abandon;
	int r = audit_row_wait(request->gateway->db, on_written, request);
	if (!r)
		return COMMAND_LATER;
	answer_error(request->answer, "The database is too busy.");
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "changes",
	  .title = "Changes by commands",
	  .need = NEED_READER,
	  .steps = { COMMAND_FIELDS(fields) },
	  .run = run_changes },
};
const struct commands commands_audit = COMMANDS(table);
