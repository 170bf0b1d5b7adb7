/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the commands about calls that are over share. */
#pragma once

#include "db/cdr.h"
#include "gateway/admin/commands.h"

#define COMMAND_TIME_REGEX \
	"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}(:[0-9]{2})?)?"
#define COMMAND_TIME_EXPECTS "a time such as 2026-11-21 17:04, in UTC"

#define COMMAND_HISTORY_FAILED                             \
	{                                                  \
		.var = "failed", .label = "Only failures", \
		.type = FORM_BOOLEAN, .initial = "false"   \
	}
/* Of commands_history_filter(). */
#define COMMAND_HISTORY_FIELDS                                \
	{ .var = "party",                                     \
	  .label = "Number or address",                       \
	  .type = FORM_TEXT_SINGLE },                         \
		{ .var = "account",                           \
		  .label = "Account",                         \
		  .type = FORM_JID_SINGLE },                  \
		{ .var = "trunk",                             \
		  .label = "Trunk",                           \
		  .type = FORM_TEXT_SINGLE },                 \
		{ .var = "cause",                             \
		  .label = "Cause",                           \
		  .type = FORM_TEXT_SINGLE,                   \
		  .desc = "As busy, no-answer, congestion" }, \
		{ .var = "since",                             \
		  .label = "From",                            \
		  .type = FORM_TEXT_SINGLE,                   \
		  .regex = COMMAND_TIME_REGEX,                \
		  .expects = COMMAND_TIME_EXPECTS },          \
		{ .var = "until",                             \
		  .label = "Before",                          \
		  .type = FORM_TEXT_SINGLE,                   \
		  .regex = COMMAND_TIME_REGEX,                \
		  .expects = COMMAND_TIME_EXPECTS },          \
		COMMAND_HISTORY_FAILED

/* Which calls are asked for; borrows from @request and @account. */
struct cdr_filter commands_history_filter(const struct request *request,
					  char account[static JID_CAP]);
