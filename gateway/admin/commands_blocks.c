/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who is not heard: by an account, or by all. Accounts set it for themselves by
 * XEP-0191 (gateway/service/service_block.c).
 */
#include <string.h>

#include "gateway/admin/commands.h"
#include "gateway/admin/rows.h"
#include "gateway/admin/span.h"
#include "gateway/gateway.h"
#include "gateway/route/blocks.h"

#define ACCOUNT_FIELD                                                          \
	{                                                                      \
		.var = "account", .label = "Account", .type = FORM_JID_SINGLE, \
		.desc = "Empty: all accounts", .regex = COMMAND_JID_REGEX,     \
		.expects = COMMAND_JID_EXPECTS                                 \
	}

#define PARTY_FIELD                                                            \
	{                                                                      \
		.var = "party", .label = "Who", .type = FORM_TEXT_SINGLE,      \
		.desc = "A number, or with * at its end all that begin so; "   \
			"\"anonymous\" withholds its number",                  \
		.required = true, .regex = "(\\+[0-9]{0,15}\\*?|\\*|[^@ *]+)", \
		.expects = "a number such as +15551234567, or +1900*, please"  \
	}

static const struct form_spec list_fields[] = { ACCOUNT_FIELD, ROWS_FIELDS };
static const struct form_spec fields[] = { PARTY_FIELD, ACCOUNT_FIELD };
static const struct form_spec own_fields[] = { PARTY_FIELD };

/* Users have their own alone. */
static void read_account(char out[static JID_CAP],
			 const struct request *request)
{
	if (request->command->need == NEED_USER)
		memcpy(out, request->actor.account, JID_CAP);
	else
		request_jid(out, request, "account");
}

static void on_block(const void *data, void *arg)
{
	const struct block_row *row = data;
	struct rows *rows = arg;
	struct answer *answer = rows->request->answer;

	if (!rows_take(rows))
		return;
	answer_cell(answer, "%s", *row->account ? row->account : "all");
	answer_cell(answer, "%s", row->party);
	answer_cell(answer, "%s", span_time(row->since_ms).s);
}

static enum command_result run_blocks(struct request *request)
{
	static const char *const columns[] = { "Account", "Who",
					       "Since (UTC)" };
	char account[JID_CAP];
	struct rows rows;

	read_account(account, request);
	rows_start(&rows, request, columns,
		   sizeof(columns) / sizeof(columns[0]));
	blocks_each(request->gateway, account, on_block, &rows);
	if (!rows.n)
		answer_info(request->answer, "Nobody is blocked.");
	else
		rows_end(&rows, "blocks");
	return COMMAND_DONE;
}

static enum command_result change(struct request *request, bool block)
{
	const char *party = request_text(request, "party");
	char account[JID_CAP];
	int r;

	read_account(account, request);
	r = block ? blocks_add(request->gateway, account, party)
		  : blocks_drop(request->gateway, account, party);
	if (request_well(request, r)) {
		request_changed(request, *account ? account : "all",
				block ? "" : party, block ? party : "");
		answer_info(request->answer,
			    "%s: calls and texts of %s are %s.",
			    *account ? account : "All accounts", party,
			    block ? "refused" : "taken");
	}
	return COMMAND_DONE;
}

static enum command_result run_block(struct request *request)
{
	return change(request, true);
}

static enum command_result run_unblock(struct request *request)
{
	return change(request, false);
}

static const struct command table[] = {
	{ .node = "blocks",
	  .title = "Who is blocked",
	  .need = NEED_READER,
	  .steps = { COMMAND_FIELDS(list_fields) },
	  .run = run_blocks },
	{ .node = "block",
	  .title = "Block a telephone",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(fields) },
	  .run = run_block },
	{ .node = "my-blocks",
	  .title = "Whom I have blocked",
	  .need = NEED_USER,
	  .run = run_blocks },
	{ .node = "my-block",
	  .title = "Block a telephone for me",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(own_fields) },
	  .run = run_block },
	{ .node = "my-unblock",
	  .title = "Hear a telephone that I blocked",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(own_fields) },
	  .run = run_unblock },
	{ .node = "unblock",
	  .title = "Hear a telephone again",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(fields) },
	  .run = run_unblock },
};
const struct commands commands_blocks = COMMANDS(table);
