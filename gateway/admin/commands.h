/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The groups that the table of commands is made of; each is one file's.
 */
#pragma once

#include "gateway/admin/command.h"

struct commands {
	const struct command *v;
	size_t n;
};
#define COMMANDS(table)                                     \
	{                                                   \
		(table), sizeof(table) / sizeof((table)[0]) \
	}
/* The steps of an entry that asks once. */
#define COMMAND_FIELDS(fields_, ...)                                     \
	{                                                                \
		.fields = (fields_),                                     \
		.n = sizeof(fields_) / sizeof((fields_)[0]), __VA_ARGS__ \
	}

extern const struct commands commands_status, commands_calls, commands_history,
	commands_trunks, commands_trunk_edit, commands_trunk_call,
	commands_numbers, commands_accounts, commands_blocks, commands_audit,
	commands_process, commands_standard, commands_transfer, commands_user,
	commands_watch, commands_trace, commands_trace_follow,
	commands_caller_id, commands_stop, commands_export, commands_test_call,
	commands_move, commands_routes;

/* The trunks, as options of the field "trunk"; the one there is is chosen. */
void commands_fill_trunks(const struct request *request, struct form *form);
/* The calls of now, as options of the field "call". */
void commands_fill_calls(const struct request *request, struct form *form);

/* A new file beside the database, the one place that is ours to write:
 * "…/@name-1790000000000000.@type" into @out of PATH_MAX; no two are the same.
 * 0 or -EMSGSIZE. */
CHECKED int commands_path(char *out, struct gateway *gateway, const char *name,
			  const char *type);
/* Tell all users (XEP-0133, 4.23). */
void commands_announce(struct request *request, const char *text);

/* XEP-0133 */
#define COMMAND_ADMIN "http://jabber.org/protocol/admin"
#define COMMAND_ADMIN_FORM_TYPE                                       \
	{                                                             \
		.var = "FORM_TYPE", .label = "", .type = FORM_HIDDEN, \
		.initial = COMMAND_ADMIN                              \
	}
#define COMMAND_ACCOUNTS_FIELD                                              \
	{                                                                   \
		.var = "accountjids", .label = "Accounts",                  \
		.type = FORM_JID_MULTI, .required = true,                   \
		.regex = COMMAND_JID_REGEX, .expects = COMMAND_JID_EXPECTS, \
	}

/* What fields of several groups want. */
#define COMMAND_JID_REGEX      "[^@/ ]+@[^@/ ]+(/.*)?"
#define COMMAND_JID_EXPECTS    "an address such as alice@example.org, please"
#define COMMAND_NAME_REGEX     "[A-Za-z0-9._-]{1,32}" /* as in tandem.conf */
#define COMMAND_NAME_EXPECTS   "1 to 32 letters, digits, '.', '_' or '-', please"
#define COMMAND_NUMBER_REGEX   "\\+[0-9]{2,15}"
#define COMMAND_NUMBER_EXPECTS "a number such as +15551234567, please"
/* As config_is_prefix(), blanks between; or none. */
#define COMMAND_PREFIXES_REGEX \
	"((\\+|\\+?[0-9]{1,15})( +(\\+|\\+?[0-9]{1,15}))*)?"
#define COMMAND_PREFIXES_EXPECTS \
	"prefixes such as +1 +49, blanks between, please"
